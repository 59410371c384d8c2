import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../../platform/log.js';
import type { Clock } from '../../../platform/system.js';
import type { OpenAnchor } from '../anchorer.js';
import type { EvmBlock } from './block.js';
import { askFees, raiseFees } from './fees.js';
import type { Rpc } from './json-rpc.js';
import { type Attempt, formatPlan, lastAttempt, NO_PLAN, type Plan, parsePlan } from './plan.js';
import { type Hex, readMembers, readNumber } from './rpc-values.js';
import { type Action, assertFunds, estimateGas, nonceAt, type Sent, send, type Wallet } from './wallet.js';

export interface SendingDeps {
  readonly rpc: Rpc;
  readonly wallet: Wallet;
  readonly chainId: number;
  /** Most a unit of gas may cost, in wei. */
  readonly maxFee: bigint;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: SendingLimits;
}

/** Times in ms. */
export interface SendingLimits {
  /** How long a transaction may wait for a block before it is offered for more. */
  readonly stuckMs: number;
  /** How often a waiting one is handed to the node again, which may have forgotten it. */
  readonly resendMs: number;
}

/** What has to be in a block, and how far the chain is. */
export interface Wanted {
  readonly purpose: Plan['purpose'];
  readonly action: Action;
  readonly latest: EvmBlock;
  /** The last block that has enough others on it; below 0 if there is none yet. */
  readonly confirmed: number;
}

/** Brings one transaction into a block, over kills, lost mempools, low fees and replacements. */
export interface Sending {
  /** Goes one step on towards it. Returns when there is nothing to do but to wait.
   *  @throws {TrustError} UNAVAILABLE | UPSTREAM_FAILED; tried again */
  advance(anchor: OpenAnchor, wanted: Wanted): Promise<void>;
}

/** Gas of the dearest of our calls is below this, a first anchor and a registration included. */
const MAX_GAS = 300_000n;

export function createSending(deps: SendingDeps): Sending {
  const { rpc, wallet, clock, log, limits } = deps;
  // Of this process: a transaction that another one sent is handed over again at once.
  const sent = new Map<Hex, { readonly firstAt: number; readonly lastAt: number }>();
  const sendNow = async (plan: Plan): Promise<Sent> => {
    const { hash } = lastAttempt(plan);
    const now = clock.monotonic();
    sent.set(hash, { firstAt: sent.get(hash)?.firstAt ?? now, lastAt: now });
    return send(rpc, lastAttempt(plan));
  };
  const start = async (anchor: OpenAnchor, wanted: Wanted): Promise<void> => {
    const plan = await makePlan(deps, wanted);
    await anchor.keep(formatPlan(plan));
    await sendNow(plan);
  };
  const raise = async (anchor: OpenAnchor, plan: Plan, wanted: Wanted): Promise<void> => {
    const raised = await raisedPlan(deps, plan, wanted);
    await anchor.keep(formatPlan(raised));
    log.info('a transaction waits too long: it is offered for more', { attempt: raised.attempts.length });
    await sendNow(raised);
  };
  const nudge = async (anchor: OpenAnchor, plan: Plan, wanted: Wanted): Promise<void> => {
    const now = clock.monotonic();
    const { firstAt, lastAt } = sent.get(lastAttempt(plan).hash) ?? { firstAt: now, lastAt: -Infinity };
    const answer = now - lastAt >= limits.resendMs ? await sendNow(plan) : 'taken';
    if (answer === 'underpriced' || now - firstAt >= limits.stuckMs) await raise(anchor, plan, wanted);
  };
  return {
    advance: async (anchor, wanted) => {
      const plan = parsePlan(anchor.state);
      if (plan === undefined || plan.purpose !== wanted.purpose) return start(anchor, wanted);
      if ((await nonceAt(rpc, wallet.address, 'latest')) <= plan.nonce) return nudge(anchor, plan, wanted);
      const fate = await fateOf(deps, plan, wanted);
      if (fate === 'waiting') return;
      sent.clear();
      await anchor.keep(NO_PLAN);
      if (fate === 'reverted')
        throw new TrustError('UPSTREAM_FAILED', 'the contract refused the transaction; it is planned anew');
      log.warn('another transaction took the nonce of an anchor; it is planned anew');
    },
  };
}

async function makePlan(deps: SendingDeps, { purpose, action, latest }: Wanted): Promise<Plan> {
  const { rpc, wallet, chainId, maxFee } = deps;
  const fees = await askFees(rpc, latest, maxFee);
  const gas = await estimateGas(rpc, wallet.address, action, MAX_GAS);
  await assertFunds(rpc, wallet.address, gas, fees);
  // Not that of what waits in a mempool: after a gap nothing behind it would ever come into a block.
  const nonce = await nonceAt(rpc, wallet.address, 'latest');
  const signed = await wallet.sign(action, { nonce, gas, fees, chainId });
  return { purpose, nonce, gas, attempts: [{ ...signed, fees }] };
}

/** The same transaction with the same nonce, for more. */
async function raisedPlan(deps: SendingDeps, plan: Plan, { action, latest }: Wanted): Promise<Plan> {
  const { rpc, wallet, chainId, maxFee } = deps;
  const { nonce, gas } = plan;
  const fees = raiseFees(await askFees(rpc, latest, maxFee), lastAttempt(plan).fees, maxFee);
  const attempt: Attempt = { ...(await wallet.sign(action, { nonce, gas, fees, chainId })), fees };
  return { ...plan, attempts: [...plan.attempts, attempt] };
}

type Fate = 'waiting' | 'reverted' | 'replaced';

/** What became of a transaction whose nonce was used, while the state of the contract does not show it. A receipt is only
 *  looked at to find out what to do next: nothing is believed because of it.
 *  @throws {TrustError} UPSTREAM_FAILED: receipt and state contradict each other */
async function fateOf(
  { rpc, wallet }: SendingDeps,
  plan: Plan,
  { latest, confirmed }: Wanted,
): Promise<Fate> {
  for (const { hash } of plan.attempts) {
    const receipt = await rpc('eth_getTransactionReceipt', hash);
    if (receipt === null) continue;
    const { status, blockNumber } = readMembers(receipt, 'receipt');
    if (readNumber(status, 'status of a receipt') === 0) return 'reverted';
    if (readNumber(blockNumber, 'number of a block') > latest.number) return 'waiting';
    throw new TrustError(
      'UPSTREAM_FAILED',
      'the RPC endpoint says that the transaction is in a block whose state does not have it',
    );
  }
  const isFinal = confirmed >= 0 && (await nonceAt(rpc, wallet.address, confirmed)) > plan.nonce;
  return isFinal ? 'replaced' : 'waiting';
}
