import { sha256 } from '@noble/hashes/sha2.js';
import { encodeHex } from '../../encoding/hex.js';
import { malformed } from '../../error.js';

const BYTES = 80;

/** What an anchor needs of the header of a Bitcoin block. `merkleRoot` is in the order in which it is hashed; `time` is
 *  what the miner said, in Unix seconds. */
export interface BitcoinHeader {
  readonly merkleRoot: Uint8Array;
  readonly time: number;
}

/** Reads a header (Bitcoin developer reference, block headers).
 *  @throws {TrustError} MALFORMED: not 80 bytes */
export function parseBitcoinHeader(bytes: Uint8Array): BitcoinHeader {
  if (bytes.length !== BYTES) throw malformed('a header of a Bitcoin block has 80 bytes');
  const time = new DataView(bytes.buffer, bytes.byteOffset).getUint32(68, true);
  return { merkleRoot: bytes.subarray(36, 68), time };
}

/** Hash of a header as explorers show it: SHA-256 twice, last byte first, in hex. */
export function bitcoinHash(header: Uint8Array): string {
  return encodeHex(sha256(sha256(header)).toReversed());
}
