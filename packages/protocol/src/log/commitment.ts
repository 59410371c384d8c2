import type { Commitment, Disclosure } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { canonicalize } from '../encoding/jcs.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { TrustError } from '../error.js';

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
  return { $c: digest(disclose(pointer, value, salt), crypto) };
}

/** Checks that a disclosure opens a commitment (AUD-3).
 *  @throws {TrustError} PROOF_NOT_PROVEN; MALFORMED: a salt that is not canonical base64url */
export function openCommitment(commitment: Commitment, disclosure: Disclosure, crypto: CryptoProvider): void {
  decodeBase64url(disclosure.salt);
  if (digest(disclosure, crypto) === commitment.$c) return;
  throw new TrustError(
    'PROOF_NOT_PROVEN',
    `the disclosure of ${disclosure.pointer} does not open its commitment`,
  );
}

/** What opens such a commitment (AUD-3). */
export function disclose(pointer: string, value: unknown, salt: Uint8Array): Disclosure {
  return { pointer, salt: encodeBase64url(salt), value };
}

function digest({ pointer, salt, value }: Disclosure, crypto: CryptoProvider): string {
  return crypto.sha256Hex(encodeUtf8(`talos-commit-v1\n${pointer}\n${salt}\n${canonicalize(value)}`));
}
