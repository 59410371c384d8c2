/** Sizes and indexes are plain numbers up to 2^53 - 1, so they are halved and tested by arithmetic: the bit
 *  operators of the language stop at 32 bits. */

/** True for a possible tree size or leaf index: an integer from 0 to 2^53 - 1. */
export function isTreeSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Returns a size or index the caller made itself.
 *  @throws {RangeError} not an integer from 0 to 2^53 - 1: a bug of the caller */
export function assertTreeSize(value: number): number {
  if (!isTreeSize(value)) throw new RangeError(`${value} is not a tree size`);
  return value;
}

/** Number of one-bits. */
export function bitCount(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest = half(rest)) count += rest % 2;
  return count;
}

/** The value shifted right by one bit. */
export function half(value: number): number {
  return Math.floor(value / 2);
}

/** The largest power of two that is less than `value` (which is at least 2): where RFC 6962 splits a tree. */
export function splitPoint(value: number): number {
  let power = 1;
  while (power * 2 < value) power *= 2;
  return power;
}

/** Reads an ASCII decimal as C2SP formats write sizes: digits only, no sign, no leading zero, at most 2^53 - 1.
 *  Undefined for anything else. */
export function readDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
