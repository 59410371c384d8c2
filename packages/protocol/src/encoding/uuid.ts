import { malformed } from '../error.js';
import { encodeHex } from './hex.js';

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MAX_TIME = 2 ** 48 - 1;

/** Makes a lowercase UUIDv7 (RFC 9562 section 5.7) from Unix milliseconds and 16 random bytes, of which the last
 *  ten are used. Ids of later milliseconds sort later; within one millisecond their order is random.
 *  @throws {RangeError} a time outside 48 bits, or not 16 bytes */
export function createUuidv7(nowMs: number, random16: Uint8Array): string {
  if (!Number.isInteger(nowMs) || nowMs < 0 || nowMs > MAX_TIME) throw new RangeError('time outside 48 bits');
  if (random16.length !== 16) throw new RangeError('a UUIDv7 needs 16 random bytes');
  const time = nowMs.toString(16).padStart(12, '0');
  // 12 bits follow the version, 62 the variant.
  const random = encodeHex(random16.subarray(6));
  const variant = (8 | (Number.parseInt(random.charAt(4), 16) & 3)).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${random.slice(1, 4)}`,
    variant + random.slice(5, 8),
    random.slice(8),
  ].join('-');
}

/** True for a UUIDv7 in its one lowercase spelling. */
export function isUuidv7(text: string): boolean {
  return text.length === 36 && UUIDV7.test(text);
}

/** The Unix milliseconds inside a UUIDv7.
 *  @throws {TrustError} MALFORMED */
export function uuidv7Time(text: string): number {
  if (!isUuidv7(text)) throw malformed('text that is not a UUIDv7');
  return Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16);
}
