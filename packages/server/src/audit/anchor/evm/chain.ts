import type { EvmAnchorProof } from '@talosprotocol/contracts';
import {
  ANCHOR_CODE_HASHES,
  decodeBase64url,
  encodeBase64url,
  encodeHex,
  headSlots,
  isTrustError,
  originHashOf,
  parseAnchorProof,
  parseEvmHeader,
  TrustError,
  verifyEvmState,
} from '@talosprotocol/protocol';
import { hexToBytes, keccak256 } from 'viem/utils';
import { type EvmBlock, encodeHeader, readBlock } from './block.js';
import { type ContractHead, headCall, readContractHead } from './contract-head.js';
import type { Rpc } from './json-rpc.js';
import { type Hex, readBytes, readList, readMembers, readNumber, toQuantity } from './rpc-values.js';

/** Which log, by whom, and where. Addresses in lowercase. */
export interface EvmPlace {
  readonly chainId: number;
  readonly contract: Hex;
  readonly origin: string;
  readonly anchorer: Hex;
}

/** What is asked of a chain about the contract. An endpoint may lie: what is handed out as a proof was verified. */
export interface EvmChain {
  readonly chain: string;
  /** @throws {TrustError} SETTINGS_INVALID: another chain answers, or other code is at the address */
  assertRight(): Promise<void>;
  latest(): Promise<EvmBlock>;
  /** Undefined if the endpoint has none of this number. */
  block(number: number): Promise<EvmBlock | undefined>;
  headAt(number: number): Promise<ContractHead>;
  /** As headAt; undefined if there was no contract yet. */
  findHeadAt(number: number): Promise<ContractHead | undefined>;
  /** Proves that the contract holds this head at the block.
   *  @throws {TrustError} UPSTREAM_FAILED: what the endpoint gives does not verify */
  prove(head: Pick<ContractHead, 'size' | 'root'>, number: number): Promise<EvmAnchorProof>;
}

export function createEvmChain(rpc: Rpc, place: EvmPlace): EvmChain {
  const { chainId, contract } = place;
  const call = headCall(`0x${encodeHex(originHashOf(place.origin))}`, place.anchorer);
  const block = async (tag: Hex | 'latest'): Promise<EvmBlock | undefined> => {
    const found = await rpc('eth_getBlockByNumber', tag, false);
    return found === null ? undefined : readBlock(found);
  };
  const ask = async (number: number): Promise<Hex> =>
    readBytes(
      await rpc('eth_call', { to: contract, data: call }, toQuantity(number)),
      'answer of the contract',
    );
  return {
    chain: `eip155:${chainId}`,
    assertRight: async () => {
      await assertChainId(rpc, chainId);
      const code = readBytes(await rpc('eth_getCode', contract, 'latest'), 'code of the contract');
      if (!ANCHOR_CODE_HASHES.includes(keccak256(code).slice(2)))
        throw new TrustError('SETTINGS_INVALID', `${contract} on chain ${chainId} is no anchor contract`, {
          hint: 'talos audit anchor deploy makes one; check contract and chainId in talos.yaml',
        });
    },
    latest: async () => {
      const last = await block('latest');
      if (last === undefined) throw new TrustError('UPSTREAM_FAILED', 'the RPC endpoint has no block');
      return last;
    },
    block: (number) => block(toQuantity(number)),
    headAt: async (number) => readContractHead(await ask(number)),
    findHeadAt: async (number) => {
      const answer = await ask(number);
      return answer === '0x' ? undefined : readContractHead(answer);
    },
    prove: async (head, number) => {
      const at = await block(toQuantity(number));
      if (at === undefined) throw new TrustError('UPSTREAM_FAILED', 'the block to prove is gone');
      return assertProof(await fetchProof(rpc, place, head, at));
    },
  };
}

/** @throws {TrustError} SETTINGS_INVALID */
export async function assertChainId(rpc: Rpc, chainId: number): Promise<void> {
  const found = readNumber(await rpc('eth_chainId'), 'chain id');
  if (found === chainId) return;
  throw new TrustError('SETTINGS_INVALID', `the RPC endpoint is of chain ${found} and not ${chainId}`, {
    hint: 'name another endpoint, or the chain that you mean',
  });
}

async function fetchProof(
  rpc: Rpc,
  { origin, anchorer, contract, chainId }: EvmPlace,
  { size, root }: Pick<ContractHead, 'size' | 'root'>,
  block: EvmBlock,
): Promise<EvmAnchorProof> {
  const slots = headSlots(origin, anchorer);
  const keys = [slots.head, slots.root].map((slot) => `0x${encodeHex(slot)}`);
  const answer = await rpc('eth_getProof', contract, keys, toQuantity(block.number));
  const { accountProof, storageProof } = readMembers(answer, 'proof of an account');
  const [headProof, rootProof] = readList(storageProof, 'proof of storage', 2).map(
    (one) => readMembers(one, 'proof of storage')['proof'],
  );
  return {
    kind: 'evm',
    origin,
    size,
    root,
    chain: `eip155:${chainId}`,
    contract,
    anchorer,
    block: { number: block.number, hash: block.hash, header: base64url(encodeHeader(block)) },
    accountProof: readNodes(accountProof),
    headProof: readNodes(headProof),
    rootProof: readNodes(rootProof),
  };
}

function readNodes(value: unknown): string[] {
  return readList(value, 'proof of a trie', 64).map((node) => base64url(readBytes(node, 'node of a trie')));
}

function base64url(bytes: Hex): string {
  return encodeBase64url(hexToBytes(bytes));
}

/** As an auditor would, but for whose word the block is: it is the endpoint's. */
function assertProof(proof: EvmAnchorProof): EvmAnchorProof {
  try {
    const header = parseEvmHeader(decodeBase64url(proof.block.header));
    parseAnchorProof(proof);
    verifyEvmState(proof, header);
    return proof;
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw new TrustError(
      'UPSTREAM_FAILED',
      `the proof that the RPC endpoint gives does not verify: ${cause.data.reason ?? cause.code}`,
      {},
      cause,
    );
  }
}
