import { isPeriodOpen, type Period } from './period.js';

/** Units that were debited from a counter and may be spent in memory. */
interface Lease {
  readonly key: LeaseKey;
  units: number;
  /** Most units that are kept of what calls did not spend: what the last fetch brought beyond its need. */
  keep: number;
  /** Monotonic milliseconds of the last use. */
  used: number;
}

/** A counter and a period, and the limit that its units were debited under: under another one they are not spent. */
export interface LeaseKey extends Period {
  readonly counter: string;
  readonly allowed: number;
}

/** A counter in one of its periods. */
export interface CounterPeriod extends Period {
  readonly counter: string;
}

/** Units of a counter that were debited and not spent; of a negative number, spent and not debited. */
export interface Rest extends Period {
  readonly counter: string;
  readonly units: number;
}

/** The leases of one process. All calls are synchronous, so that a unit is spent once. */
export interface Leases {
  /** Spends so many units; false, and none is spent, if there are fewer. */
  take(key: LeaseKey, units: number): boolean;
  /** Spends at most so many units: how many there were. */
  takeUpTo(key: LeaseKey, units: number): number;
  /** Keeps what a fetch brought beyond its need. */
  add(key: LeaseKey, units: number): void;
  /** Takes back what was taken a moment ago. */
  putBack(key: LeaseKey, units: number): void;
  /** Takes back what a call did not spend: how many units are too many to keep. */
  restore(key: LeaseKey, units: number): number;
  /** True if there are so many units to take. */
  has(key: LeaseKey, units: number): boolean;
  /** Units there are of each of these, whatever the limit they were debited under. */
  totals(counters: readonly CounterPeriod[]): readonly number[];
  /** Settles when the fetch that is under way for this counter ends, and never rejects. */
  fetchOf(key: LeaseKey): Promise<void> | undefined;
  /** True if more than is needed may be fetched for this counter: there is room for another lease, and nobody else
   *  fetches one, so that a process that is killed leaves one lease of each counter, however many calls ran. */
  mayFetch(key: LeaseKey): boolean;
  /** Tells of a fetch that began. */
  fetching(key: LeaseKey, fetch: Promise<unknown>): void;
  /** Takes out all there is of one counter. */
  takeOut(key: LeaseKey): readonly Rest[];
  /** Takes out what nobody used for `idleMs`, or everything without it. Leases of a past period are dropped:
   *  what is left of them can be spent by nobody. */
  drain(nowMs: number, monotonic: number, idleMs?: number): readonly Rest[];
}

/** Makes an empty set of leases, at most `capacity` of them. */
export function createLeases(capacity: number, monotonic: () => number): Leases {
  const leases = new Map<string, Lease>();
  const fetches = new Map<string, Promise<void>>();
  const unitsOf = (key: LeaseKey): number => leases.get(nameOf(key))?.units ?? 0;
  const takeUpTo: Leases['takeUpTo'] = (key, most) => {
    const lease = leases.get(nameOf(key));
    if (lease === undefined) return 0;
    const units = Math.min(most, lease.units);
    lease.units -= units;
    lease.used = monotonic();
    return units;
  };
  return {
    take: (key, units) => unitsOf(key) >= units && takeUpTo(key, units) === units,
    takeUpTo,
    has: (key, units) => unitsOf(key) >= units,
    add: ({ counter, period, ends, allowed }, units) => {
      const key = { counter, period, ends, allowed };
      const lease = leases.get(nameOf(key));
      if (lease !== undefined) {
        lease.units += units;
        lease.keep = units;
      } else if (units > 0) leases.set(nameOf(key), { key, units, keep: units, used: monotonic() });
    },
    putBack: ({ counter, period, ends, allowed }, units) => {
      const key = { counter, period, ends, allowed };
      const lease = leases.get(nameOf(key));
      if (lease === undefined) leases.set(nameOf(key), { key, units, keep: 0, used: monotonic() });
      else lease.units += units;
    },
    restore: (key, units) => {
      const lease = leases.get(nameOf(key));
      if (lease === undefined) return units;
      const kept = Math.max(0, Math.min(units, lease.keep - lease.units));
      lease.units += kept;
      return units - kept;
    },
    totals: (counters) => totalsIn([...leases.values()], counters),
    fetchOf: (key) => fetches.get(nameOf(key)),
    mayFetch: (key) => leases.size < capacity && !fetches.has(nameOf(key)),
    fetching: (key, fetch) => {
      const name = nameOf(key);
      const end = (): void => void fetches.delete(name);
      fetches.set(name, fetch.then(end, end));
    },
    takeOut: (key) => {
      const lease = leases.get(nameOf(key));
      leases.delete(nameOf(key));
      return lease === undefined ? [] : restsOf([lease]);
    },
    drain: (nowMs, at, idleMs) => {
      const idle = [...leases].filter(
        ([, { key, used }]) => idleMs === undefined || at - used >= idleMs || !isPeriodOpen(key, nowMs),
      );
      for (const [name] of idle) leases.delete(name);
      return restsOf(idle.map(([, lease]) => lease).filter(({ key }) => isPeriodOpen(key, nowMs)));
    },
  };
}

function nameOf({ counter, period, ends, allowed }: LeaseKey): string {
  return `${allowed} ${ends} ${period} ${counter}`;
}

function totalsIn(leases: readonly Lease[], counters: readonly CounterPeriod[]): readonly number[] {
  const name = ({ counter, period, ends }: CounterPeriod): string => `${ends} ${period} ${counter}`;
  const sums = new Map(counters.map((counter) => [name(counter), 0]));
  for (const { key, units } of leases) {
    const sum = sums.get(name(key));
    if (sum !== undefined) sums.set(name(key), sum + units);
  }
  return counters.map((counter) => sums.get(name(counter)) ?? 0);
}

function restsOf(leases: readonly Lease[]): readonly Rest[] {
  return leases
    .filter(({ units }) => units > 0)
    .map(({ key: { counter, period, ends }, units }) => ({ counter, period, ends, units }));
}
