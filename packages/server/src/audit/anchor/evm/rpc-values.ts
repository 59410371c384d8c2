import { TrustError } from '@talosprotocol/protocol';

/** Bytes as JSON-RPC of Ethereum writes them. */
export type Hex = `0x${string}`;

/** Reads a number. @throws {TrustError} UPSTREAM_FAILED */
export function readQuantity(value: unknown, what: string): bigint {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value)) return BigInt(value);
  throw odd(what);
}

/** Reads a number up to 2^53 - 1: of a block, a nonce. @throws {TrustError} UPSTREAM_FAILED */
export function readNumber(value: unknown, what: string): number {
  const number = Number(readQuantity(value, what));
  if (Number.isSafeInteger(number)) return number;
  throw odd(what);
}

/** Reads bytes, in lowercase; `length` is how many there must be. @throws {TrustError} UPSTREAM_FAILED */
export function readBytes(value: unknown, what: string, length?: number): Hex {
  const isHex = typeof value === 'string' && /^0x(?:[0-9a-fA-F]{2})*$/.test(value);
  if (!isHex || (length !== undefined && value.length !== 2 + 2 * length)) throw odd(what);
  return value.toLowerCase() as Hex;
}

/** The members of an object. @throws {TrustError} UPSTREAM_FAILED */
export function readMembers(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw odd(what);
}

/** @throws {TrustError} UPSTREAM_FAILED: no list, or one of more than `max` */
export function readList(value: unknown, what: string, max: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= max) return value;
  throw odd(what);
}

export function toQuantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`;
}

function odd(what: string): TrustError {
  return new TrustError('UPSTREAM_FAILED', `the RPC endpoint gives no proper ${what}`);
}
