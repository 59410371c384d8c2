import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { isTrustError } from '../error.js';
import { encodeBase64 } from './base64.js';
import { formatNote, MAX_NOTE_LENGTH, MAX_NOTE_SIGNATURES, parseNote, signNote, verifyNote } from './note.js';
import {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  isKeyName,
  keyIdOf,
  parseVerifierKey,
} from './note-key.js';
import { sampleKey } from './testing/reference.js';

const TEXT = 'first line\n\nlast line\n';
const anna = sampleKey('anna.example/log', 1);
const bert = sampleKey('bert.example', 2);
const both = signNote(TEXT, [anna.signer, bert.signer]);
const { sha256 } = portableCrypto;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

/** The same note with the bytes of one signature changed. */
function tamper(note: string, line: number, change: (bytes: Uint8Array) => Uint8Array): string {
  const { text, signatures } = parseNote(note);
  const changed = signatures.map((s, i) => (i === line ? { ...s, signature: change(s.signature) } : s));
  return formatNote({ text, signatures: changed });
}

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

describe('signed note', () => {
  it('is read back as written, empty lines in its text included', () => {
    const note = parseNote(both);
    expect(note.text).toBe(TEXT);
    expect(note.signatures.map((line) => line.name)).toEqual(['anna.example/log', 'bert.example']);
    expect(formatNote(note)).toBe(both);
    expect(parseNote(signNote('\n', [anna.signer])).text).toBe('\n');
  });

  it('verifies with each of its keys, and says which', () => {
    const note = verifyNote(both, [bert.verifier]);
    expect(note.text).toBe(TEXT);
    expect(note.signatures.map((line) => line.name)).toEqual(['bert.example']);
    expect(note.unverified.map((line) => line.name)).toEqual(['anna.example/log']);
    expect(verifyNote(both, [bert.verifier, anna.verifier]).signatures).toHaveLength(2);
  });

  it('counts a key once, however often it signed', () => {
    const twice = signNote(TEXT, [anna.signer, anna.signer]);
    expect(verifyNote(twice, [anna.verifier]).signatures).toHaveLength(1);
  });

  it('is refused if no known key signed it', () => {
    expect(codeOf(() => verifyNote(both, []))).toBe('PROOF_NOT_PROVEN');
    expect(codeOf(() => verifyNote(both, [sampleKey('carl.example', 3).verifier]))).toBe('PROOF_NOT_PROVEN');
  });

  it('does not know a key by its name or its id alone', () => {
    expect(codeOf(() => verifyNote(both, [sampleKey('bert.example', 3).verifier]))).toBe('PROOF_NOT_PROVEN');
    const sameId = { ...bert.verifier, name: 'other.example' };
    expect(codeOf(() => verifyNote(both, [sameId]))).toBe('PROOF_NOT_PROVEN');
  });

  it('is refused for a bad signature of a known key, even beside a good one', () => {
    const bad = tamper(both, 0, flipped);
    expect(codeOf(() => verifyNote(bad, [anna.verifier, bert.verifier]))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => verifyNote(bad, [bert.verifier]))).toBe('accepted');
    const short = tamper(both, 1, (bytes) => bytes.subarray(0, 63));
    expect(codeOf(() => verifyNote(short, [bert.verifier]))).toBe('SIGNATURE_INVALID');
    const goodThenBad = formatNote({
      text: TEXT,
      signatures: [...parseNote(both).signatures, ...parseNote(bad).signatures],
    });
    expect(codeOf(() => verifyNote(goodThenBad, [anna.verifier]))).toBe('SIGNATURE_INVALID');
  });

  it('is refused for any other text', () => {
    for (const text of ['first line\n\nLast line\n', 'first line\n', `${TEXT}\n`, `\n${TEXT}`]) {
      const moved = formatNote({ ...parseNote(both), text });
      expect(codeOf(() => verifyNote(moved, [anna.verifier]))).toBe('SIGNATURE_INVALID');
    }
  });

  it('is refused when its parts are not well formed', () => {
    const line = '\u2014 x AAAAAAE=\n';
    expect(codeOf(() => parseNote(`a\n\n${line}`))).toBe('accepted');
    const wrong = [
      '',
      '\n',
      '\n\n',
      'a\n',
      'a\n\n',
      'a\n\n\n',
      `a\n${line}`,
      line,
      `a\n\n${line.trimEnd()}`,
      `a\n\n${line}\n`,
      `a\n\n${line}x\n`,
      `a\r\n\n${line}`,
      `a\t\n\n${line}`,
      `\u0000\n\n${line}`,
      `a\n\n-${line.slice(1)}`,
      'a\n\n\u2014  AAAAAAE=\n',
      'a\n\n\u2014 x\n',
      'a\n\n\u2014 x \n',
      'a\n\n\u2014 x AAAAAAE\n',
      'a\n\n\u2014 x AAAAAAF=\n',
      'a\n\n\u2014 x AAAAAA==\n',
      'a\n\n\u2014 x  AAAAAAE=\n',
      'a\n\n\u2014 x AAAAAAE= \n',
      'a\n\n\u2014 x AAAAAAE= y\n',
      'a\n\n\u2014 x+y AAAAAAE=\n',
      'a\n\n\u2014 x\u00a0y AAAAAAE=\n',
      'a\n\n\u2014 x\u3000y AAAAAAE=\n',
      'a\n\n\u2014 x\ud800 AAAAAAE=\n',
      'a\n\n\u2014x AAAAAAE=\n',
    ];
    for (const note of wrong) expect(codeOf(() => parseNote(note))).toBe('MALFORMED');
    expect(codeOf(() => verifyNote(`\ud800\n\n${line}`, [anna.verifier]))).toBe('MALFORMED');
  });

  it('has bounds', () => {
    const line = '\u2014 x AAAAAAE=\n';
    expect(parseNote(`a\n\n${line.repeat(MAX_NOTE_SIGNATURES)}`).signatures).toHaveLength(100);
    expect(codeOf(() => parseNote(`a\n\n${line.repeat(MAX_NOTE_SIGNATURES + 1)}`))).toBe('MALFORMED');
    expect(codeOf(() => parseNote(`${'a'.repeat(MAX_NOTE_LENGTH)}\n\n${line}`))).toBe('MALFORMED');
    expect(() => signNote(`${'a'.repeat(MAX_NOTE_LENGTH)}\n`, [anna.signer])).toThrow(TypeError);
  });

  it('is not written so that it could not be read', () => {
    const signature = { name: 'x', keyId: 1, signature: Uint8Array.of(1) };
    for (const text of ['', 'a', 'a\r\n', '\u0007\n', '\ud800\n']) {
      expect(() => formatNote({ text, signatures: [signature] })).toThrow(TypeError);
    }
    for (const bad of [
      { ...signature, name: 'x y' },
      { ...signature, name: '' },
      { ...signature, signature: new Uint8Array(0) },
    ]) {
      expect(() => formatNote({ text: 'a\n', signatures: [bad] })).toThrow(TypeError);
    }
    const many = Array.from({ length: 101 }, () => signature);
    expect(() => formatNote({ text: 'a\n', signatures: many })).toThrow(TypeError);
    expect(() => signNote('a\n', [])).toThrow(TypeError);
    expect(() => signNote('\ud800\n', [anna.signer])).toThrow(TypeError);
  });

  it('needs verifiers that can be told apart', () => {
    expect(() => verifyNote(both, [anna.verifier, anna.verifier])).toThrow(TypeError);
  });

  it('is read or refused, whatever it holds, and means one thing', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\n\n', '\u2014 ', ' AAAAAAE=', 'x', both),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const note = pieces.join('');
        try {
          expect(formatNote(parseNote(note))).toBe(note);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
    );
  });

  it('does not survive the change of any character', () => {
    for (let i = 0; i < both.length; i++) {
      const mutated = `${both.slice(0, i)}${both[i] === 'A' ? 'B' : 'A'}${both.slice(i + 1)}`;
      expect(codeOf(() => verifyNote(mutated, [anna.verifier, bert.verifier]))).toBeOneOf([
        // A key name or id that changed is an unknown key's; the other signature still holds for the same text.
        ...(i >= TEXT.length ? ['accepted'] : []),
        'MALFORMED',
        'SIGNATURE_INVALID',
      ]);
    }
  });
});

