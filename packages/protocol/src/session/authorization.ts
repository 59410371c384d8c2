import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { isUuidv7 } from '../encoding/uuid.js';
import { malformed } from '../error.js';

/** What `Authorization: Talos ...` says of one request (SES-6). */
export interface TalosAuthorization {
  readonly sid: string;
  /** The number of this request in its session, from 1. */
  readonly seq: number;
  /** The logical call, a UUIDv7; the same when it is tried again. */
  readonly rid: string;
  /** The first 16 bytes of the MAC. */
  readonly mac: Uint8Array;
}

const MAX_LENGTH = 160;
const HEADER =
  /^Talos sid=(ses_[A-Za-z0-9_-]{38}), seq=([1-9][0-9]{0,15}), rid=([0-9a-f-]{36}), mac=([A-Za-z0-9_-]{22})$/;

/** Writes the value of the `Authorization` header. */
export function formatTalosAuthorization({ sid, seq, rid, mac }: TalosAuthorization): string {
  return `Talos sid=${sid}, seq=${seq}, rid=${rid}, mac=${encodeBase64url(mac)}`;
}

/** Reads the value of an `Authorization` header: exactly these parameters, in this order, once each, with `, `
 *  between them, so that there is one spelling.
 *  @throws {TrustError} MALFORMED */
export function parseTalosAuthorization(value: string): TalosAuthorization {
  const parts = value.length <= MAX_LENGTH ? HEADER.exec(value) : null;
  if (parts === null) throw malformed('a Talos authorization that is not of the form sid, seq, rid, mac');
  const [, sid, digits, rid, mac] = parts as unknown as [string, string, string, string, string];
  const seq = Number(digits);
  if (!Number.isSafeInteger(seq)) throw malformed('a seq of 2^53 or more');
  if (!isUuidv7(rid)) throw malformed('a rid that is not a UUIDv7');
  return { sid, seq, rid, mac: decodeBase64url(mac) };
}

/** True for a value that claims the Talos scheme, well formed or not. */
export function isTalosAuthorization(value: string): boolean {
  return /^talos(?: |$)/i.test(value);
}
