import { EVENT_VERSIONS } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { type JsonObject, parseJson } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { parseEvent } from './event.js';
import { assertKnownVersion, assertKnownVersions } from './event-version.js';
import { parseReceipt } from './receipt.js';
import {
  chainEvent,
  decisionEvent,
  exportBundle,
  makeChain,
  sequence,
  sessionEvent,
  trustFile,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';
import { inspectBundle, verifyBundle } from './verify-bundle.js';

const chain = makeChain();
const drafts = [chainEvent(chain), sessionEvent(chain), decisionEvent(chain)];
const trust = parseTrustFile(trustFile(), crypto);

/** What it is refused with: its code, the check, the reason. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isTrustError(error)) throw error;
    return `${error.code} ${error.data.caveat}: ${error.data.reason}`;
  }
  return 'accepted';
}

/** A bundle in which the event at `at` is changed as a later version could write it. */
function bundleWith(at: number, change: (event: JsonObject) => object): Uint8Array {
  const bundle = parseJson(exportBundle(sequence(drafts))) as unknown as { entries: { event: JsonObject }[] };
  const entry = bundle.entries[at]!;
  entry.event = change(entry.event) as JsonObject;
  return canonicalBytes(bundle);
}

/** A made-up second version: a member more, one less, and `effect` with another meaning. */
const second = ({ code: _, ...event }: JsonObject) => ({ ...event, v: 2, effect: 'warn', verdict: 'deny' });

// AUD-91
describe('an event of a version that is not known', () => {
  it('is refused by its number, whatever else it says', () => {
    const named =
      /^PROOF_NOT_PROVEN version: an event of version 2; here only version 1 is known \(MALFORMED\)$/;
    for (const change of [second, (event: JsonObject) => ({ ...event, v: 2 })]) {
      for (const at of [0, 1, 2]) {
        expect(refusal(() => verifyBundle(bundleWith(at, change), trust, crypto))).toMatch(named);
        expect(refusal(() => inspectBundle(bundleWith(at, change), crypto))).toMatch(named);
      }
    }
  });

  it('is refused in a receipt, and alone', () => {
    const event = second(sequence(drafts)[0]!.event as unknown as JsonObject);
    const bytes = encodeUtf8(JSON.stringify({ format: 'talos-receipt-v1', event }));
    for (const read of [() => parseReceipt(bytes), () => parseEvent(event)])
      expect(refusal(read)).toBe('MALFORMED version: an event of version 2; here only version 1 is known');
  });

  it('does not pass for one that is known: no member more, no number in another spelling', () => {
    const passed = (change: object) =>
      refusal(() =>
        verifyBundle(
          bundleWith(2, (event) => ({ ...event, ...change })),
          trust,
          crypto,
        ),
      );
    expect(passed({ verdict: 'deny' })).toMatch(/^PROOF_NOT_PROVEN bundle: /);
    for (const v of ['1', '2', null, true, [1], { v: 1 }]) expect(passed({ v })).toMatch(/ bundle: /);
    for (const v of [0, 3, -1, Number.MAX_SAFE_INTEGER]) expect(passed({ v })).toContain(`version ${v}`);
  });

  it('hides behind nothing that has no events', () => {
    for (const value of [null, 7, {}, { entries: 1 }, { entries: [1, null, {}, { event: 2 }] }])
      expect(refusal(() => assertKnownVersions(value))).toBe('accepted');
    expect(refusal(() => assertKnownVersion({ v: EVENT_VERSIONS[0] }))).toBe('accepted');
  });
});
