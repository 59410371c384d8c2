import { keccak_256 } from '@noble/hashes/sha3.js';
import { MAX_EVM_HEADER } from '@talosprotocol/contracts';
import { malformed } from '../../error.js';
import { decodeRlpList, readScalar } from './rlp.js';

/** What an anchor needs of the header of a block. `time` is in Unix seconds. */
export interface EvmHeader {
  /** Keccak-256 of the header: the hash of the block. */
  readonly hash: Uint8Array;
  readonly number: number;
  readonly time: number;
  readonly stateRoot: Uint8Array;
}

/** Fields of a header before EIP-1559, in every one since, and more than any chain has by now. */
const MIN_FIELDS = 15;
const MAX_FIELDS = 32;
const STATE_ROOT = 3;
const NUMBER = 8;
const TIME = 11;

/** Reads a header as it is hashed (Ethereum Yellow Paper, section 4.3; later fields follow those and are not looked at).
 *  Everything is the chain's word if the hash is that of a block one trusts, and nobody's if not.
 *  @throws {TrustError} MALFORMED */
export function parseEvmHeader(bytes: Uint8Array): EvmHeader {
  if (bytes.length > MAX_EVM_HEADER) throw malformed('a header of a block that is too large');
  const fields = decodeRlpList(bytes, MAX_FIELDS);
  const [stateRoot, number, time] = [fields[STATE_ROOT], fields[NUMBER], fields[TIME]];
  if (fields.length < MIN_FIELDS || stateRoot?.length !== 32 || number === undefined || time === undefined)
    throw malformed('RLP that is not the header of a block');
  return { hash: keccak_256(bytes), number: readScalar(number), time: readScalar(time), stateRoot };
}
