import { decodeEventLog, encodeEventTopics } from 'viem/utils';
import type { AnchorAlarm } from '../anchorer.js';
import type { EvmPlace } from './chain.js';
import { ANCHOR_ABI } from './contract.js';
import type { Rpc } from './json-rpc.js';
import { type Hex, readBytes, readList, readMembers, toQuantity } from './rpc-values.js';

/** Looks for others who anchor the same origin. Whoever trusts the right anchorer is not deceived by them; that there is
 *  one may mean that somebody shows another history under our name. */
export interface ForeignWatch {
  /** Those who were not told of yet, from the blocks since the last call. */
  look(latest: number): Promise<readonly AnchorAlarm[]>;
}

/** Blocks of one look: what public endpoints answer. */
const BLOCKS = 1_000;
const MAX_EVENTS = 1_000;
/** Anybody may register an origin under many keys. */
const MAX_TOLD = 8;

export function createForeignWatch(rpc: Rpc, place: EvmPlace, originHash: Hex): ForeignWatch {
  const topics = encodeEventTopics({ abi: ANCHOR_ABI, eventName: 'Anchored', args: { originHash } });
  const told = new Set<string>();
  let seen: number | undefined;
  return {
    look: async (latest) => {
      const from = (seen ?? Math.max(-1, latest - BLOCKS)) + 1;
      const to = Math.min(latest, from + BLOCKS - 1);
      if (from > to) return [];
      const filter = {
        address: place.contract,
        topics,
        fromBlock: toQuantity(from),
        toBlock: toQuantity(to),
      };
      const found = readList(await rpc('eth_getLogs', filter), 'list of events', MAX_EVENTS).map(
        readAnchored,
      );
      seen = to;
      const foreign = found.filter(({ anchorer }) => anchorer !== place.anchorer && !told.has(anchorer));
      const fresh = new Map(foreign.map((event) => [event.anchorer, event]));
      return [...fresh.values()].slice(0, MAX_TOLD - told.size).map(({ anchorer, size }) => {
        told.add(anchorer);
        return { code: 'FOREIGN', reason: `${anchorer} anchors ${place.origin} too, at size ${size}` };
      });
    },
  };
}

function readAnchored(event: unknown): { readonly anchorer: string; readonly size: bigint } {
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
