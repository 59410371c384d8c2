import { decodeEventLog, encodeEventTopics } from 'viem/utils';
import type { EvmPlace } from './chain.js';
import { ANCHOR_ABI } from './contract.js';
import type { Rpc } from './json-rpc.js';
import { type Hex, readBytes, readList, readMembers, toQuantity } from './rpc-values.js';

/** That somebody anchored our origin. `anchorer` is in lowercase. */
export interface AnchoredEvent {
  readonly anchorer: string;
  readonly size: bigint;
}

/** The events of a contract. */
export interface AnchoredEvents {
  /** Those of the origin, in blocks `from` to `to`, both included; at most 1,000.
   *  @throws {TrustError} UPSTREAM_FAILED: the endpoint refuses, or gives more or none | UNAVAILABLE */
  read(from: number, to: number): Promise<readonly AnchoredEvent[]>;
  /** Asks for what no block has: whether the endpoint answers for this one at all.
   *  @throws {TrustError} as read */
  probe(block: number): Promise<void>;
}

const MAX_EVENTS = 1_000;
/** Of no origin: a hash that nobody finds the text to. */
const NOBODY: Hex = `0x${'00'.repeat(32)}`;

export function createAnchoredEvents(
  rpc: Rpc,
  { contract: address }: Pick<EvmPlace, 'contract'>,
  originHash: Hex,
): AnchoredEvents {
  const ask = async (hash: Hex, from: number, to: number): Promise<readonly unknown[]> => {
    const topics = encodeEventTopics({
      abi: ANCHOR_ABI,
      eventName: 'Anchored',
      args: { originHash: hash },
    });
    const filter = { address, topics, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
    return readList(await rpc('eth_getLogs', filter), 'list of events', MAX_EVENTS);
  };
  return {
    read: async (from, to) => (await ask(originHash, from, to)).map(readAnchored),
    probe: async (block) => void (await ask(NOBODY, block, block)),
  };
}

function readAnchored(event: unknown): AnchoredEvent {
  const { topics, data } = readMembers(event, 'event');
  const hashes = readList(topics, 'event', 4).map((topic) => readBytes(topic, 'event', 32));
  const { args } = decodeEventLog({
    abi: ANCHOR_ABI,
    eventName: 'Anchored',
    topics: hashes as [Hex, ...Hex[]],
    data: readBytes(data, 'event'),
  });
  return { anchorer: args.anchorer.toLowerCase(), size: args.size };
}
