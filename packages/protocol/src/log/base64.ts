import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { malformed } from '../error.js';

/** Writes bytes as standard base64 with padding (RFC 4648 section 4), which the C2SP log formats use. */
export function encodeBase64(bytes: Uint8Array): string {
  const digits = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}

/** Reads standard base64 as strictly as `decodeBase64url`: padding is required, and there is one spelling only.
 *  @throws {TrustError} MALFORMED */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0 || /[-_]/.test(text)) throw malformed('text that is not padded base64');
  const digits = text.replace(/={1,2}$/, '');
  return decodeBase64url(digits.replaceAll('+', '-').replaceAll('/', '_'));
}
