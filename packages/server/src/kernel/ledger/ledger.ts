import {
  type CallCost,
  createUuidv7,
  type LimitTake,
  TrustError,
  takesOf,
  type VerifiedCapability,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock, Random } from '../../platform/system.js';
import { createLeases, type Leases } from './leases.js';
import type { DebitRequest, HeldUnits, LedgerStore, Rest, SpentUnits } from './ledger-store.js';
import { monthBefore, type Period, periodAt } from './period.js';
import { refusalOf } from './refusal.js';

/** Counts what calls take from `limits` (CAP-21). */
export interface Ledger {
  /** Takes what a call may need from every limit of every link and the anchor, durably, before it resolves: all of it
   *  or nothing. One call is spent by this; money and tokens are held until `settle` is told what it came to. Gives
   *  the id for that, or undefined if there is nothing to settle.
   *  @throws {TrustError} BUDGET_EXCEEDED or RATE_LIMITED with the link | POLICY_DENIED for money in a currency that a
   *    limit does not count | UNAVAILABLE */
  hold(capability: VerifiedCapability, cost?: CallCost): Promise<string | undefined>;
  /** Counts what a call took in place of what was held for it; what is not said is what was held. More than that is
   *  counted too. A second time it changes nothing. What is never settled stays spent. */
  settle(hold: string, spent: SpentUnits): Promise<void>;
  /** Gives unused leases back and forgets past periods. Call it now and then. */
  tidy(): Promise<void>;
  /** Refuses further holds and gives back what was debited and not spent. */
  close(): Promise<void>;
}

export interface LedgerDeps {
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a call needs of one counter. */
interface Need extends LimitTake, Period {
  readonly counter: string;
}

const MAX_LEASES = 10_000;
const LARGEST_LEASE = 256;
/** Counters below one root, and below one second link, whose holder has as many links as it wants. */
const MAX_COUNTERS = { root: 10_000, branch: 1_000 } as const;
const IDLE_MS = 60_000;
/** How long a hold can be settled, and how long the last window of a rate is kept. */
const KEPT_SECONDS = 86_400;
/** How often a debit that found a counter used up looks again for a lease another call has brought meanwhile. */
const MAX_TRIES = 3;

/** Makes the ledger of one process. Several may share a database: each debits what it spends beforehand, so that
 *  together they never exceed a limit. What a process had debited and not spent when it was killed stays spent. */
export function createLedger(deps: LedgerDeps): Ledger {
  const { store, clock } = deps;
  const leases = createLeases(MAX_LEASES, clock.monotonic);
  const underWay = new Set<Promise<unknown>>();
  let closed = false;

  const holdUnits = async (capability: VerifiedCapability, cost: CallCost): Promise<string | undefined> => {
    const needs = needsOf(capability, cost, clock.now());
    const units = needs.filter(isSettled);
    const hold =
      units.length === 0
        ? undefined
        : { id: createUuidv7(Math.floor(clock.now()), deps.random(16)), at: seconds(clock), units };
    const [root, branch] = capability.links.map(({ lid }) => lid);
    for (let tries = 1; needs.length > 0; tries += 1) {
      const missing = await holdOnce(store, leases, needs, {
        root: root ?? '',
        branch,
        ...(hold && { hold }),
      });
      if (missing === undefined) break;
      if (tries >= MAX_TRIES || !leases.has(missing)) throw refusalOf(missing, capability, clock.now());
    }
    return hold?.id;
  };
  const hold: Ledger['hold'] = (capability, cost = {}) => {
    if (closed) return Promise.reject(new TrustError('UNAVAILABLE', 'the ledger is closing'));
    const held = holdUnits(capability, cost).finally(() => underWay.delete(held));
    underWay.add(held);
    return held;
  };
  const giveBack = async (rests: readonly Rest[]): Promise<void> => {
    if (rests.length > 0) await store.giveBack(rests);
  };
  return {
    hold,
    settle: async (id, spent) => {
      checkSpent(spent);
      await store.settle(id, spent);
    },
    tidy: async () => {
      await giveBack(leases.drain(clock.now(), clock.monotonic(), IDLE_MS));
      await store.forgetBefore(monthBefore(clock.now()), seconds(clock) - KEPT_SECONDS);
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(underWay);
      await giveBack(leases.drain(clock.now(), clock.monotonic()));
    },
  };
}

function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}

/** Calls are spent when they are dispatched, whatever they come to. */
function isSettled(need: Need): need is Need & HeldUnits {
  return need.kind === 'cost' || need.kind === 'tokens';
}

function checkSpent(spent: SpentUnits): void {
  for (const units of [spent.cost, spent.tokens]) {
    if (units !== undefined && !(Number.isSafeInteger(units) && units >= 0))
      throw new RangeError('what was spent is a whole number, and not less than nothing');
  }
}

function needsOf(capability: VerifiedCapability, cost: CallCost, nowMs: number): readonly Need[] {
  return takesOf(capability, cost).map((take) => ({
    ...take,
    counter: counterOf(take),
    ...periodAt(take.per, nowMs),
  }));
}

/** Neither a `lid` nor a DID holds a space. */
function counterOf({ key, kind, per, currency }: LimitTake): string {
  if (kind === 'calls') return key;
  return `${key} ${kind}${kind === 'cost' ? `:${currency}` : kind === 'rate' ? `:${per}` : ''}`;
}

/** Takes what it can from leases and debits the rest in one transaction. Gives the first need that not enough is left
 *  for; then nothing was taken. */
async function holdOnce(
  store: LedgerStore,
  leases: Leases,
  needs: readonly Need[],
  { branch, ...request }: Pick<DebitRequest, 'root' | 'hold'> & { readonly branch: string | undefined },
): Promise<Need | undefined> {
  const leased = needs.filter((need) => !isSettled(need) && leases.take(need));
  const missing = needs.filter((need) => !leased.includes(need));
  if (missing.length === 0) return undefined;
  const giveUp = (): void => {
    for (const need of leased) leases.add(need, 1);
  };
  const fetching = missing.filter((need) => !isSettled(need) && leases.beginFetch(need));
  try {
    const debits = missing.map((need) => ({
      ...need,
      largest: fetching.includes(need) ? LARGEST_LEASE : need.amount,
      branch: need.link > 1 ? branch : undefined,
    }));
    const outcome = await store.debit({ ...request, debits, maxRows: MAX_COUNTERS });
    if ('crowded' in outcome) throw crowded();
    if ('taken' in outcome) {
      for (const [index, need] of missing.entries())
        leases.add(need, (outcome.taken[index] ?? need.amount) - need.amount);
      return undefined;
    }
    giveUp();
    return missing[outcome.exhausted[0] ?? 0];
  } catch (error) {
    giveUp();
    throw error;
  } finally {
    for (const need of fetching) leases.endFetch(need);
  }
}

function crowded(): TrustError {
  return new TrustError('POLICY_DENIED', 'too many links with limits under one root', {
    link: 1,
    hint: 'Ask for a new root, or delegate without limits of your own.',
  });
}
