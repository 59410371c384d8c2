import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../encoding/json.js';
import { decodeUtf8, encodeUtf8 } from '../../encoding/utf8.js';
import { verifyWebvhLog, webvhNeedsWitness } from './log.js';
import { ctx, entriesOf, forge, key, NOW, newLog, withParameters } from './testing/logs.js';
import {
  deactivateWebvhLog,
  updateWebvhLog,
  type WebvhChanges,
  webvhKeyHash,
  witnessWebvhLog,
} from './write.js';

const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code });
const witnesses = (threshold: number, ...keys: number[]) => ({
  threshold,
  witnesses: keys.map((n) => key(n).did),
});
const verify = (log: Uint8Array, witness?: Uint8Array) =>
  verifyWebvhLog(witness === undefined ? { log } : { log, witness }, ctx());
const json = (value: unknown): Uint8Array => encodeUtf8(JSON.stringify(value));

/** The witnesses' file after each of them approved the latest version of `log`. */
function approve(log: Uint8Array, keys: readonly number[], file?: Uint8Array): Uint8Array | undefined {
  let witness = file;
  for (const n of keys) witness = witnessWebvhLog(witness ? { log, witness } : { log }, key(n), ctx());
  return witness;
}

const update = (log: Uint8Array, changes: WebvhChanges = {}, now = NOW - 1000) =>
  updateWebvhLog(log, changes, key(1), ctx(now));

