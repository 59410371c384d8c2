import { describe, expect, it } from 'vitest';
import { createGrowingBytes } from './growing-bytes.js';
import { decodeUtf8 } from './utf8.js';

describe('bytes that grow', () => {
  it('hold each piece, whatever room there was', () => {
    const text = createGrowingBytes(4);
    text.put(0x5b);
    expect(text.putQuoted('a longer text')).toBe(true);
    text.putAll(Uint8Array.of(0x2c));
    text.putUtf8('"grün €"');
    text.putAscii(',12.5]');
    expect(decodeUtf8(text.take())).toBe('["a longer text","grün €",12.5]');
  });

  it.each(['a "quote"', 'back\\slash', 'line\n', 'é', '\u007f'])('put nothing of %j as it stands', (odd) => {
    const text = createGrowingBytes(64);
    text.putAscii('before');
    expect(text.putQuoted(odd)).toBe(false);
    expect(decodeUtf8(text.take())).toBe('before');
  });

  it('lend their own room, and not what was made for more', () => {
    const text = createGrowingBytes(8);
    text.putAscii('1234');
    const first = text.take();
    text.putAscii('five');
    expect(decodeUtf8(first)).toBe('five');
    text.clear();
    text.putAscii('more than eight');
    expect(text.take().buffer.byteLength).toBeGreaterThan(8);
    text.putAscii('less');
    expect(text.take().buffer.byteLength).toBe(8);
  });
});
