import { describe, expect, it } from 'vitest';
import { createRandom } from './random.js';

/** Fills with 1, 2, 3 and so on, so that each byte tells where it comes from. */
function counting() {
  const seen: Uint8Array[] = [];
  let next = 0;
  const fill = (bytes: Uint8Array): void => {
    seen.push(bytes);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = 1 + (next++ % 255);
  };
  return { seen, fill };
}

describe('randomness', () => {
  it('hands every byte out once, in buffers of their own', () => {
    const { fill } = counting();
    const random = createRandom(fill);
    const parts = Array.from({ length: 1_000 }, (_, i) => random(i % 40));
    const all = parts.flatMap((part) => [...part]);
    // What is too short at the end of a pool is not handed out: elsewhere each byte follows the one before.
    const jumps = all.filter((byte, i) => i > 0 && byte !== 1 + ((all[i - 1] as number) % 255));
    expect(jumps.length).toBeLessThanOrEqual(all.length / 4096);
    expect(parts.map((part) => part.length)).toEqual(parts.map((_, i) => i % 40));
    expect(new Set(parts.map(({ buffer }) => buffer)).size).toBe(1_000);
  });

  it('keeps nothing of what it handed out', () => {
    const { seen, fill } = counting();
    const random = createRandom(fill);
    random(32);
    random(16);
    const [pool] = seen;
    expect([...(pool?.subarray(0, 48) ?? [])]).toEqual(new Array(48).fill(0));
    expect(pool?.[48]).not.toBe(0);
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('draws no %d bytes, and goes on', (length) => {
    const random = createRandom(counting().fill);
    expect(() => random(length)).toThrow(RangeError);
    expect([random(0).length, [...random(2)]]).toEqual([0, [1, 2]]);
  });

  it('draws many bytes by themselves', () => {
    const { seen, fill } = counting();
    const bytes = createRandom(fill)(1_000);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBe(bytes);
  });

  it('is that of the operating system', () => {
    const random = createRandom();
    const drawn = Array.from({ length: 1_000 }, () => Buffer.from(random(16)).toString('hex'));
    expect(new Set(drawn).size).toBe(1_000);
    expect(drawn).not.toContain('0'.repeat(32));
  });
});
