import type { AuditEvent, Disclosure, Grant, Limit, TrustFile } from '@talosprotocol/contracts';
import { attenuate } from '../../capability/attenuate.js';
import type { ParsedChain } from '../../capability/chain.js';
import { issueCapability } from '../../capability/issue.js';
import type { Signer } from '../../crypto/jws.js';
import { portableCrypto as crypto } from '../../crypto/portable.js';
import { encodeBase64url } from '../../encoding/base64url.js';
import { formatTime } from '../../encoding/time.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { createSigner } from '../../identity/signer.js';
import { signCheckpoint } from '../../log/checkpoint.js';
import { commit, disclose } from '../../log/commitment.js';
import { rootOf } from '../../log/compact-tree.js';
import { createTreeHasher } from '../../log/hash.js';
import { createNoteSigner, formatVerifierKey } from '../../log/note-key.js';
import { makeProof, planInclusion } from '../../log/proof.js';
import type { NodeId } from '../../log/range.js';
import { signProof } from '../../session/pop.js';
import { signBundle } from '../bundle.js';
import { eventBytes, eventHash } from '../event.js';

/** A small log made by hand, with fixed keys and times: what an honest platform would write, and what a dishonest one
 *  could. */

export const NOW = 1_790_000_000;
export const ORIGIN = 'talos.test/1/default';
const HEX = 'ab'.repeat(32);

export const signerOf = (byte: number): Signer => createSigner(new Uint8Array(32).fill(byte), crypto);
export const organisation = signerOf(1);
export const agent = signerOf(2);
export const worker = signerOf(3);
export const gateway = signerOf(4);
export const exporter = signerOf(5);
export const stranger = signerOf(9);

const deps = { crypto, now: () => NOW, randomBytes: (length: number) => new Uint8Array(length).fill(7) };

export const READ_DOCS: Grant = { scope: 'tool:fs/method:*/resource:/docs', ops: ['read'] };

/** organisation -> agent -> worker; the worker's link may be used `calls` times. */
export function makeChain(
  options: { calls?: number; bearer?: boolean; root?: object; leaf?: object; grants?: Grant[] } = {},
): ParsedChain {
  const limits: Limit[] = options.calls === undefined ? [] : [{ per: 'total', calls: options.calls }];
  const root = issueCapability(
    {
      sub: agent.did,
      aud: [gateway.did],
      grants: [READ_DOCS],
      exp: NOW + 3600,
      dlg: 1,
      bearer_below: true,
      ...options.root,
    },
    organisation,
    deps,
  );
  const bearer = options.bearer === true ? { bearer: true, aud: [gateway.did] } : {};
  const link = {
    sub: worker.did,
    grants: options.grants ?? [READ_DOCS],
    exp: NOW + 900,
    ...bearer,
    ...options.leaf,
  };
  return attenuate(root, { ...link, ...(limits.length === 0 ? {} : { limits }) }, agent, deps);
}

export interface Draft {
  readonly type: AuditEvent['type'];
  readonly members: Record<string, unknown>;
  readonly sub?: string | null;
  readonly disclosures?: readonly Disclosure[];
  /** Seconds after NOW. */
  readonly at?: number;
  /** Replaces members of the finished event. */
  readonly forge?: Record<string, unknown>;
}

let counter = 0;

/** Ids that differ, in the form events and requests have. */
export function nextId(prefix: string): string {
  counter += 1;
  return `${prefix}_01890000-0000-7000-8000-${counter.toString(16).padStart(12, '0')}`;
}

export function commitTo(name: string, value: unknown): { member: { $c: string }; disclosure: Disclosure } {
  counter += 1;
  const salt = new Uint8Array(32).fill(counter);
  return { member: commit(`/${name}`, value, salt, crypto), disclosure: disclose(`/${name}`, value, salt) };
}

export const chainEvent = (chain: ParsedChain): Draft => ({
  type: 'chain',
  members: { cth: chain.cth, chain: chain.chain },
  sub: null,
});

export const SID = `ses_${encodeBase64url(new Uint8Array(28).fill(3))}`;

export function sessionEvent(
  chain: ParsedChain,
  change: { proof?: object; sid?: string; signer?: Signer; at?: number; sub?: string } = {},
): Draft {
  const claims = {
    aud: gateway.did,
    iat: NOW,
    jti: 'proof-1',
    htm: 'POST',
    htu: 'http://127.0.0.1:8001/talos/v1/sessions',
    cth: chain.cth,
    nonce: encodeBase64url(new Uint8Array(48).fill(1)),
    epk: encodeBase64url(new Uint8Array(32).fill(9)),
    ...change.proof,
  };
  const proof = signProof(claims, change.signer ?? worker);
  const members = { sid: change.sid ?? SID, cth: chain.cth, exp: formatTime((NOW + 900) * 1000), proof };
  return {
    type: 'session.opened',
    members,
    sub: change.sub ?? worker.did,
    ...(change.at === undefined ? {} : { at: change.at }),
  };
}

