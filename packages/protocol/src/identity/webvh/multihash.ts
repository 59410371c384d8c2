import type { CryptoProvider } from '../../crypto/provider.js';
import { encodeBase58 } from '../../encoding/base58.js';
import { encodeUtf8 } from '../../encoding/utf8.js';

/** Multihash header: `sha2-256`, 32 bytes. */
const SHA2_256 = [0x12, 0x20] as const;

/** base58btc of the SHA-256 multihash of a text's UTF-8, as did:webvh writes all its hashes: `Qm...`, 46 digits. */
export function multihash(text: string, crypto: CryptoProvider): string {
  return encodeBase58(Uint8Array.of(...SHA2_256, ...crypto.sha256(encodeUtf8(text))));
}
