import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { malformed } from '../error.js';

/** What a session id says: whose table holds the session, of which start of that node, and in which slot. */
export interface SessionId {
  /** Number of the node, 0 to 2^32 - 1. */
  readonly node: number;
  /** Boot epoch of the node, 0 to 2^32 - 1; grows with each start. */
  readonly boot: number;
  readonly slot: number;
  /** 16 bytes that nobody can guess. */
  readonly random: Uint8Array;
}

const SID = /^ses_[A-Za-z0-9_-]{38}$/;
const BYTES = 28;

/** Writes a session id (SES-8): `ses_` and 38 base64url characters.
 *  @throws {RangeError} a number that is not a 32-bit unsigned integer, or not 16 random bytes */
export function encodeSessionId(id: SessionId): string {
  if (id.random.length !== 16) throw new RangeError('a session id needs 16 random bytes');
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of [id.node, id.boot, id.slot].entries()) {
    if (!isUint32(value)) throw new RangeError('a part of a session id is not a 32-bit unsigned integer');
    view.setUint32(4 * index, value);
  }
  bytes.set(id.random, 12);
  return `ses_${encodeBase64url(bytes)}`;
}

/** Reads a session id; each has exactly one spelling.
 *  @throws {TrustError} MALFORMED */
export function decodeSessionId(sid: string): SessionId {
  if (sid.length !== 42 || !SID.test(sid)) throw malformed('text that is not a session id');
  const bytes = decodeBase64url(sid.slice(4));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    node: view.getUint32(0),
    boot: view.getUint32(4),
    slot: view.getUint32(8),
    random: bytes.slice(12),
  };
}

/** True for an integer that fits the four bytes of a node, boot or slot. */
export function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}