export function decisionEvent(
  chain: ParsedChain | undefined,
  change: {
    credential?: object;
    items?: unknown;
    members?: object;
    sub?: string | null;
    at?: number;
  } = {},
): Draft {
  const items = commitTo(
    'items',
    change.items ?? [{ scope: 'tool:fs/method:read_text_file/resource:/docs/a', op: 'read' }],
  );
  return {
    type: 'decision',
    sub: change.sub === undefined ? worker.did : change.sub,
    disclosures: change.items === null ? [] : [items.disclosure],
    ...(change.at === undefined ? {} : { at: change.at }),
    members: {
      request: nextId('req'),
      surface: 'mcp',
      effect: 'allow',
      code: null,
      credential: { kind: 'session', cth: chain?.cth, sid: SID, seq: counter, ...change.credential },
      action: { method: 'tools/call', server: 'fs', tool: 'read_text_file', op: 'read' },
      items: items.member,
      request_hash: null,
      forwarded_hash: null,
      refusal: null,
      pin: (change.members as { effect?: unknown } | undefined)?.effect === 'deny' ? null : HEX,
      policy: HEX,
      source: null,
      ...change.members,
    },
  };
}

export interface Sequenced {
  readonly event: AuditEvent;
  readonly disclosures: readonly Disclosure[];
}

/** Numbers and links drafts as the sequencer does. */
export function sequence(drafts: readonly Draft[], emitter = gateway.did): Sequenced[] {
  let prev: string | null = null;
  const subjects = new Map<string, number>();
  return drafts.map(({ type, members, sub, disclosures = [], at = 0, forge }, index) => {
    const pseq = sub == null ? 0 : (subjects.get(sub) ?? 0) + 1;
    if (sub != null) subjects.set(sub, pseq);
    const event = {
      v: 1,
      id: nextId('evt'),
      time: formatTime((NOW + at) * 1000),
      type,
      origin: ORIGIN,
      tenant: 'default',
      emitter,
      eseq: index + 1,
      prev,
      principal: sub == null ? null : { sub, pseq },
      ...members,
      ...forge,
    } as unknown as AuditEvent;
    prev = eventHash(event, crypto);
    return { event, disclosures };
  });
}

const hasher = createTreeHasher(crypto.sha256);

export interface ExportOptions {
  readonly from?: number;
  readonly to?: number;
  readonly origin?: string;
  readonly logSeed?: number;
  readonly exporter?: Signer;
  /** Changes the content before it is signed. */
  readonly tamper?: (content: {
    checkpoint: string;
    range: { from: number; to: number };
    entries: unknown[];
  }) => void;
}

/** Logs events, signs a checkpoint and exports a range, as an operator with these keys can. */
export function exportBundle(events: readonly Sequenced[], options: ExportOptions = {}): Uint8Array {
  const leaves = events.map(({ event }) => hasher.leaf(eventBytes(event)));
  const from = options.from ?? 0;
  const to = options.to ?? events.length;
  const origin = options.origin ?? ORIGIN;
  const log = signerOf(options.logSeed ?? 6);
  const note = createNoteSigner(crypto.sha256, { name: origin, publicKey: log.publicKey, sign: log.sign });
  const checkpoint = signCheckpoint(
    { origin, size: leaves.length, root: rootOf(hasher, leaves), extensions: [] },
    [note],
  );
  const read = ({ level, index }: NodeId): Uint8Array =>
    rootOf(hasher, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  const entries = events.slice(from, to).map(({ event, disclosures }, offset) => ({
    index: from + offset,
    event,
    disclosures: [...disclosures],
    proof: makeProof(hasher, read, planInclusion(from + offset, leaves.length)).map(encodeBase64url),
  }));
  const content = { format: 'talos-bundle-v1' as const, checkpoint, range: { from, to }, entries };
  options.tamper?.(content);
  return signBundle(content, NOW, options.exporter ?? exporter, crypto);
}

export function trustFile(change: Partial<TrustFile> = {}): Uint8Array {
  const log = signerOf(6);
  const file = {
    format: 'talos-trust-v1',
    logs: [{ origin: ORIGIN, vkey: formatVerifierKey(crypto.sha256, ORIGIN, log.publicKey) }],
    exporters: [exporter.did],
    emitters: [gateway.did],
    anchors: [
      { iss: organisation.did, tenant: 'default', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] },
    ],
    ...change,
  };
  return encodeUtf8(JSON.stringify(file));
}
