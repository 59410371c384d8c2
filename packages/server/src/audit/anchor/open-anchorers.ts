import type { AnchorSettings, EvmAnchorSettings, OpenTimestampsSettings } from '@talosprotocol/contracts';
import type { Log } from '../../platform/log.js';
import type { Secret } from '../../platform/secret.js';
import type { Clock, Random } from '../../platform/system.js';
import type { AnchorStore } from './anchor-store.js';
import type { AnchoredLog, Anchorer } from './anchorer.js';
import type { Hex } from './evm/rpc-values.js';
import type { SendingLimits } from './evm/sending.js';
import { createHttpExchange } from './http-exchange.js';

/** What anchoring needs of its process. */
export interface AnchorDeps {
  /** `audit.anchors` of talos.yaml at the start. */
  readonly settings: readonly AnchorSettings[];
  /** The seed of the key that anchors on EVM chains; it is asked for only where one is named. */
  readonly key: () => Promise<Secret<Uint8Array>>;
  readonly limits?: Partial<AnchorLimits>;
}

/** Times in ms. */
export interface AnchorLimits extends SendingLimits {
  /** Between two looks at an open anchor. */
  readonly evmPollMs: number;
  readonly otsPollMs: number;
  /** Longest wait for an answer. */
  readonly answerMs: number;
}

const LIMITS: AnchorLimits = {
  stuckMs: 120_000,
  resendMs: 30_000,
  evmPollMs: 5_000,
  otsPollMs: 300_000,
  answerMs: 15_000,
};

export interface OpenOptions {
  readonly anchored: AnchoredLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: AnchorStore;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

const EVERY_SECONDS = 3600;
const CONFIRMATIONS = 12;
const MAX_FEE_GWEI = 100;

/** Builds the anchorers of talos.yaml. What drives a chain is loaded only where it is used: it is large. */
export function openAnchorers(deps: AnchorDeps, options: OpenOptions): Promise<Anchorer[]> {
  const limits = { ...LIMITS, ...deps.limits };
  return Promise.all(
    deps.settings.map((one) =>
      one.kind === 'evm' ? openEvm(one, deps.key, limits, options) : openOts(one, limits, options),
    ),
  );
}

async function openEvm(
  settings: EvmAnchorSettings,
  key: AnchorDeps['key'],
  limits: AnchorLimits,
  { signal, ...options }: OpenOptions,
): Promise<Anchorer> {
  const [{ createEvmAnchorer }, { createRpc }, { createWallet }] = await Promise.all([
    import('./evm/evm-anchorer.js'),
    import('./evm/json-rpc.js'),
    import('./evm/wallet.js'),
  ]);
  const { chainId, contract, confirmations = CONFIRMATIONS, maxFeeGwei = MAX_FEE_GWEI } = settings;
  const exchange = createHttpExchange(`the RPC endpoint of chain ${chainId}`, signal, limits.answerMs);
  return createEvmAnchorer(
    {
      chainId,
      contract: contract.toLowerCase() as Hex,
      confirmations,
      maxFee: BigInt(maxFeeGwei) * 1_000_000_000n,
      everyMs: everyMs(settings),
      pollMs: limits.evmPollMs,
    },
    { ...options, limits, rpc: createRpc(settings.rpc, exchange), wallet: createWallet(await key()) },
  );
}

async function openOts(
  settings: OpenTimestampsSettings,
  limits: AnchorLimits,
  { signal, ...options }: OpenOptions,
): Promise<Anchorer> {
  const [{ createOtsAnchorer }, { createCalendar }, { createBlockExplorer }] = await Promise.all([
    import('./ots/ots-anchorer.js'),
    import('./ots/calendar.js'),
    import('./ots/block-explorer.js'),
  ]);
  const { calendars, explorer } = settings;
  const exchangeWith = (who: string) => createHttpExchange(who, signal, limits.answerMs);
  return createOtsAnchorer(
    { everyMs: everyMs(settings), pollMs: limits.otsPollMs },
    {
      ...options,
      calendars: calendars.map((url) => createCalendar(url, exchangeWith(url))),
      explorer:
        explorer === undefined
          ? undefined
          : createBlockExplorer(explorer, exchangeWith('the explorer of Bitcoin blocks'), {
              clock: options.clock,
              tipMs: limits.otsPollMs,
            }),
    },
  );
}

function everyMs({ everySeconds = EVERY_SECONDS }: AnchorSettings): number {
  return everySeconds * 1000;
}
