import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { cosignatureTime, createCosignatureVerifier, createCosigner } from './cosignature.js';
import { formatNote, parseNote, verifyNote } from './note.js';
import { formatKey, formatVerifierKey, keyIdOf } from './note-key.js';
import { sampleKey, sampleWitness } from './testing/reference.js';

const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const TIME = 1_679_315_147;
const { sha256, ed25519PublicKey, ed25519Sign, ed25519Verify } = portableCrypto;
const seed = new Uint8Array(32).fill(9);
const publicKey = ed25519PublicKey(seed);
const witness = sampleWitness('witness.example.com/w1', 9);
const signed = witness.cosigner.cosign(TEXT, TIME);
const holds = (text: string, signature = signed.signature): boolean =>
  witness.verifier.verify(encodeUtf8(text), signature);

describe('a cosignature (C2SP tlog-cosignature, AUD-26)', () => {
  it('is a time and an Ed25519 signature over the header, that time and the text of the checkpoint', () => {
    const [head, rest] = [signed.signature.subarray(0, 8), signed.signature.subarray(8)];
    expect(Buffer.from(head).toString('hex')).toBe('00000000641850cb');
    expect(rest).toHaveLength(64);
    const message = encodeUtf8(`cosignature/v1\ntime 1679315147\n${TEXT}`);
    expect(ed25519Verify(rest, message, publicKey)).toBe(true);
    expect(cosignatureTime(signed.signature)).toBe(TIME);
  });

  it('has a key of type 4, whose id is of its name, that type and the key', () => {
    const digest = sha256(Uint8Array.of(...encodeUtf8('witness.example.com/w1\n'), 4, ...publicKey));
    expect(signed).toMatchObject({ name: 'witness.example.com/w1', keyId: witness.verifier.keyId });
    expect(signed.keyId).toBe(Buffer.from(digest).readUInt32BE(0));
    const [name, id, key] = witness.vkey.split('+');
    expect([name, id]).toEqual(['witness.example.com/w1', signed.keyId.toString(16).padStart(8, '0')]);
    const bytes = Buffer.from(witness.vkey.slice(`${name}+${id}+`.length), 'base64');
    expect([key !== undefined, bytes[0], bytes.subarray(1)]).toEqual([true, 4, Buffer.from(publicKey)]);
    expect(witness.verifier.publicKey).toEqual(publicKey);
  });

  it('verifies in a note beside the signature of the log', () => {
    const note = formatNote({ text: TEXT, signatures: [signed] });
    expect(verifyNote(note, [witness.verifier]).signatures).toEqual([signed]);
    expect(parseNote(note).signatures).toEqual([signed]);
  });

  it('holds for nothing else: not for another origin, size, root, time or kind of message', () => {
    expect(holds(TEXT)).toBe(true);
    expect(holds(TEXT.replace('sofa', 'sofa2'))).toBe(false);
    expect(holds(TEXT.replace('20852163', '20852164'))).toBe(false);
    expect(holds(TEXT.replace('CsUY', 'CsUZ'))).toBe(false);
    const later = signed.signature.slice();
    later[7] = (later[7] as number) + 1;
    expect(holds(TEXT, later)).toBe(false);
    const plain = Uint8Array.of(...signed.signature.subarray(0, 8), ...ed25519Sign(encodeUtf8(TEXT), seed));
    expect(holds(TEXT, plain)).toBe(false);
  });

  it('is refused unless it is 72 bytes with a time below 2^53', () => {
    expect(holds(TEXT, signed.signature.subarray(8))).toBe(false);
    expect(holds(TEXT, Uint8Array.of(...signed.signature, 0))).toBe(false);
    for (const [at, byte] of [
      [0, 0x80],
      [1, 0x20],
    ] as const) {
      const beyond = signed.signature.slice();
      beyond[at] = byte;
      expect([cosignatureTime(beyond), holds(TEXT, beyond)]).toEqual([undefined, false]);
    }
    const last = witness.cosigner.cosign(TEXT, Number.MAX_SAFE_INTEGER);
    expect(holds(TEXT, last.signature)).toBe(true);
    expect(() => witness.cosigner.cosign(TEXT, 2 ** 53)).toThrow(TypeError);
    expect(() => witness.cosigner.cosign(TEXT, 1.5)).toThrow(TypeError);
  });

  it('is made and checked with a key of its own type only', () => {
    const refused = (vkey: string) => () => createCosignatureVerifier(portableCrypto, vkey);
    expect(refused(sampleKey('log.example', 1).vkey)).toThrow('not that of a witness');
    expect(refused(formatVerifierKey(sha256, 'a', publicKey))).toThrow('not that of a witness');
    expect(refused(formatKey(sha256, 'a', 4, publicKey.subarray(1)))).toThrow('not that of a witness');
    expect(refused(formatKey(sha256, 'a', 6, new Uint8Array(1312)))).toThrow('not that of a witness');
    const id = keyIdOf(sha256, 'b', 4, publicKey);
    expect(refused(witness.vkey.replace(/\+[0-9a-f]{8}\+/, `+${id.toString(16).padStart(8, '0')}+`))).toThrow(
      'does not belong',
    );
    const key = { name: 'a b', publicKey, sign: () => new Uint8Array(64) };
    expect(() => createCosigner(sha256, key)).toThrow(TypeError);
    expect(() => createCosigner(sha256, { ...key, name: 'a', publicKey: new Uint8Array(31) })).toThrow(
      TypeError,
    );
  });
});
