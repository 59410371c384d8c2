import { equalBytes } from '../crypto/equal.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import type { SignedHeaders } from './headers.js';

/** Everything of a request that its MAC covers. */
export interface MacFields {
  readonly sid: string;
  /** DID of the gateway. */
  readonly gateway: string;
  readonly seq: number;
  readonly rid: string;
  /** In capitals, as in the request line. */
  readonly method: string;
  /** The origin-form target as it stood in the request line: path and query. */
  readonly target: string;
  readonly headers: SignedHeaders;
  /** Lowercase hex of the SHA-256 of the raw body; of no bytes if there is none. */
  readonly bodyHash: string;
}

/** Fourteen lines of printable ASCII: no value can hold a line feed and so move what follows it. */
const LINES = /^[\x20-\x7e]*(?:\n[\x20-\x7e]*){13}$/;
const TARGET = /^\/(?!\/)[\x21\x22\x24-\x7e]*$/;
const METHOD = /^[A-Z]{1,16}$/;

/** The text that is authenticated (SES-6), 14 lines without a last line feed.
 *  @throws {TrustError} MALFORMED: a target that is not origin-form, or a value that is not printable ASCII */
export function formatMacInput(fields: MacFields): string {
  const { sid, gateway, seq, rid, method, target, headers, bodyHash } = fields;
  if (!METHOD.test(method)) throw malformed('a method that is not capital letters');
  if (!TARGET.test(target)) throw malformed('a request target that is not origin-form');
  const text = `talos-session-v1\n${sid}\n${gateway}\n${seq}\n${rid}\n${method}\n${target}\n${
    headers['content-type'] ?? ''
  }\n${bodyHash}\nmcp-protocol-version:${headers['mcp-protocol-version'] ?? ''}\nmcp-session-id:${
    headers['mcp-session-id'] ?? ''
  }\nmcp-method:${headers['mcp-method'] ?? ''}\nmcp-name:${headers['mcp-name'] ?? ''}\nlast-event-id:${
    headers['last-event-id'] ?? ''
  }`;
  if (!LINES.test(text)) throw malformed('a signed part of the request that is not printable ASCII');
  return text;
}

/** The MAC of a request: the first 16 bytes of HMAC-SHA256 (RFC 2104) under the session key.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export function sessionMac(key: Uint8Array, fields: MacFields, crypto: CryptoProvider): Uint8Array {
  return crypto.hmacSha256(key, encodeUtf8(formatMacInput(fields))).subarray(0, 16);
}

/** True if `mac` is the MAC of `fields`, compared in constant time.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export function isSessionMac(
  mac: Uint8Array,
  key: Uint8Array,
  fields: MacFields,
  crypto: CryptoProvider,
): boolean {
  return equalBytes(mac, sessionMac(key, fields, crypto));
}
