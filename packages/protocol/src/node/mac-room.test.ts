import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import type { MacRoom } from '../crypto/provider.js';
import { createNodeCrypto, latinSha256 } from './crypto.js';
import { createMacRooms } from './mac-room.js';

const SIZE = 4096;
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('binary');
const reference = (key: Uint8Array, text: string): Uint8Array =>
  createHmac('sha256', key).update(text, 'latin1').digest().subarray(0, 16);

const ways = {
  node: createNodeCrypto().createMacRoom,
  portable: portableCrypto.createMacRoom,
  'two hashes': createMacRooms(sha256),
  'no one-shot hash': createMacRooms(latinSha256({})),
};

/** The words in which the key lies, and before it something else. */
function wordsOf(key: Uint8Array, at = 0): Uint32Array {
  const words = new Uint32Array(at + 10).fill(0x09090909);
  new Uint8Array(words.buffer).set(key, 4 * at);
  return words;
}

/** Puts a message into the room; its length. */
function put({ message }: MacRoom, text: string): number {
  message.set(Buffer.from(text, 'latin1'));
  return text.length;
}

describe.each(Object.entries(ways))('MAC of a message in a room (RFC 2104): %s', (_, createMacRoom) => {
  const room = createMacRoom(SIZE);
  const isMac = (mac: Uint8Array, key: Uint8Array, text: string, at = 0): boolean =>
    room.isMac(mac, wordsOf(key, at), at, put(room, text));
  const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('accepts the first 16 bytes of the HMAC, with the key anywhere in the array', () => {
    fc.assert(
      fc.property(
        anyKey,
        fc.nat(40),
        fc.string({ unit: 'grapheme-ascii', maxLength: 400 }),
        (key, at, text) => {
          expect(isMac(reference(key, text), key, text, at)).toBe(true);
        },
      ),
    );
  });

  it('takes a key from an array that begins within a buffer', () => {
    const key = new Uint8Array(32).map((__, i) => i);
    const words = wordsOf(key, 5).subarray(3);
    expect(room.isMac(reference(key, 'a'), words, 2, put(room, 'a'))).toBe(true);
  });

  it('refuses every altered byte, text, length and key', () => {
    const key = new Uint8Array(32).fill(3);
    const mac = reference(key, 'text');
    for (let i = 0; i < 16; i++) {
      const altered = mac.map((byte, j) => (i === j ? byte ^ 1 : byte));
      expect(isMac(altered, key, 'text')).toBe(false);
    }
    for (let i = 0; i < 32; i++) {
      const altered = key.map((byte, j) => (i === j ? byte ^ 1 : byte));
      expect(isMac(mac, altered, 'text')).toBe(false);
    }
    for (const text of ['texu', 'tex', 'text ']) expect(isMac(mac, key, text)).toBe(false);
    expect(isMac(mac, key, 'text')).toBe(true);
  });

  it('refuses a shortened MAC, accepts a longer one', () => {
    const key = new Uint8Array(32);
    const whole = createHmac('sha256', key).update('a').digest();
    for (const length of [0, 1, 15]) expect(isMac(whole.subarray(0, length), key, 'a')).toBe(false);
    for (const length of [16, 31, 32]) expect(isMac(whole.subarray(0, length), key, 'a')).toBe(true);
    expect(isMac(new Uint8Array([...whole.subarray(0, 31), 1 ^ (whole[31] as number)]), key, 'a')).toBe(
      false,
    );
  });

  it.each([0, 1, 55, 56, 64, SIZE - 1, SIZE])('takes a message of %i bytes', (length) => {
    const key = new Uint8Array(32).map((__, i) => i);
    const text = 'x'.repeat(length);
    expect(isMac(reference(key, text), key, text)).toBe(true);
    expect(isMac(reference(key, `${text}y`), key, text)).toBe(false);
  });

  it('has room for a message of the size it was made for', () => {
    expect(room.message.length).toBe(SIZE);
  });
});

describe('the key (SES-5)', () => {
  const key = new Uint8Array(32).map((_, i) => 100 + i);
  const isWiped = (seen: readonly Uint8Array[]): boolean =>
    seen.every((data) => data.subarray(0, 64).every((byte) => byte === (data.length === 96 ? 0x5c : 0x36)));

  it('does not stay where the hash read it', () => {
    const seen = new Set<Uint8Array>();
    const room = createMacRooms((data) => {
      seen.add(data);
      return sha256(data);
    })(SIZE);
    expect(room.isMac(reference(key, 'abc'), wordsOf(key), 0, put(room, 'abc'))).toBe(true);
    expect(seen.size).toBe(2);
    expect(isWiped([...seen])).toBe(true);
  });

  it.each([1, 2])('does not stay there if hash %i fails, and the room goes on', (failing) => {
    const seen = new Set<Uint8Array>();
    let calls = 0;
    const room = createMacRooms((data) => {
      seen.add(data);
      calls += 1;
      if (calls === failing) throw new Error('no memory');
      return sha256(data);
    })(SIZE);
    const ask = () => room.isMac(reference(key, 'abc'), wordsOf(key), 0, put(room, 'abc'));
    expect(ask).toThrow('no memory');
    expect(isWiped([...seen])).toBe(true);
    expect(ask()).toBe(true);
  });
});
