import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { createNodeCrypto, latinSha256 } from './crypto.js';
import { createTextMac } from './text-mac.js';

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('binary');
const reference = (key: Uint8Array, text: string): Uint8Array =>
  createHmac('sha256', key).update(text, 'latin1').digest().subarray(0, 16);

const ways = {
  node: createNodeCrypto().isTextMac,
  portable: portableCrypto.isTextMac,
  'two hashes': createTextMac(sha256),
  'no one-shot hash': createTextMac(latinSha256({})),
};

describe.each(Object.entries(ways))('MAC of a text (RFC 2104): %s', (_, isTextMac) => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 400 });

  it('accepts the first 16 bytes of the HMAC, with the key anywhere in the array', () => {
    fc.assert(
      fc.property(key, fc.nat(40), text, (bytes, at, message) => {
        const keys = new Uint8Array(at + 40).fill(9);
        keys.set(bytes, at);
        expect(isTextMac(reference(bytes, message), keys, at, message)).toBe(true);
      }),
    );
  });

  it('refuses every altered byte, text and key', () => {
    const bytes = new Uint8Array(32).fill(3);
    const mac = reference(bytes, 'text');
    for (let i = 0; i < 16; i++) {
      expect(
        isTextMac(
          mac.map((byte, j) => (i === j ? byte ^ 1 : byte)),
          bytes,
          0,
          'text',
        ),
      ).toBe(false);
    }
    expect(isTextMac(mac, bytes, 0, 'texu')).toBe(false);
    expect(isTextMac(mac, new Uint8Array(32).fill(4), 0, 'text')).toBe(false);
    expect(isTextMac(mac, bytes, 0, 'text')).toBe(true);
  });

  it('refuses a shortened MAC', () => {
    const bytes = new Uint8Array(32);
    const mac = reference(bytes, 'a');
    for (const length of [0, 1, 15]) expect(isTextMac(mac.subarray(0, length), bytes, 0, 'a')).toBe(false);
  });

  it.each([0, 1, 55, 56, 64, 4095, 4096, 4097, 40_000])('takes a text of %i characters', (length) => {
    const bytes = new Uint8Array(32).map((_, i) => i);
    const message = 'x'.repeat(length);
    expect(isTextMac(reference(bytes, message), bytes, 0, message)).toBe(true);
    expect(isTextMac(reference(bytes, `${message}y`), bytes, 0, message)).toBe(false);
  });

  it('gives one answer for a text that is not ASCII: the low byte counts', () => {
    const bytes = new Uint8Array(32).fill(1);
    expect(isTextMac(reference(bytes, 'A'), bytes, 0, '\u0141')).toBe(true);
  });
});
