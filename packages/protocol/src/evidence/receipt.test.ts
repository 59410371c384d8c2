import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { canonicalize } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { createNoteSigner } from '../log/note-key.js';
import { formatTlogProof } from '../log/tlog-proof.js';
import { eventBytes, parseEvent } from './event.js';
import { createReceipt, parseReceipt, verifyReceipt } from './receipt.js';
import {
  commitTo,
  decisionEvent,
  makeChain,
  ORIGIN,
  sequence,
  signerOf,
  trustFile,
} from './testing/ledger.js';
import { parseTrustFile } from './trust-file.js';

const trust = parseTrustFile(trustFile(), crypto);
const [{ event, disclosures }] = sequence([decisionEvent(makeChain())]) as [
  ReturnType<typeof sequence>[number],
];
const hasher = createTreeHasher(crypto.sha256);
const log = signerOf(6);
const signer = createNoteSigner(crypto.sha256, { name: ORIGIN, publicKey: log.publicKey, sign: log.sign });
const root = hasher.leaf(eventBytes(event));
const checkpoint = signCheckpoint({ origin: ORIGIN, size: 1, root, extensions: [] }, [signer]);
const receipt = createReceipt(event, disclosures, { index: 0, proof: [], checkpoint });

describe('receipts (AUD-14)', () => {
  it('prove one event, and survive being written and read', () => {
    const read = parseReceipt(encodeUtf8(canonicalize(receipt)));
    const verified = verifyReceipt(read, trust, crypto);
    expect(verified).toMatchObject({ index: 0, size: 1, event: { type: 'decision' } });
    expect(verified.values.get('/items')).toEqual([
      { scope: 'tool:fs/method:read_text_file/resource:/docs/a', op: 'read' },
    ]);
    expect(read.id).toBe(event.id.replace('evt_', 'rcp_'));
  });

  it.each([
    ['another id', { id: `rcp_${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}` }, 'another id'],
    ['a changed event', { event: { ...event, tenant: 'other' } }, 'root'],
    ['a log nobody trusts', { event: { ...event, origin: 'other.test/1/default' } }, 'no log'],
    ['a disclosure of another value', { disclosures: [commitTo('items', []).disclosure] }, 'does not open'],
  ])('are refused with %s', (_name, change, reason) => {
    expect(() => verifyReceipt({ ...receipt, ...change } as never, trust, crypto)).toThrow(reason);
  });

  it('are refused with extra data in their proof', () => {
    const proof = formatTlogProof({ index: 0, proof: [], checkpoint, extra: Uint8Array.of(1) });
    expect(() => verifyReceipt({ ...receipt, proof }, trust, crypto)).toThrow('extra data');
  });

  it('are refused from an emitter nobody trusts', () => {
    const others = parseTrustFile(trustFile({ emitters: [] }), crypto);
    expect(() => verifyReceipt(receipt, others, crypto)).toThrow('no emitter');
  });

  it('are refused when they are no receipts', () => {
    expect(() => parseReceipt(encodeUtf8('{"format":"talos-receipt-v1"}'))).toThrow('a receipt: ');
  });
});

describe('events (AUD-1, AUD-11)', () => {
  it('are read by the closed schema of their type', () => {
    expect(parseEvent(event)).toBe(event);
    expect(() => parseEvent({ ...event, extra: 1 })).toThrow('an event: ');
    expect(() => parseEvent({ type: 'nonsense' })).toThrow('an event: ');
  });

  it('have no leaf beyond 65,535 bytes', () => {
    expect(() => eventBytes({ ...event, policy: 'a'.repeat(70_000) } as never)).toThrow('65535');
  });
});
