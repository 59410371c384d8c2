import {
  createChecker,
  STATUS_LIST_TYP,
  type StatusBits,
  StatusListClaim,
  StatusListClaims,
} from '@talosprotocol/contracts';
import { parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';

/** Statuses by index (draft-ietf-oauth-status-list, section 4.1); 0 is valid, 1 invalid, 2 suspended. */
export interface StatusList {
  readonly bits: StatusBits;
  /** Number of statuses: whole bytes. */
  readonly size: number;
  /** The packed bytes, lowest bits first. */
  readonly bytes: Uint8Array;
  /** @throws {RangeError} no such index */
  get(index: number): number;
  /** @throws {RangeError} no such index, or a status of more bits */
  set(index: number, status: number): void;
}

/** Most bytes of a list before compression. */
const MAX_LIST_BYTES = 1_048_576;
const checkClaim = createChecker(StatusListClaim);
const checkClaims = createChecker(StatusListClaims);

/** Makes a list of at least `size` statuses, all 0.
 *  @throws {RangeError} a size that is none, or of more than a mebibyte */
export function createStatusList(bits: StatusBits, size: number): StatusList {
  const length = Math.ceil((size * bits) / 8);
  if (!Number.isSafeInteger(size) || size < 1 || length > MAX_LIST_BYTES)
    throw new RangeError('a status list has 1 to 1,048,576 bytes');
  return overBytes(bits, new Uint8Array(length));
}

/** Compresses a list (section 4.2). `deflate` is DEFLATE in the zlib format (RFC 1950). */
export function encodeStatusList(
  { bits, bytes }: Pick<StatusList, 'bits' | 'bytes'>,
  deflate: (bytes: Uint8Array) => Uint8Array,
): StatusListClaim {
  return { bits, lst: encodeBase64url(deflate(bytes)) };
}

/** Reads a compressed list. `inflate` must throw, or give more than `maxBytes` bytes, as soon as it has inflated that
 *  many: a list of a few bytes may inflate to any number.
 *  @throws {TrustError} MALFORMED: not a list, does not inflate, or too large */
export function decodeStatusList(
  claim: unknown,
  inflate: (bytes: Uint8Array, maxBytes: number) => Uint8Array,
  maxBytes: number = MAX_LIST_BYTES,
): StatusList {
  const fault = checkClaim(claim);
  if (fault !== undefined) throw malformed(`a status list: ${fault}`);
  const { bits, lst } = claim as StatusListClaim;
  const bytes = inflateOrRefuse(decodeBase64url(lst), inflate, maxBytes);
  if (bytes.length < 1 || bytes.length > maxBytes) throw malformed('a status list of that size');
  return overBytes(bits, bytes);
}

/** Signs a status list token (section 5.1; REV-13). `iat`, `exp` in Unix seconds, `ttl` in seconds. */
export function signStatusListToken(claims: Omit<StatusListClaims, 'iss'>, signer: Signer): string {
  return signJws({ typ: STATUS_LIST_TYP, claims: { ...claims, iss: signer.did } as JsonObject }, signer);
}

/** Reads a status list token of ours: signed by `keys`, for the list at `uri`, not expired at `now` (Unix seconds).
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID | EXPIRED */
export function parseStatusListToken(
  token: string,
  expected: { readonly keys: DidKeys; readonly uri: string; readonly now: number },
  crypto: CryptoProvider,
): StatusListClaims {
  const parsed = parseJws(token, STATUS_LIST_TYP, { maxBytes: 2 * MAX_LIST_BYTES });
  const fault = checkClaims(parsed.claims);
  if (fault !== undefined) throw malformed(`claims of a status list token: ${fault}`);
  const claims = parsed.claims as unknown as StatusListClaims;
  const { keys, uri, now } = expected;
  if (claims.iss !== keys.did || claims.sub !== uri)
    throw new TrustError('SIGNATURE_INVALID', 'the token is of another status list');
  verifyJwsSignature(parsed, keyFor(keys, parsed.header.kid, 'assertionMethod'), crypto);
  if (now >= claims.exp) throw new TrustError('EXPIRED', 'the status list token has expired');
  return claims;
}

function inflateOrRefuse(
  bytes: Uint8Array,
  inflate: (bytes: Uint8Array, maxBytes: number) => Uint8Array,
  maxBytes: number,
): Uint8Array {
  try {
    return inflate(bytes, maxBytes);
  } catch (error) {
    throw malformed('a status list that does not inflate', error);
  }
}

function overBytes(bits: StatusBits, bytes: Uint8Array): StatusList {
  const perByte = 8 / bits;
  const size = bytes.length * perByte;
  const mask = 2 ** bits - 1;
  const placeOf = (index: number): { at: number; shift: number } => {
    if (!Number.isInteger(index) || index < 0 || index >= size) throw new RangeError('no such status');
    return { at: Math.floor(index / perByte), shift: (index % perByte) * bits };
  };
  return {
    bits,
    size,
    bytes,
    get: (index) => {
      const { at, shift } = placeOf(index);
      return ((bytes[at] as number) >> shift) & mask;
    },
    set: (index, status) => {
      const { at, shift } = placeOf(index);
      if (!Number.isInteger(status) || status < 0 || status > mask) throw new RangeError('no such status');
      bytes[at] = ((bytes[at] as number) & ~(mask << shift)) | (status << shift);
    },
  };
}
