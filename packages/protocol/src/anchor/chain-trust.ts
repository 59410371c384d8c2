import type { TrustedBlock, TrustedContract } from '@talosprotocol/contracts';
import { decodeHex } from '../encoding/hex.js';
import { malformed } from '../error.js';
import { bitcoinHash } from './ots/bitcoin-header.js';

/** A block that the auditor looked up: its hash as explorers show it and, of Bitcoin, perhaps its header. */
export interface KnownBlock {
  readonly hash: string;
  readonly header?: Uint8Array;
}

/** What an auditor trusts of chains (AUD-37), ready to verify with. */
export interface ChainTrust {
  /** The trusted block of a chain with this number. */
  readonly blockAt: (chain: string, number: number) => KnownBlock | undefined;
  /** True if the log is anchored there and by this key; address and anchorer in lowercase. */
  readonly isAnchoredBy: (place: TrustedContract) => boolean;
  /** True if the log is anchored on that chain at all. */
  readonly isAnchoredOn: (chain: string, origin: string) => boolean;
}

/** Reads the members `blocks` and `contracts` of a trust file.
 *  @throws {TrustError} MALFORMED: two blocks of one chain have the same number */
export function readChainTrust(
  blocks: readonly TrustedBlock[] = [],
  contracts: readonly TrustedContract[] = [],
): ChainTrust {
  const byNumber = new Map(blocks.map((block) => [keyOf(block.chain, block.number), knownBlock(block)]));
  if (byNumber.size < blocks.length) throw malformed('a trust file: a block is listed twice');
  const places = new Set(contracts.map(placeOf));
  return {
    blockAt: (chain, number) => byNumber.get(keyOf(chain, number)),
    isAnchoredBy: (place) => places.has(placeOf(place)),
    isAnchoredOn: (chain, origin) => contracts.some((one) => one.chain === chain && one.origin === origin),
  };
}

function knownBlock(block: TrustedBlock): KnownBlock {
  if ('hash' in block) return { hash: block.hash };
  const header = decodeHex(block.header);
  return { hash: bitcoinHash(header), header };
}

function keyOf(chain: string, number: number): string {
  return `${chain} ${number}`;
}

function placeOf({ chain, address, origin, anchorer }: TrustedContract): string {
  return [chain, address.toLowerCase(), origin, anchorer.toLowerCase()].join(' ');
}
