import { type LimitEntry, limitsOf, TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { createLeases, type Leases } from './leases.js';
import type { LedgerStore, Rest } from './ledger-store.js';
import { monthBefore, periodAt } from './period.js';

/** Counts calls against `limits.calls` (CAP-21). */
export interface Ledger {
  /** Takes one call from every limit of every link and the anchor, durably, before it resolves: all of them or none.
   *  @throws {TrustError} BUDGET_EXCEEDED with the link | POLICY_DENIED for a limit that is not counted here |
   *    UNAVAILABLE */
  hold(capability: VerifiedCapability): Promise<void>;
  /** Gives unused leases back and forgets past periods. Call it now and then. */
  tidy(): Promise<void>;
  /** Refuses further holds and gives back what was debited and not spent. */
  close(): Promise<void>;
}

export interface LedgerDeps {
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** One unit that a call needs. */
interface Need extends LimitEntry {
  readonly calls: number;
  readonly counter: string;
  readonly period: string;
}

const MAX_LEASES = 10_000;
const LARGEST_LEASE = 256;
const MAX_COUNTERS_OF_ROOT = 10_000;
const IDLE_MS = 60_000;
/** How often a debit that found a counter used up looks again for a lease another call has brought meanwhile. */
const MAX_TRIES = 3;

/** Makes the ledger of one process. Several may share a database: each debits what it spends beforehand, so that
 *  together they never exceed a limit. What a process had debited and not spent when it was killed stays spent. */
export function createLedger(deps: LedgerDeps): Ledger {
  const leases = createLeases(MAX_LEASES, deps.clock.monotonic);
  const underWay = new Set<Promise<void>>();
  let closed = false;

  const holdUnits = async (capability: VerifiedCapability): Promise<void> => {
    const needs = needsOf(capability, deps.clock.now());
    for (let tries = 1; needs.length > 0; tries += 1) {
      const missing = await holdOnce(deps.store, leases, needs, capability.links[0]?.lid ?? '');
      if (missing === undefined) return;
      if (tries >= MAX_TRIES || !leases.has(missing)) throw exceeded(missing, capability);
    }
  };
  const hold = (capability: VerifiedCapability): Promise<void> => {
    if (closed) return Promise.reject(new TrustError('UNAVAILABLE', 'the ledger is closing'));
    const held = holdUnits(capability).finally(() => underWay.delete(held));
    underWay.add(held);
    return held;
  };
  const giveBack = async (rests: readonly Rest[]): Promise<void> => {
    if (rests.length > 0) await deps.store.giveBack(rests);
  };
  return {
    hold,
    tidy: async () => {
      const { clock, store } = deps;
      await giveBack(leases.drain(clock.now(), clock.monotonic(), IDLE_MS));
      await store.forgetBefore(monthBefore(clock.now()));
    },
    close: async () => {
      closed = true;
      await Promise.allSettled(underWay);
      await giveBack(leases.drain(deps.clock.now(), deps.clock.monotonic()));
    },
  };
}

function needsOf(capability: VerifiedCapability, nowMs: number): readonly Need[] {
  return limitsOf(capability).map((entry) => {
    const [kind] = entry.unenforceable;
    if (kind !== undefined) throw uncounted(entry.link, kind);
    if (entry.calls === undefined) throw uncounted(entry.link, 'unknown');
    return { ...entry, calls: entry.calls, counter: entry.key, period: periodAt(entry.per, nowMs) };
  });
}

/** Takes what it can from leases and debits the rest in one transaction. Gives the first need that nothing is left
 *  for; then nothing was taken. */
async function holdOnce(
  store: LedgerStore,
  leases: Leases,
  needs: readonly Need[],
  root: string,
): Promise<Need | undefined> {
  const leased = needs.filter((need) => leases.take(need));
  const missing = needs.filter((need) => !leased.includes(need));
  if (missing.length === 0) return undefined;
  const giveUp = (): void => {
    for (const need of leased) leases.add(need, 1);
  };
  try {
    const bounds = { largest: leases.hasRoom() ? LARGEST_LEASE : 1, maxRows: MAX_COUNTERS_OF_ROOT };
    const outcome = await store.debit(root, missing, bounds);
    if ('crowded' in outcome) throw crowded();
    if ('taken' in outcome) {
      for (const [index, need] of missing.entries()) leases.add(need, (outcome.taken[index] ?? 1) - 1);
      return undefined;
    }
    giveUp();
    return missing[outcome.exhausted[0] ?? 0];
  } catch (error) {
    giveUp();
    throw error;
  }
}

function exceeded({ link, per, calls }: Need, capability: VerifiedCapability): TrustError {
  const issuer = capability.links[link - 1]?.claims.iss;
  const who =
    issuer === undefined ? 'The operator of this gateway set this limit' : `${issuer} set this limit`;
  const until = per === 'total' ? 'for good' : `until the next ${per} (UTC) begins`;
  return new TrustError('BUDGET_EXCEEDED', `the ${calls} calls of link ${link} are used up`, {
    link,
    caveat: `calls ${calls} per ${per}`,
    hint: `${who}; it is used up ${until}. Ask for a link with a higher limit.`,
  });
}

function uncounted(link: number, kind: string): TrustError {
  return new TrustError(
    'POLICY_DENIED',
    `link ${link} has a limit of a kind this gateway does not count: ${kind}`,
    {
      link,
      caveat: `limit ${kind}`,
      hint: 'Ask for a link whose limits are calls only.',
    },
  );
}

function crowded(): TrustError {
  return new TrustError('POLICY_DENIED', 'too many links with limits under one root', {
    link: 1,
    hint: 'Ask for a new root, or delegate without limits of your own.',
  });
}
