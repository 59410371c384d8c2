import { type CallCost, TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import type { Queries } from '../../platform/sql.js';
import { createSteadiness } from '../../platform/steady-clock.js';
import type { Clock } from '../../platform/system.js';
import { createCorrections } from './corrections.js';
import { createEndings } from './endings.js';
import { type Book, createHold, type Hold } from './hold.js';
import { createLeases, type Leases, type Rest } from './leases.js';
import { type LedgerStore, markCounters } from './ledger-store.js';
import { type BudgetMark, createMarks } from './marks.js';
import { type BudgetTake, isHeld, largestOf, type Need, needsOf } from './need.js';
import { monthBefore } from './period.js';
import { refusalOf } from './refusal.js';

/** Counts what calls take from `limits` (CAP-21). */
export interface Ledger {
  /** Takes what a call may need from every limit of every link and the anchor, and from budgets, durably, before it
   *  resolves: all of it or nothing. One call is spent by this; money and tokens are held until they are settled. Undefined if there is
   *  nothing to settle or to say.
   *  @throws {TrustError} BUDGET_EXCEEDED or RATE_LIMITED with the link | POLICY_DENIED for money in a currency that a
   *    limit does not count | UNAVAILABLE */
  hold(
    capability: VerifiedCapability,
    cost?: CallCost,
    budgets?: readonly BudgetTake[],
  ): Promise<Hold | undefined>;
  /** Units of each of these that this process has debited and may still spend. */
  readonly leased: Leases['totals'];
  /** Gives unused leases back, and forgets past periods while the clock is steady. Call it now and then. */
  tidy(): Promise<void>;
  /** Refuses further holds and gives back what was debited and not spent. */
  close(): Promise<void>;
}

export interface LedgerDeps {
  readonly store: LedgerStore;
  readonly clock: Clock;
  /** Told that a budget is used up to a mark, in the transaction of the debit that passed it; again at the
   *  earliest ten minutes later. */
  readonly onMarks?: (tx: Queries, marks: readonly BudgetMark[]) => Promise<void>;
}

const MAX_LEASES = 10_000;
/** Counters below one root, and below one second link, whose holder has as many links as it wants. */
const MAX_COUNTERS = { root: 10_000, branch: 1_000 } as const;
const IDLE_MS = 60_000;
/** How long the last window of a rate is kept, in seconds. */
const KEPT_SECONDS = 86_400;
/** How often a call waits for what another fetches of a counter it needs, before it debits what it needs itself. */
const MAX_WAITS = 4;
/** How often a debit that found a counter used up looks again for a lease another call has brought meanwhile. */
const MAX_TRIES = 3;

/** Makes the ledger of one process. Several may share a database: each debits what it spends beforehand, so that
 *  together they never exceed a limit. What a process had debited and not spent when it was killed stays spent. */
export function createLedger({ store, clock, onMarks }: LedgerDeps): Ledger {
  const leases = createLeases(MAX_LEASES, clock.monotonic);
  const corrections = createCorrections(store.giveBack);
  const underWay = new Set<Promise<unknown>>();
  const isSteady = createSteadiness(clock);
  let closed = false;
  const marks = createMarks();
  const book: Book = { leases, corrections, marks, endings: createEndings(), isClosed: () => closed };
  const debiting = { store, onMarks: onMarks ?? (async () => undefined) };

  const holdUnits = async (
    capability: VerifiedCapability,
    cost: CallCost,
    budgets: readonly BudgetTake[],
  ): Promise<Hold | undefined> => {
    const needs = needsOf(capability, cost, budgets, clock.now());
    const [root = '', branch] = capability.links.map(({ lid }) => lid);
    let waits = 0;
    for (let tries = 1; needs.length > 0; ) {
      const found = await holdOnce(debiting, book, needs, { root, branch, mayWait: waits < MAX_WAITS });
      if (found === 'held') break;
      if (found === 'waited') waits += 1;
      else if (tries >= MAX_TRIES || !(await isWorthAnotherTry(book, found)))
        throw refusalOf(found.need, capability, clock.now());
      else tries += 1;
    }
    const held = needs.filter(isHeld);
    const known = marks.of(needs);
    return held.length + known.length === 0 ? undefined : createHold(book, held, known);
  };
  const hold: Ledger['hold'] = (capability, cost = {}, budgets = []) => {
    if (closed) return Promise.reject(new TrustError('UNAVAILABLE', 'the ledger is closing'));
    const held = holdUnits(capability, cost, budgets).finally(() => underWay.delete(held));
    underWay.add(held);
    return held;
  };
  const giveBack = (rests: readonly Rest[]): Promise<void> => {
    for (const rest of rests) corrections.add(rest);
    return corrections.write();
  };
  return {
    hold,
    leased: leases.totals,
    tidy: async () => {
      await giveBack(leases.drain(clock.now(), clock.monotonic(), IDLE_MS));
      if (!isSteady()) return;
      await store.forgetRates(seconds(clock) - KEPT_SECONDS);
      await store.forgetPeriods(monthBefore(clock.now()));
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

interface HoldRequest {
  /** `lid` of the first link and of the second. */
  readonly root: string;
  readonly branch: string | undefined;
  /** True if it may wait for what another call fetches. */
  readonly mayWait: boolean;
}

/** Takes what it can from leases and debits the rest in one transaction. Gives the first need that not enough is left
 *  for; then, and where it has waited for another's fetch, nothing was taken. */
async function holdOnce(
  { store, onMarks }: Pick<Required<LedgerDeps>, 'store' | 'onMarks'>,
  { leases, marks }: Book,
  needs: readonly Need[],
  { root, branch, mayWait }: HoldRequest,
): Promise<Lack | 'held' | 'waited'> {
  const missing: Need[] = [];
  const leased = needs.filter((need) => leases.take(need, need.amount) || !missing.push(need));
  if (missing.length === 0) return 'held';
  const giveUp = (): void => {
    for (const need of leased) leases.putBack(need, need.amount);
  };
  const fetch = mayWait ? missing.map(leases.fetchOf).find((one) => one !== undefined) : undefined;
  if (fetch !== undefined) {
    giveUp();
    await fetch;
    return 'waited';
  }
  const fetching = missing.filter(leases.mayFetch);
  const debits = missing.map((need) => ({
    ...need,
    largest: fetching.includes(need) ? largestOf(need) : need.amount,
    branch: 'limit' in need.of && need.of.limit.link > 1 ? branch : undefined,
  }));
  let passed: readonly BudgetMark[] = [];
  const onUsed = async (tx: Queries, used: readonly number[]): Promise<void> => {
    passed = marks.changed(missing, used);
    if (passed.length === 0) return;
    const isNew = await markCounters(
      tx,
      passed.map(({ take, percent }) => ({ ...take, percent })),
    );
    const fresh = passed.filter((_, index) => isNew[index]);
    if (fresh.length > 0) await onMarks(tx, fresh);
  };
  const debited = store.debit({ root, debits, maxRows: MAX_COUNTERS, onUsed }).then((outcome) => {
    if ('crowded' in outcome) throw crowded();
    if ('exhausted' in outcome) return { need: missing[outcome.exhausted] as Need, left: outcome.left };
    for (const [index, need] of missing.entries())
      if (fetching.includes(need)) leases.add(need, (outcome.taken[index] ?? need.amount) - need.amount);
    marks.remember(passed);
    return 'held' as const;
  });
  for (const need of fetching) leases.fetching(need, debited);
  try {
    const outcome = await debited;
    if (outcome !== 'held') giveUp();
    return outcome;
  } catch (error) {
    giveUp();
    throw error;
  }
}

/** A need that not enough is left for, and what is. */
interface Lack {
  readonly need: Need;
  readonly left: number;
}

/** A call that has ended may be about to give back what is missing: whoever had its answer may come again before it is settled. Or
 *  another one may have brought a lease meanwhile. If ours has less than is needed, what it has may suffice with
 *  what is left in the counter; else it stays where it is, for calls that need less. */
async function isWorthAnotherTry(
  { leases, corrections, endings }: Book,
  { need, left }: Lack,
): Promise<boolean> {
  if (leases.has(need, need.amount)) return true;
  const ending = endings.waitFor(need, need.amount - left);
  if (ending !== undefined) {
    await ending;
    return true;
  }
  if (!leases.has(need, need.amount - left)) return false;
  const rests = leases.takeOut(need);
  for (const rest of rests) corrections.add(rest);
  await corrections.write();
  return rests.length > 0;
}

function crowded(): TrustError {
  return new TrustError('POLICY_DENIED', 'too many links with limits under one root', {
    link: 1,
    hint: 'Ask for a new root, or delegate without limits of your own.',
  });
}
