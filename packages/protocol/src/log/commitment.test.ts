import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { commit, disclose } from './commitment.js';

const salt = new Uint8Array(32).fill(7);

describe('commit', () => {
  it('hashes context, pointer, salt and canonical value in lines (AUD-3)', () => {
    const text = `talos-commit-v1\n/items\n${Buffer.from(salt).toString('base64url')}\n{"a":1,"b":[2]}`;
    const expected = createHash('sha256').update(text).digest('hex');
    expect(commit('/items', { b: [2], a: 1 }, salt, portableCrypto)).toEqual({ $c: expected });
  });

  it('differs with pointer, salt and value', () => {
    const one = (pointer: string, value: unknown, bytes = salt) =>
      commit(pointer, value, bytes, portableCrypto).$c;
    const all = [one('/a', 1), one('/b', 1), one('/a', 2), one('/a', 1, new Uint8Array(32))];
    expect(new Set(all).size).toBe(4);
  });

  it('refuses a salt of another length', () => {
    expect(() => commit('/a', 1, new Uint8Array(16), portableCrypto)).toThrow(RangeError);
  });

  it('is opened by its disclosure', () => {
    const opened = disclose('/a', { x: 'y' }, salt);
    const bytes = new Uint8Array(Buffer.from(opened.salt, 'base64url'));
    expect(commit(opened.pointer, opened.value, bytes, portableCrypto)).toEqual(
      commit('/a', { x: 'y' }, salt, portableCrypto),
    );
  });
});
