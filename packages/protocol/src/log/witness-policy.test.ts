import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { isTrustError } from '../error.js';
import { signCheckpoint, verifyCheckpoint } from './checkpoint.js';
import { formatNote, type NoteSignature, parseNote } from './note.js';
import { hasher, type SampleWitness, sampleKey, sampleWitness } from './testing/reference.js';
import { createWitnessPolicy, readCosignatures } from './witness-policy.js';

const ORIGIN = 'log.example/1';
const key = sampleKey(ORIGIN, 1);
const [one, two, three] = [1, 2, 3].map((at) => sampleWitness(`w${at}.example`, at + 10)) as [
  SampleWitness,
  SampleWitness,
  SampleWitness,
];
const stranger = sampleWitness('w9.example', 99);
const policy = (quorum: number, ...witnesses: SampleWitness[]) =>
  createWitnessPolicy(portableCrypto, { witnesses: witnesses.map(({ vkey }) => vkey), quorum });

const text = `${ORIGIN}\n1\n${Buffer.from(hasher.leaf(new Uint8Array(1))).toString('base64')}\n`;
const [own] = parseNote(
  signCheckpoint({ origin: ORIGIN, size: 1, root: hasher.leaf(new Uint8Array(1)), extensions: [] }, [
    key.signer,
  ]),
).signatures as [NoteSignature];
const by = (witness: SampleWitness, time = 1000, of = text): NoteSignature =>
  witness.cosigner.cosign(of, time);
const noteOf = (...cosignatures: NoteSignature[]): string =>
  formatNote({ text, signatures: [own, ...cosignatures] });

function refusal(act: () => unknown): [string, string] {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return [error.code, error.data.caveat ?? error.data.reason ?? ''];
    throw error;
  }
  return ['accepted', ''];
}

describe('a policy of witnesses (AUD-28)', () => {
  it('says who cosigned and when, and whether they are enough', () => {
    const note = noteOf(by(two, 2000), by(stranger), by(one, 1000));
    const report = readCosignatures(note, policy(2, one, two, three));
    expect(report.cosignatures).toEqual([
      { name: 'w2.example', keyId: two.verifier.keyId, time: 2000 },
      { name: 'w1.example', keyId: one.verifier.keyId, time: 1000 },
    ]);
    expect(report).toMatchObject({ quorum: 2, isReached: true });
    expect(readCosignatures(note, policy(3, one, two, three)).isReached).toBe(false);
    expect(readCosignatures(note, policy(0)).isReached).toBe(true);
  });

  it('counts a witness once, however often it signed', () => {
    const note = noteOf(by(one, 1000), by(one, 2000), by(one, 1000));
    expect(readCosignatures(note, policy(2, one, two))).toMatchObject({
      cosignatures: [{ time: 1000 }],
      isReached: false,
    });
  });

  it('counts no cosignature by a key that is not listed, under whatever name', () => {
    const impostor = sampleWitness('w1.example', 77);
    const note = noteOf(by(stranger), by(impostor));
    expect(readCosignatures(note, policy(1, one, two)).cosignatures).toEqual([]);
  });

  it('refuses a bad cosignature of a listed witness, even beside enough good ones', () => {
    const other = text.replace(ORIGIN, 'log.example/2');
    const tampered = { ...by(one), signature: by(one).signature.map((byte, at) => (at === 7 ? 1 : byte)) };
    for (const bad of [by(one, 1000, other), tampered]) {
      const note = noteOf(by(two), by(three), bad);
      expect(refusal(() => readCosignatures(note, policy(2, one, two, three)))[0]).toBe('SIGNATURE_INVALID');
      expect(readCosignatures(note, policy(2, two, three)).isReached).toBe(true);
    }
  });

  it('lists each key once, and a quorum that can be reached', () => {
    const alias = sampleWitness('alias.example', 11);
    expect(refusal(() => policy(1, one, one))[0]).toBe('MALFORMED');
    expect(refusal(() => policy(2, one, alias))).toEqual(['MALFORMED', 'a key of a witness is listed twice']);
    for (const quorum of [3, -1, 0.5]) expect(refusal(() => policy(quorum, one, two))[0]).toBe('MALFORMED');
    const log = { witnesses: [key.vkey], quorum: 1 };
    expect(refusal(() => createWitnessPolicy(portableCrypto, log))[0]).toBe('MALFORMED');
  });
});

describe('a checkpoint of a log with witnesses (AUD-28)', () => {
  const log = (quorum: number) => ({
    origin: ORIGIN,
    keys: [key.verifier],
    witnesses: policy(quorum, one, two, three),
  });

  it('verifies when as many cosigned it as must, and says which', () => {
    const { cosignatures } = verifyCheckpoint(noteOf(by(one), by(three)), log(2));
    expect(cosignatures.map(({ name }) => name)).toEqual(['w1.example', 'w3.example']);
    expect(verifyCheckpoint(noteOf(), log(0)).cosignatures).toEqual([]);
    const without = { origin: ORIGIN, keys: [key.verifier] };
    expect(verifyCheckpoint(noteOf(by(one)), without).cosignatures).toEqual([]);
  });

  it('is refused when fewer did, and when the log itself did not sign', () => {
    expect(refusal(() => verifyCheckpoint(noteOf(), log(1)))).toEqual(['PROOF_NOT_PROVEN', 'witnesses']);
    expect(refusal(() => verifyCheckpoint(noteOf(by(one)), log(2)))).toEqual([
      'PROOF_NOT_PROVEN',
      'witnesses',
    ]);
    expect(() => verifyCheckpoint(noteOf(by(one)), log(2))).toThrow(
      '2 of 3 witnesses must have cosigned the checkpoint: this one is signed by only w1.example',
    );
    const unsigned = formatNote({ text, signatures: [by(one), by(two), by(three)] });
    expect(refusal(() => verifyCheckpoint(unsigned, log(2)))[0]).toBe('PROOF_NOT_PROVEN');
  });
});
