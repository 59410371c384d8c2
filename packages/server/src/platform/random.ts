import { randomFillSync } from 'node:crypto';

/** `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array;

/** Drawn at once: asking the operating system's generator costs the same for a few bytes as for thousands, and every call needs
 *  a few, many times. */
const POOL = 4096;
/** Longer ones are drawn by themselves. */
const LARGEST = 256;

/** Makes a source that draws ahead. What it has handed out it keeps no copy of. */
export function createRandom(fill: (bytes: Uint8Array) => void = randomFillSync): Random {
  const pool = new Uint8Array(POOL);
  let at = POOL;
  return (length) => {
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError('no such number of bytes');
    if (length > LARGEST) {
      const bytes = new Uint8Array(length);
      fill(bytes);
      return bytes;
    }
    if (at + length > POOL) {
      fill(pool);
      at = 0;
    }
    const bytes = pool.slice(at, at + length);
    pool.fill(0, at, at + length);
    at += length;
    return bytes;
  };
}
