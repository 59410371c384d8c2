import { keccak_256 } from '@noble/hashes/sha3.js';
import type { EvmAnchorProof, TrustFile } from '@talosprotocol/contracts';
import { encodeBase64url } from '../../encoding/base64url.js';
import { decodeHex, encodeHex } from '../../encoding/hex.js';
import { ANCHOR_CODE_HASHES, headSlots } from '../evm/contract.js';
import { encodeRlp, type RlpItem, scalar } from './rlp.js';
import { buildTrie } from './trie.js';

/** What an anchored log looks like on a chain of a test. */
export interface AnchoredLog {
  readonly origin: string;
  readonly anchorer: string;
  readonly size: number;
  /** 64 hex digits. */
  readonly root: string;
}

export interface TestBlock {
  readonly chain: string;
  readonly contract: string;
  readonly number: number;
  readonly time: number;
  /** Hash of the contract's code; by default of ours. */
  readonly codeHash?: string;
  /** RLP in place of the contract's account. */
  readonly account?: Uint8Array;
  /** Value of the first slot; by default that of a registered log of that size. */
  readonly headWord?: (size: number) => bigint;
}

/** Builds the state of a block in which the contract holds these logs, among other accounts, and gives the proof of the
 *  first of them, as a node of the chain would. */
export function proveAnchored(
  block: TestBlock,
  logs: readonly [AnchoredLog, ...AnchoredLog[]],
): EvmAnchorProof {
  const { headWord = (size) => (1n << 64n) | BigInt(size) } = block;
  const storage = buildTrie(
    logs.flatMap(({ origin, anchorer, size, root }) => {
      const slots = headSlots(origin, anchorer);
      return [
        [slots.head, encodeRlp(scalar(headWord(size)))] as const,
        [slots.root, encodeRlp(scalar(BigInt(`0x${root}`)))] as const,
      ];
    }),
  );
  const codeHash = decodeHex(block.codeHash ?? ANCHOR_CODE_HASHES[0] ?? '');
  const account = block.account ?? encodeRlp([scalar(1), scalar(0), storage.root, codeHash]);
  const address = decodeHex(block.contract.slice(2));
  const others = Array.from({ length: 40 }, (_, i) => keccak_256(Uint8Array.of(i)).subarray(0, 20));
  const state = buildTrie([
    [address, account],
    ...others.map((other) => [other, encodeRlp([scalar(0), scalar(1), storage.root, codeHash])] as const),
  ]);
  const header = encodeRlp(fieldsOf(block, state.root));
  const [{ origin, anchorer, size, root }] = logs;
  const slots = headSlots(origin, anchorer);
  return {
    kind: 'evm',
    origin,
    size,
    root,
    chain: block.chain,
    contract: block.contract,
    anchorer,
    block: {
      number: block.number,
      hash: `0x${encodeHex(keccak_256(header))}`,
      header: encodeBase64url(header),
    },
    accountProof: state.prove(address).map(encodeBase64url),
    headProof: storage.prove(slots.head).map(encodeBase64url),
    rootProof: storage.prove(slots.root).map(encodeBase64url),
  };
}

/** What an auditor who looked both up writes into the trust file. */
export function trustOf({
  chain,
  contract,
  origin,
  anchorer,
  block,
}: EvmAnchorProof): Required<Pick<TrustFile, 'blocks' | 'contracts'>> {
  return {
    blocks: [{ chain, number: block.number, hash: block.hash }],
    contracts: [{ chain, address: contract, origin, anchorer }],
  };
}

const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

/** The fields of a header since EIP-1559. */
function fieldsOf({ number, time }: TestBlock, stateRoot: Uint8Array): RlpItem[] {
  const bloom = new Uint8Array(256);
  const beneficiary = new Uint8Array(20);
  return [
    hash(1),
    hash(2),
    beneficiary,
    stateRoot,
    hash(3),
    hash(4),
    bloom,
    scalar(0),
    scalar(number),
    scalar(30_000_000),
    scalar(21_000),
    scalar(time),
    new Uint8Array(0),
    hash(5),
    new Uint8Array(8),
    scalar(1_000_000_000),
  ];
}
