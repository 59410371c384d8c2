import { isPeriodOpen, type Period } from './period.js';

/** Units that were debited from a counter and may be spent in memory. */
interface Lease {
  readonly key: LeaseKey;
  units: number;
  /** Monotonic milliseconds of the last use. */
  used: number;
}

/** A counter and a period. */
interface LeaseKey extends Period {
  readonly counter: string;
}

/** The leases of one process. All calls are synchronous, so that a unit is spent once. */
export interface Leases {
  /** Spends one unit; false if there is none. */
  take(key: LeaseKey): boolean;
  /** Keeps units to be spent later. */
  add(key: LeaseKey, units: number): void;
  /** True if there is a unit to take. */
  has(key: LeaseKey): boolean;
  /** True if more than single units may be debited from this counter now: there is room for another lease, and nobody
   *  else fetches one, so that a process that is killed leaves one lease of each counter, however many calls ran. Then
   *  `endFetch` must follow. */
  beginFetch(key: LeaseKey): boolean;
  endFetch(key: LeaseKey): void;
  /** Takes out what nobody used for `idleMs`, or everything without it. Leases of a past period are dropped:
   *  what is left of them can be spent by nobody. */
  drain(nowMs: number, monotonic: number, idleMs?: number): (LeaseKey & { readonly units: number })[];
}

/** Makes an empty set of leases, at most `capacity` of them. */
export function createLeases(capacity: number, monotonic: () => number): Leases {
  const leases = new Map<string, Lease>();
  const fetched = new Set<string>();
  const nameOf = ({ counter, period, ends }: LeaseKey): string => `${ends} ${period} ${counter}`;
  return {
    take: (key) => {
      const name = nameOf(key);
      const lease = leases.get(name);
      if (lease === undefined) return false;
      lease.units -= 1;
      lease.used = monotonic();
      if (lease.units === 0) leases.delete(name);
      return true;
    },
    add: ({ counter, period, ends }, units) => {
      if (units === 0) return;
      const key = { counter, period, ends };
      const lease = leases.get(nameOf(key));
      if (lease === undefined) leases.set(nameOf(key), { key, units, used: monotonic() });
      else lease.units += units;
    },
    has: (key) => leases.has(nameOf(key)),
    beginFetch: (key) => {
      const name = nameOf(key);
      if (leases.size >= capacity || fetched.has(name)) return false;
      fetched.add(name);
      return true;
    },
    endFetch: (key) => void fetched.delete(nameOf(key)),
    drain: (nowMs, at, idleMs) => {
      const idle = [...leases].filter(
        ([, { key, used }]) => idleMs === undefined || at - used >= idleMs || !isPeriodOpen(key, nowMs),
      );
      for (const [name] of idle) leases.delete(name);
      const open = idle.map(([, lease]) => lease).filter(({ key }) => isPeriodOpen(key, nowMs));
      return open.map(({ key, units }) => ({ ...key, units }));
    },
  };
}