describe('verifier key', () => {
  const publicKey = portableCrypto.ed25519PublicKey(new Uint8Array(32).fill(1));

  it('is read back as written', () => {
    expect(parseVerifierKey(sha256, anna.vkey)).toEqual({
      name: 'anna.example/log',
      keyId: anna.verifier.keyId,
      type: 1,
      publicKey,
    });
  });

  it('keeps plus signs of its base64, and zeros in front of its id', () => {
    const keys = Array.from({ length: 80 }, (_, fill) => sampleKey('k', fill));
    expect(keys.some((key) => key.vkey.split('+').length > 3)).toBe(true);
    expect(keys.some((key) => key.vkey.startsWith('k+0'))).toBe(true);
    for (const key of keys) expect(parseVerifierKey(sha256, key.vkey).keyId).toBe(key.signer.keyId);
  });

  it('is refused if its id, name or key is not its own', () => {
    const [name, id, ...key] = anna.vkey.split('+');
    const wrong = [
      '',
      '+',
      '++',
      'a',
      `${name}+${id}`,
      `${name}+${id}+`,
      `+${id}+${key.join('+')}`,
      `x+${id}+${key.join('+')}`,
      `${name}+00000000+${key.join('+')}`,
      `${name}+${id?.toUpperCase()}x+${key.join('+')}`,
      `${name}+${id?.slice(1)}+${key.join('+')}`,
      `${anna.vkey}=`,
      ` ${anna.vkey}`,
      `${anna.vkey}\n`,
      `a b+${id}+${key.join('+')}`,
      'x'.repeat(5000),
    ];
    for (const vkey of wrong) expect(codeOf(() => parseVerifierKey(sha256, vkey))).toBe('MALFORMED');
    fc.assert(
      fc.property(fc.string(), (text) => codeOf(() => parseVerifierKey(sha256, text)) === 'MALFORMED'),
    );
  });

  it('of another signature type or length is read, but builds no verifier', () => {
    const vkeyOf = (type: number, key: Uint8Array): string => {
      const id = keyIdOf(sha256, 'x', type, key).toString(16).padStart(8, '0');
      return `x+${id}+${encodeBase64(Uint8Array.of(type, ...key))}`;
    };
    expect(parseVerifierKey(sha256, vkeyOf(4, publicKey)).type).toBe(4);
    expect(codeOf(() => createNoteVerifier(portableCrypto, vkeyOf(4, publicKey)))).toBe('MALFORMED');
    expect(codeOf(() => createNoteVerifier(portableCrypto, vkeyOf(1, publicKey.subarray(1))))).toBe(
      'MALFORMED',
    );
    expect(codeOf(() => createNoteVerifier(portableCrypto, vkeyOf(1, publicKey)))).toBe('accepted');
  });

  it('is not made for a name or key that cannot be', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u2003b', 'a\nb']) {
      expect(isKeyName(name)).toBe(false);
      expect(() => formatVerifierKey(sha256, name, publicKey)).toThrow(TypeError);
    }
    expect(isKeyName('例え.example/日志')).toBe(true);
    const sign = (): Uint8Array => new Uint8Array(64);
    expect(() => createNoteSigner(sha256, { name: 'x', publicKey: publicKey.subarray(1), sign })).toThrow(
      TypeError,
    );
  });
});
