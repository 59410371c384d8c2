import { type CryptoProvider, encodeHex, encodeUtf8 } from '@talosprotocol/protocol';
import { createRecent } from './recent.js';

/** Hides client addresses: hex of the first 16 bytes of HMAC-SHA256(address key of the log, address) (AUD-5). `key` gives the
 *  32 bytes in use; hashes are kept while it gives the same array. */
export function createSourceHash(key: () => Uint8Array, crypto: CryptoProvider): (address: string) => string {
  const known = createRecent<string>(REMEMBERED);
  let used = key();
  return (address) => {
    const current = key();
    if (current !== used) {
      known.clear();
      used = current;
    }
    const before = known.get(address);
    if (before !== undefined) return before;
    const hash = encodeHex(crypto.hmacSha256(current, encodeUtf8(address)).subarray(0, 16));
    known.set(address, hash);
    return hash;
  };
}

/** Addresses that call again and again. */
const REMEMBERED = 1_024;
