import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNodeCrypto, latinSha256 } from './crypto.js';
import { createHmacSha256 } from './hmac.js';

const reference = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(data).digest());

const ways = {
  node: createNodeCrypto().hmacSha256,
  'two hashes': createHmacSha256((data) => createHash('sha256').update(data).digest('binary')),
  'no one-shot hash': createHmacSha256(latinSha256({})),
};

describe.each(Object.entries(ways))('HMAC-SHA256 (RFC 2104): %s', (_, hmac) => {
  it('is that of OpenSSL for every key and message', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
    fc.assert(
      fc.property(bytes(130), bytes(300), (key, data) => {
        expect(hmac(key, data)).toEqual(reference(key, data));
      }),
    );
  });

  it.each([0, 63, 64, 65])('at the length of a block: a key of %d bytes', (length) => {
    const key = new Uint8Array(length).fill(9);
    for (const size of [0, 1, 55, 56, 64, 4095, 4096, 4097, 10_000]) {
      const data = new Uint8Array(size).fill(7);
      expect(hmac(key, data), `${size}`).toEqual(reference(key, data));
    }
  });

  it('gives bytes of their own, and takes those of a Buffer', () => {
    const [key, data] = [Buffer.from('key'), Buffer.from('a message')];
    const first = hmac(key, data);
    const copy = first.slice();
    hmac(key, Buffer.from('another'));
    expect(first).toEqual(copy);
    expect(first).toBeInstanceOf(Uint8Array);
    expect(Buffer.isBuffer(first)).toBe(false);
  });
});

it('keeps neither key nor message, even if the hash fails', () => {
  const seen: Uint8Array[] = [];
  const failing = createHmacSha256((data) => {
    seen.push(data);
    throw new Error('no hash');
  });
  expect(() => failing(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2))).toThrow('no hash');
  expect(seen).toHaveLength(1);
  expect(seen[0]).toEqual(new Uint8Array(64 + 16));
});
