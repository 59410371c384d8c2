import { malformed } from '../error.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const MAX_BYTES = 128;
const MAX_DIGITS = 176;

/** Writes bytes in base58 with the Bitcoin alphabet, as multibase `z` uses it. The work grows with the square of
 *  the length, hence the bound.
 *  @throws {RangeError} more than 128 bytes */
export function encodeBase58(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES) throw new RangeError(`base58 is limited to ${MAX_BYTES} bytes`);
  const digits: number[] = [];
  for (const byte of bytes) shiftIn(digits, 256, 58, byte);
  let text = ALPHABET.charAt(0).repeat(leading(bytes, 0));
  for (let i = digits.length - 1; i >= 0; i--) text += ALPHABET.charAt(digits[i] as number);
  return text;
}

/** Reads base58 with the Bitcoin alphabet; each byte string has exactly one spelling.
 *  @throws {TrustError} MALFORMED: a foreign character, more than 176 digits or more than 128 bytes */
export function decodeBase58(text: string): Uint8Array {
  if (text.length > MAX_DIGITS) throw malformed(`base58 longer than ${MAX_DIGITS} digits`);
  const values = Array.from(text, (character) => ALPHABET.indexOf(character));
  if (values.includes(-1)) throw malformed('text that is not base58');
  const little: number[] = [];
  for (const value of values) shiftIn(little, 58, 256, value);
  const zeros = leading(values, 0);
  if (zeros + little.length > MAX_BYTES) throw malformed(`base58 of more than ${MAX_BYTES} bytes`);
  const bytes = new Uint8Array(zeros + little.length);
  bytes.set(little.reverse(), zeros);
  return bytes;
}

/** number = number * factor + addend, where `number` is little-endian in base `base`. */
function shiftIn(number: number[], factor: number, base: number, addend: number): void {
  let carry = addend;
  for (let i = 0; i < number.length; i++) {
    carry += (number[i] as number) * factor;
    number[i] = carry % base;
    carry = Math.floor(carry / base);
  }
  for (; carry > 0; carry = Math.floor(carry / base)) number.push(carry % base);
}

function leading(values: ArrayLike<number>, wanted: number): number {
  let count = 0;
  while (count < values.length && values[count] === wanted) count++;
  return count;
}
