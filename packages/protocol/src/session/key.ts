import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';

/** What both sides of a session know, besides their own secret. */
export interface SessionKeyInput {
  /** Our own 32-byte X25519 secret; used once, then to be forgotten. */
  readonly secret: Uint8Array;
  /** Which side we are: the other side's `epk` is multiplied with our secret. */
  readonly role: 'agent' | 'gateway';
  readonly agentEpk: Uint8Array;
  readonly gatewayEpk: Uint8Array;
  /** Hash of the capability chain, 43 base64url characters (CAP-5). */
  readonly cth: string;
  readonly sid: string;
}

/** Derives the 32-byte key of a session (SES-5): HKDF-SHA256 (RFC 5869) over X25519 (RFC 7748), salted with the
 *  capability, bound to the session id and to both fresh public keys. No key travels.
 *  @throws {TrustError} MALFORMED: the other side's `epk` is of small order, or a part has another length */
export function deriveSessionKey(input: SessionKeyInput, crypto: CryptoProvider): Uint8Array {
  const { agentEpk, gatewayEpk, role, secret, sid, cth } = input;
  const salt = decodeBase64url(cth);
  if (salt.length !== 32) throw malformed('a cth that is not 32 bytes');
  if (agentEpk.length !== 32 || gatewayEpk.length !== 32) throw malformed('an epk that is not 32 bytes');
  const shared = crypto.x25519(secret, role === 'agent' ? gatewayEpk : agentEpk);
  const label = encodeUtf8(`talos-session-key-v1\n${sid}\n`);
  const info = new Uint8Array(label.length + 64);
  info.set(label);
  info.set(agentEpk, label.length);
  info.set(gatewayEpk, label.length + 32);
  try {
    return crypto.hkdfSha256(shared, salt, info, 32);
  } finally {
    shared.fill(0);
  }
}