describe('witnesses (ID-9)', () => {
  const two = newLog({ witness: witnesses(2, 21, 22, 23) });

  it('approve by threshold; who is no witness, or approves twice, counts for nothing', () => {
    expect(webvhNeedsWitness(two, ctx())).toBe(true);
    expect(verify(two, approve(two, [21, 23])).latest.number).toBe(1);
    for (const keys of [[21], [21, 21], [21, 31], [31, 32]]) {
      expect(() => verify(two, approve(two, keys))).toThrow(refusal('SIGNATURE_INVALID'));
    }
    expect(() => verify(two)).toThrow(refusal('SIGNATURE_INVALID'));
    expect(() => verify(two, json([]))).toThrow(refusal('SIGNATURE_INVALID'));
    const file = JSON.parse(decodeUtf8(approve(two, [21]) as Uint8Array));
    const repeated = [{ ...file[0], proof: [...file[0].proof, ...file[0].proof] }, ...file];
    expect(() => verify(two, json(repeated))).toThrow(refusal('SIGNATURE_INVALID'));
  });

  it('approve all that came before with the latest, and nothing that comes after', () => {
    const next = update(two);
    expect(verify(next, approve(next, [21, 22])).latest.number).toBe(2);
    const stale = approve(two, [21, 22]);
    expect(() => verify(next, stale)).toThrow(refusal('SIGNATURE_INVALID'));
    // A proof for a version that is not in the log stands for nothing yet.
    expect(() => verify(two, approve(next, [21, 22]))).toThrow(refusal('SIGNATURE_INVALID'));
    expect(verify(two, approve(next, [21, 22], stale)).latest.number).toBe(1);
    expect(verify(next, approve(next, [23], approve(next, [21], stale))).latest.number).toBe(2);
  });

  it('drop a proof that they replace, but for the one before (ID-10)', () => {
    const next = update(two);
    const third = update(next, {}, NOW);
    const file = approve(third, [21, 22], approve(next, [21, 22], approve(two, [21, 22])));
    const records = JSON.parse(decodeUtf8(file as Uint8Array)) as { versionId: string; proof: unknown[] }[];
    // The newest stay, and those before them: the log that is published may still be the one before.
    expect(records.map(({ versionId, proof }) => [versionId[0], proof.length])).toEqual([
      ['2', 2],
      ['3', 2],
    ]);
    expect(verify(next, file).latest.number).toBe(2);
    const odd = json([{ versionId: 'x', proof: ['y'] }]);
    expect(JSON.parse(decodeUtf8(approve(next, [21], odd) as Uint8Array))).toHaveLength(2);
  });

  it('are replaced only with the approval of those before', () => {
    const changed = update(two, { witness: witnesses(1, 25) });
    expect(() => verify(changed, approve(changed, [25]))).toThrow(refusal('SIGNATURE_INVALID'));
    expect(verify(changed, approve(changed, [21, 22])).latest.number).toBe(2);
    const after = update(changed, {}, NOW);
    expect(() => verify(after, approve(after, [21, 22]))).toThrow(refusal('SIGNATURE_INVALID'));
    expect(verify(after, approve(after, [25], approve(changed, [21, 22]))).latest.number).toBe(3);
  });

  it('are dismissed only with their approval', () => {
    const none = update(two, { witness: null });
    expect(() => verify(none, approve(two, [21, 22]))).toThrow(refusal('SIGNATURE_INVALID'));
    const approved = approve(none, [21, 22]);
    expect(verify(none, approved).latest.parameters.witness).toBeUndefined();
    expect(verify(update(none, {}, NOW), approved).latest.number).toBe(3);
  });

  it('approve the entry that first names them', () => {
    const named = update(newLog(), { witness: witnesses(1, 21) });
    expect(() => verify(named, json([]))).toThrow(refusal('SIGNATURE_INVALID'));
    expect(verify(named, approve(named, [21])).latest.number).toBe(2);
  });

  it.each<[string, unknown]>([
    ['a threshold of zero', { threshold: 0, witnesses: [{ id: key(21).did }] }],
    ['a threshold that nobody can meet', { threshold: 2, witnesses: [{ id: key(21).did }] }],
    ['a threshold that is text', { threshold: '1', witnesses: [{ id: key(21).did }] }],
    ['no threshold', { witnesses: [{ id: key(21).did }] }],
    ['a witness twice', { threshold: 1, witnesses: [{ id: key(21).did }, { id: key(21).did }] }],
    ['no witnesses', { threshold: 1, witnesses: [] }],
    ['witnesses that are no list', { threshold: 1, witnesses: key(21).did }],
    ['a weight, as earlier drafts had', { threshold: 1, witnesses: [{ id: key(21).did, weight: 1 }] }],
    ['a bare key', { threshold: 1, witnesses: [{ id: key(21).did.slice(8) }] }],
    ['a witness that is text', { threshold: 1, witnesses: [key(21).did] }],
    ['a witness of another method', { threshold: 1, witnesses: [{ id: 'did:web:example.com' }] }],
    ['a witness without id', { threshold: 1, witnesses: [{}] }],
    ['an unknown member', { threshold: 1, witnesses: [{ id: key(21).did }], selfWeight: 1 }],
    ['text', 'witness'],
    [
      'too many',
      { threshold: 1, witnesses: Array.from({ length: 33 }, (_, n) => ({ id: key(n + 30).did })) },
    ],
  ])('refuses %s', (_, witness) => {
    const log = forge(update(newLog()), 1, withParameters({ witness } as JsonObject));
    expect(() => verify(log, json([]))).toThrow(refusal('MALFORMED'));
  });

  it.each<[string, Uint8Array]>([
    ['no JSON', encodeUtf8('')],
    ['an object', json({})],
    ['a number inside', json([1])],
    ['no versionId', json([{ proof: [] }])],
    ['a proof that is no list', json([{ versionId: '1-x', proof: {} }])],
    ['too many proofs', json([{ versionId: '1-x', proof: Array(1025).fill(1) }])],
    ['too many bytes', new Uint8Array(524_289).fill(0x20)],
  ])('refuses a file of %s', (_, file) => {
    expect(() => verify(two, file)).toThrow(refusal('MALFORMED'));
  });

  it('counts no proof that is not sound, and minds none', () => {
    const good = JSON.parse(decodeUtf8(approve(two, [21, 22]) as Uint8Array))[0];
    const bad = { ...good.proof[1], created: '2026-11-23T11:59:59Z' };
    expect(() => verify(two, json([{ ...good, proof: [good.proof[0], bad] }]))).toThrow(
      refusal('SIGNATURE_INVALID'),
    );
    const noise = [1, {}, { ...good.proof[0], cryptosuite: 'x' }, bad];
    expect(
      verify(two, json([{ versionId: good.versionId }, { ...good, proof: [...noise, ...good.proof] }])).scid,
    ).toMatch(/^Qm/);
  });

  it('does not hide a bug as a bad proof', () => {
    const file = approve(two, [21, 22]) as Uint8Array;
    const { crypto } = ctx();
    const broken = { ...crypto, sha256: (data: Uint8Array) => crypto.sha256(data) };
    let calls = 0;
    broken.sha256 = (data) => {
      if (++calls > 6) throw new RangeError('a bug');
      return crypto.sha256(data);
    };
    expect(() => verifyWebvhLog({ log: two, witness: file }, { now: NOW, crypto: broken })).toThrow(
      RangeError,
    );
  });
});

describe('ending a did:webvh (ID-9)', () => {
  it('takes one entry, or two under pre-rotation', () => {
    expect(verify(deactivateWebvhLog(newLog(), key(1), ctx())).latest).toMatchObject({
      number: 2,
      parameters: { deactivated: true, updateKeys: [] },
    });
    const committed = newLog({ nextKeyHashes: [webvhKeyHash(key(2).publicKey, ctx().crypto)] });
    const ended = deactivateWebvhLog(committed, key(2), ctx());
    expect(verify(ended).latest).toMatchObject({ number: 3, parameters: { deactivated: true } });
    expect(() => deactivateWebvhLog(committed, key(1), ctx())).toThrow(refusal('SIGNATURE_INVALID'));
  });

  it('writes a time of its own for two entries of one second', () => {
    const log = update(update(newLog(), {}, NOW), {}, NOW + 20);
    expect(entriesOf(log).map(({ versionTime }) => versionTime)).toEqual([
      '2026-11-23T11:00:00Z',
      '2026-11-23T12:00:00Z',
      '2026-11-23T12:00:00.020Z',
    ]);
  });
});
