import { malformed } from '../error.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const MAX_BYTES = 128;
const MAX_DIGITS = 176;

/** The work goes in chunks of 3 bytes and 4 digits; all products stay below 2^53. */
const BYTES = 3;
const DIGITS = 4;

/** Value of each ASCII digit; -1 marks the rest. */
const VALUES = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/** Writes bytes in base58 with the Bitcoin alphabet, as multibase `z` uses it. The work grows with the square of
 *  the length, hence the bound.
 *  @throws {RangeError} more than 128 bytes */
export function encodeBase58(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES) throw new RangeError(`base58 is limited to ${MAX_BYTES} bytes`);
  const limbs = convert(bytes, 256, BYTES, 58 ** DIGITS);
  const digits = split(limbs, 58, DIGITS);
  let text = ALPHABET.charAt(0).repeat(leadingZeros(bytes));
  for (let i = leadingZeros(digits); i < digits.length; i++) text += ALPHABET.charAt(digits[i] as number);
  return text;
}

/** Reads base58 with the Bitcoin alphabet; each byte string has exactly one spelling.
 *  @throws {TrustError} MALFORMED: a foreign character, more than 176 digits or more than 128 bytes */
export function decodeBase58(text: string): Uint8Array {
  if (text.length > MAX_DIGITS) throw malformed(`base58 longer than ${MAX_DIGITS} digits`);
  // Two digits and 16 bits at a time, so that all numbers are small integers.
  const limbs: number[] = [];
  let used = 0;
  for (let i = 0; i < text.length; i += 2) {
    let carry = digitValue(text.charCodeAt(i));
    const isPair = i + 1 < text.length;
    if (isPair) carry = carry * 58 + digitValue(text.charCodeAt(i + 1));
    const factor = isPair ? 58 * 58 : 58;
    for (let j = 0; j < used; j++) {
      carry += (limbs[j] as number) * factor;
      limbs[j] = carry & 0xffff;
      carry >>>= 16;
    }
    if (carry > 0) limbs[used++] = carry;
  }
  return withLeadingZeros(limbs, leadingOnes(text));
}

/** Little-endian limbs of two bytes as big-endian bytes, behind so many zeros. */
function withLeadingZeros(limbs: readonly number[], zeros: number): Uint8Array {
  const odd = limbs.length > 0 && (limbs[limbs.length - 1] as number) < 256 ? 1 : 0;
  const length = zeros + limbs.length * 2 - odd;
  if (length > MAX_BYTES) throw malformed(`base58 of more than ${MAX_BYTES} bytes`);
  const bytes = new Uint8Array(length);
  let at = length;
  for (let i = 0; i < limbs.length; i++) {
    const limb = limbs[i] as number;
    bytes[--at] = limb;
    // What would stand in front of the first byte is zero.
    if (at > zeros) bytes[--at] = limb >> 8;
  }
  return bytes;
}

function leadingOnes(text: string): number {
  let count = 0;
  while (text[count] === '1') count++;
  return count;
}

function digitValue(code: number): number {
  const value = code < 128 ? (VALUES[code] as number) : -1;
  if (value < 0) throw malformed('text that is not base58');
  return value;
}

/** Turns big-endian digits of base `from`, `chunk` at a time, into little-endian limbs of base `to`. */
function convert(digits: ArrayLike<number>, from: number, chunk: number, to: number): number[] {
  const limbs: number[] = [];
  for (let i = 0; i < digits.length; i += chunk) {
    let factor = 1;
    let addend = 0;
    for (let j = i; j < Math.min(i + chunk, digits.length); j++) {
      factor *= from;
      addend = addend * from + (digits[j] as number);
    }
    multiplyAdd(limbs, factor, addend, to);
  }
  return limbs;
}

/** limbs = limbs * factor + addend */
function multiplyAdd(limbs: number[], factor: number, addend: number, base: number): void {
  let carry = addend;
  for (let i = 0; i < limbs.length || carry > 0; i++) {
    carry += (limbs[i] ?? 0) * factor;
    // A remainder of doubles takes ten times as long. The quotient is exact: below 2^53, `carry` is at least 1 / base
    // away from the next multiple, far more than a rounding.
    const whole = Math.floor(carry / base);
    limbs[i] = carry - whole * base;
    carry = whole;
  }
}

/** Little-endian limbs as big-endian digits, `chunk` for each limb, with zeros in front where they fall. */
function split(limbs: readonly number[], base: number, chunk: number): number[] {
  const digits = new Array<number>(limbs.length * chunk);
  let at = digits.length;
  for (let rest of limbs) {
    for (let i = 0; i < chunk; i++) {
      const digit = rest % base;
      digits[--at] = digit;
      rest = (rest - digit) / base;
    }
  }
  return digits;
}

function leadingZeros(digits: ArrayLike<number>): number {
  let count = 0;
  while (count < digits.length && digits[count] === 0) count++;
  return count;
}
