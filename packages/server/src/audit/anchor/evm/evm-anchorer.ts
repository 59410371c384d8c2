import { encodeHex, originHashOf, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../../platform/log.js';
import type { Clock } from '../../../platform/system.js';
import type { AnchorStore } from '../anchor-store.js';
import type { AnchoredLog, Anchorer, AnchorProgress, OpenAnchor } from '../anchorer.js';
import { createAnchoredEvents } from './anchored-events.js';
import { createEvmChain, type EvmChain } from './chain.js';
import { anchorCall, type ContractHead, registerCall } from './contract-head.js';
import type { Rpc } from './json-rpc.js';
import type { Hex } from './rpc-values.js';
import { createSending, type SendingLimits, type Wanted } from './sending.js';
import type { Wallet } from './wallet.js';
import { createForeignWatch } from './watch.js';

/** Where and how to anchor on an EVM chain. */
export interface EvmSettings {
  readonly chainId: number;
  /** In lowercase. */
  readonly contract: Hex;
  /** Blocks that count as final: the one with the anchor and those on it. */
  readonly confirmations: number;
  /** Most a unit of gas may cost, in wei. */
  readonly maxFee: bigint;
  readonly everyMs: number;
  readonly pollMs: number;
}

export interface EvmAnchorerDeps {
  readonly rpc: Rpc;
  readonly wallet: Wallet;
  readonly anchored: AnchoredLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: SendingLimits;
  readonly store: Pick<AnchorStore, 'watched' | 'noteWatched'>;
}

/** Anchors on an EVM chain. What counts is the state of the contract in a confirmed block, proven: so it does not matter
 *  which of several transactions brought it there, or whether the process that sent it remembers. */
export function createEvmAnchorer(settings: EvmSettings, deps: EvmAnchorerDeps): Anchorer {
  const { rpc, wallet, anchored, log, store } = deps;
  const { chainId, contract, confirmations, maxFee } = settings;
  const { origin } = anchored;
  const place = { chainId, contract, origin, anchorer: wallet.address };
  const originHash: Hex = `0x${encodeHex(originHashOf(origin))}`;
  const chain = createEvmChain(rpc, place);
  const sending = createSending({ ...deps, chainId, maxFee });
  const name = `evm ${chain.chain} ${contract} ${wallet.address}`;
  const events = createAnchoredEvents(rpc, place, originHash);
  const watch = createForeignWatch({ events, name, place, store, log });
  const forkOf = createForkCheck(anchored);
  const wantedFor = (anchor: OpenAnchor, newest: ContractHead): Pick<Wanted, 'purpose' | 'action'> =>
    newest.registered
      ? {
          purpose: 'anchor',
          action: { to: contract, data: anchorCall(originHash, anchor.size, anchor.root) },
        }
      : { purpose: 'register', action: { to: contract, data: registerCall(origin) } };
  return {
    place: name,
    kind: 'evm',
    contract: { chain: chain.chain, address: contract, origin, anchorer: wallet.address },
    everyMs: settings.everyMs,
    pollMs: settings.pollMs,
    maxOpen: 1,
    follow: async (anchor) => {
      await chain.assertRight();
      const latest = await chain.latest();
      const newest = await chain.headAt(latest.number);
      const fork = await forkOf(newest);
      if (fork !== undefined) throw new TrustError('CONFLICT', fork, { hint: FORK_HINT });
      const confirmed = latest.number - confirmations + 1;
      if (newest.size >= anchor.size) return settle(chain, anchor, confirmed);
      await sending.advance(anchor, { ...wantedFor(anchor, newest), latest, confirmed });
      return { kind: 'waiting' };
    },
    holds: async (proof) => proof.kind === 'evm' && isCanonical(chain, proof.block),
    knows: async (proof) => {
      if (proof.kind !== 'evm') return false;
      await chain.assertRight();
      const { number } = await chain.latest();
      // The block may come yet: it is asked for again.
      if (proof.block.number > number - confirmations + 1) return undefined;
      return isCanonical(chain, proof.block);
    },
    look: async () => {
      const { number } = await chain.latest();
      const fork = await forkOf(await chain.headAt(number));
      const sight = await watch.look(number - confirmations + 1);
      return fork === undefined
        ? sight
        : { ...sight, alarms: [{ code: 'FORK', reason: fork }, ...sight.alarms] };
    },
  };
}

const FORK_HINT =
  'somebody else anchors with this key, or this log is not the one that was anchored: nothing is anchored until this is cleared up';

/** The latest state has a head of that size or a larger one: whether the confirmed one has, and which. */
async function settle(chain: EvmChain, anchor: OpenAnchor, confirmed: number): Promise<AnchorProgress> {
  const head = confirmed < 0 ? undefined : await chain.findHeadAt(confirmed);
  if (head === undefined || head.size < anchor.size) return { kind: 'waiting' };
  if (head.size > anchor.size)
    return { kind: 'given-up', reason: `the contract holds size ${head.size} by now` };
  return { kind: 'proven', proof: await chain.prove(anchor, confirmed) };
}

/** Whether the chain has this block still.
 *  @throws {TrustError} UNAVAILABLE: the endpoint is not that far */
async function isCanonical(
  chain: EvmChain,
  { number, hash }: { readonly number: number; readonly hash: string },
): Promise<boolean> {
  const block = await chain.block(number);
  if (block !== undefined) return block.hash === hash;
  throw new TrustError(
    'UNAVAILABLE',
    `the RPC endpoint has no block ${number}: it is behind, or the chain is`,
  );
}

/** Says how a head on the chain contradicts the log; undefined if it does not. */
function createForkCheck(log: AnchoredLog): (head: ContractHead) => Promise<string | undefined> {
  let good: ContractHead | undefined;
  return async (head) => {
    const { size, root } = head;
    if (size === 0 || (size === good?.size && root === good.root)) return undefined;
    if (size > log.size()) return `the contract holds size ${size}, which this log does not have`;
    if ((await log.rootAt(size)) !== root)
      return `the contract holds another root for size ${size} than the log`;
    good = head;
    return undefined;
  };
}
