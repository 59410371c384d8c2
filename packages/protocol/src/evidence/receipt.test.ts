import { RECEIPT_ASSERTS, type TrustFile } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { formatNote, parseNote } from '../log/note.js';
import { createNoteSigner } from '../log/note-key.js';
import { type SampleWitness, sampleKey, sampleWitness } from '../log/testing/reference.js';
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
    const read = parseReceipt(canonicalBytes(receipt));
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

  it('say what they show and what not, and are refused in other words (AUD-62)', () => {
    expect(receipt.asserts).toEqual(RECEIPT_ASSERTS);
    const { asserts: _, ...silent } = receipt;
    expect(verifyReceipt(silent, trust, crypto).index).toBe(0);
    const boasting = { ...RECEIPT_ASSERTS, shown: ['You owe me money.'] };
    expect(() => verifyReceipt({ ...receipt, asserts: boasting }, trust, crypto)).toThrow(
      'says other things',
    );
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

describe('a trust file that names witnesses (AUD-19, AUD-28)', () => {
  const [one, two] = [sampleWitness('w1.example', 11), sampleWitness('w2.example', 12)];
  const keys = [one.vkey, two.vkey];
  const [entry] = (JSON.parse(decodeUtf8(trustFile())) as TrustFile).logs as [TrustFile['logs'][number]];
  const trusting = (...logs: Partial<TrustFile['logs'][number]>[]) =>
    parseTrustFile(trustFile({ logs: logs.map((change) => ({ ...entry, ...change })) }), crypto);
  const cosigned = (...by: SampleWitness[]) => {
    const { text, signatures } = parseNote(checkpoint);
    const more = by.map(({ cosigner }) => cosigner.cosign(text, 1_790_000_000));
    const note = formatNote({ text, signatures: [...signatures, ...more] });
    return createReceipt(event, disclosures, { index: 0, proof: [], checkpoint: note });
  };

  it('accepts what enough of them had seen, and says who and when', () => {
    const trusted = trusting({ witnesses: keys, quorum: 2 });
    expect(verifyReceipt(cosigned(two, one), trusted, crypto).cosignatures).toEqual([
      { name: 'w2.example', keyId: two.verifier.keyId, time: 1_790_000_000 },
      { name: 'w1.example', keyId: one.verifier.keyId, time: 1_790_000_000 },
    ]);
    expect(verifyReceipt(receipt, trust, crypto).cosignatures).toEqual([]);
  });

  it('refuses the rest, unless it states no quorum', () => {
    const trusted = trusting({ witnesses: keys, quorum: 2 });
    for (const refused of [
      receipt,
      cosigned(one),
      cosigned(one, one),
      cosigned(one, sampleWitness('w3', 13)),
    ])
      expect(() => verifyReceipt(refused, trusted, crypto)).toThrow('2 of 2 witnesses must have cosigned');
    expect(verifyReceipt(cosigned(one), trusting({ witnesses: keys }), crypto).cosignatures).toHaveLength(1);
  });

  it('asks the same of every key of a log', () => {
    const witnesses = { witnesses: keys, quorum: 1 };
    const vkey = sampleKey(ORIGIN, 44).vkey;
    const both = trusting(witnesses, { ...witnesses, vkey });
    expect(() => verifyReceipt(receipt, both, crypto)).toThrow('1 of 2 witnesses');
    for (const other of [{ vkey }, { vkey, witnesses: keys, quorum: 2 }, { vkey, quorum: 1 }])
      expect(() => trusting(witnesses, other)).toThrow('has other witnesses under another key');
  });

  it('is refused itself if a key stands in it twice', () => {
    expect(() => trusting({}, {})).toThrow('stands in it twice');
  });

  it('is refused itself if its quorum means nothing', () => {
    const own = sampleWitness('w4.example', 6).vkey;
    expect(() => trusting({ witnesses: [own, one.vkey], quorum: 1 })).toThrow('its own witness');
    expect(() => trusting({ witnesses: [one.vkey, sampleWitness('alias', 11).vkey] })).toThrow(
      'listed twice',
    );
    expect(() => trusting({ quorum: 1 })).toThrow('a quorum of 1 among 0');
    expect(() => trusting({ witnesses: [entry.vkey], quorum: 1 })).toThrow('not that of a witness');
  });
});
