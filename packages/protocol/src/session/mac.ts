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

const MAC_BYTES = 16;
/** The first line. */
export const MAC_LABEL = 'talos-session-v1';
const TARGET = /^\/(?!\/)[\x21\x22\x24-\x7e]*$/;
const PRINTABLE = /^[\x20-\x7e]*$/;
const METHOD = /^[A-Z]{1,16}$/;

/** What of a request its MAC covers besides the `Authorization` header and the gateway. */
export type AuthenticatedRequest = Pick<MacFields, 'method' | 'target' | 'headers' | 'bodyHash'>;

/** The text that is authenticated (SES-6), 14 lines without a last line feed.
 *  @throws {TrustError} MALFORMED: a target that is not origin-form, or a value that is not printable ASCII */
export function formatMacInput(fields: MacFields): string {
  const { sid, gateway, seq, rid } = fields;
  assertPrintable(sid + gateway + rid);
  return `${MAC_LABEL}\n${sid}\n${gateway}\n${seq}\n${rid}\n${formatRequestLines(fields)}`;
}

/** Lines 6 to 14, which do not depend on the credential.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export function formatRequestLines({ method, target, headers, bodyHash }: AuthenticatedRequest): string {
  if (!METHOD.test(method)) throw malformed('a method that is not capital letters');
  if (!TARGET.test(target)) throw malformed('a request target that is not origin-form');
  const type = headers['content-type'] ?? '';
  const version = headers['mcp-protocol-version'] ?? '';
  const session = headers['mcp-session-id'] ?? '';
  const call = headers['mcp-method'] ?? '';
  const name = headers['mcp-name'] ?? '';
  const event = headers['last-event-id'] ?? '';
  assertPrintable(type + bodyHash + version + session + call + name + event);
  return `${method}\n${target}\n${type}\n${bodyHash}\nmcp-protocol-version:${version}\nmcp-session-id:${session}\nmcp-method:${call}\nmcp-name:${name}\nlast-event-id:${event}`;
}

/** The MAC of a request: the first 16 bytes of HMAC-SHA256 (RFC 2104) under the session key.
 *  @throws {TrustError} MALFORMED, as `formatMacInput` */
export function sessionMac(key: Uint8Array, fields: MacFields, crypto: CryptoProvider): Uint8Array {
  return crypto.hmacSha256(key, encodeUtf8(formatMacInput(fields))).subarray(0, MAC_BYTES);
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

/** A value with a line feed would move what follows it. */
export function assertPrintable(values: string): void {
  if (!PRINTABLE.test(values)) throw malformed('a signed part of the request that is not printable ASCII');
}
