import type { Commitment, Disclosure } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { canonicalize } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';

const SALT_BYTES = 32;

/** Commits to a private value of an event (AUD-3): the event holds the result, a disclosure opens it. `pointer` is
 *  the JSON Pointer of the member, `salt` 32 random bytes that are used for nothing else.
 *  @throws {TrustError} MALFORMED: a value that has no canonical form
 *  @throws {RangeError} a salt of another length */
export function commit(
  pointer: string,
  value: unknown,
  salt: Uint8Array,
  crypto: CryptoProvider,
): Commitment {
  if (salt.length !== SALT_BYTES) throw new RangeError(`a salt has ${SALT_BYTES} bytes, not ${salt.length}`);
  const text = `talos-commit-v1\n${pointer}\n${encodeBase64url(salt)}\n${canonicalize(value)}`;
  return { $c: crypto.sha256Hex(encodeUtf8(text)) };
}

/** What opens such a commitment (AUD-3). */
export function disclose(pointer: string, value: unknown, salt: Uint8Array): Disclosure {
  return { pointer, salt: encodeBase64url(salt), value };
}
