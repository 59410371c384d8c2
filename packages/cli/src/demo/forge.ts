import type { AuditEvent } from '@talosprotocol/contracts';
import {
  createNoteSigner,
  createTreeHasher,
  eventBytes,
  eventHash,
  type ParsedBundle,
  parseBundle,
  parseCheckpoint,
  parseNote,
  rootOf,
  type Signer,
  signBundle,
  signCheckpoint,
} from '@talosprotocol/protocol';
import { createIdentity } from '@talosprotocol/sdk';
import { crypto } from './capabilities.js';

/** What an attacker with the whole file and keys of his own makes of it: a denial turned into an allowance, every hash,
 *  proof and signature made anew. Only the keys are not the ones the auditor trusts. */
export function forgeLog(bytes: Uint8Array, now: number): Uint8Array {
  const { bundle } = parseBundle(bytes, crypto);
  const events = relink(bundle.entries.map(({ event }) => rewrite(event)));
  const hasher = createTreeHasher(crypto.sha256);
  const leaves = events.map((event) => hasher.leaf(eventBytes(event)));
  const entries = events.map((event, index) => ({ before: [], index, event, disclosures: [] }));
  const checkpoint = signAnew(bundle, rootOf(hasher, leaves), leaves.length, createIdentity().signer);
  const range = { from: 0, to: entries.length };
  const selection = { filter: {}, redaction: 'full' as const, complete: [], endings: true };
  const content = { anchors: [], checkpoint, earlier: [], entries, range, rest: [], selection };
  const whole = { format: 'talos-bundle-v2' as const, ...content };
  return signBundle(whole, now, createIdentity().signer, crypto);
}

function rewrite(event: AuditEvent): AuditEvent {
  if (event.type !== 'decision' || event.effect === 'allow' || event.principal === null) return event;
  return { ...event, effect: 'allow', code: null };
}

function relink(events: readonly AuditEvent[]): AuditEvent[] {
  const last = new Map<string, string>();
  return events.map((event) => {
    const linked = { ...event, prev: last.get(event.emitter) ?? null };
    last.set(event.emitter, eventHash(linked, crypto));
    return linked;
  });
}

/** The same origin, another key: a note's key is named after the origin, so only the key itself tells. */
function signAnew(
  { checkpoint }: ParsedBundle['bundle'],
  root: Uint8Array,
  size: number,
  { publicKey, sign }: Signer,
): string {
  const { origin } = parseCheckpoint(parseNote(checkpoint).text);
  const signer = createNoteSigner(crypto.sha256, { name: origin, publicKey, sign });
  return signCheckpoint({ origin, size, root, extensions: [] }, [signer]);
}
