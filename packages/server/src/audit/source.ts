import { type CryptoProvider, encodeHex, encodeUtf8 } from '@talosprotocol/protocol';
import { createRecent } from './recent.js';

/** Hides client addresses: hex of the first 16 bytes of HMAC-SHA256(address key of the log, address) (AUD-5). */
export function createSourceHash(key: Uint8Array, crypto: CryptoProvider): (address: string) => string {
  if (key.length !== 32) throw new RangeError('an address key has 32 bytes');
  const own = Uint8Array.from(key);
  const known = createRecent<string>(REMEMBERED);
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const hash = encodeHex(crypto.hmacSha256(own, encodeUtf8(address)).subarray(0, 16));
    known.set(address, hash);
    return hash;
  };
}

/** Addresses that call again and again. */
const REMEMBERED = 1_024;
