import { type Demand, msToFlow, PLACE_WAIT_MS, type RateLimits, type Taken } from './rate-limits.js';

interface Bucket {
  level: number;
  at: number;
}

/** Counters that are remembered: the one used longest ago is forgotten first, and is full when it is seen again. Whoever
 *  can use as many names gets no more than one burst for each. */
const MAX_COUNTERS = 100_000;
const MINUTE_MS = 60_000;
/** What a sum of fractions may lack of a whole. */
const DUST = 1e-6;

/** Counts in this process, for a platform that is one. */
export function createMemoryLimits(monotonic: () => number): RateLimits {
  const buckets = createShelf<Bucket>(MAX_COUNTERS);
  // Bounded by the calls that may run: none of them is ever forgotten.
  const places = new Map<string, Set<string>>();
  const levelOf = ({ key, capacity, perMinute }: Demand, now: number): number => {
    const bucket = buckets.get(key);
    if (bucket === undefined) return capacity;
    const flowed = (Math.max(0, now - bucket.at) * perMinute) / MINUTE_MS;
    return Math.min(capacity, bucket.level + flowed);
  };
  const leftOf = (demand: Demand, now: number): number =>
    demand.kind === 'concurrent'
      ? demand.capacity - (places.get(demand.key)?.size ?? 0)
      : levelOf(demand, now);
  const set = (demand: Demand, level: number, now: number): void => {
    if (level >= demand.capacity) buckets.delete(demand.key);
    else buckets.set(demand.key, { level, at: now });
  };
  return {
    async take(lease, demands) {
      const now = monotonic();
      const found = demands.map((demand) => leftOf(demand, now));
      const missing = missingIn(demands, found);
      if (missing !== undefined) return { left: found.map(Math.floor), missing };
      const left = demands.map((demand, index) => {
        const rest = Math.max(0, (found[index] ?? 0) - demand.amount);
        if (demand.kind === 'concurrent') addTo(places, demand.key, lease);
        else set(demand, rest, now);
        return Math.floor(rest + DUST);
      });
      return { left };
    },
    renew: async () => undefined,
    async end(lease, demands, moreTokens) {
      const now = monotonic();
      for (const demand of demands) {
        if (demand.kind === 'concurrent') removeFrom(places, demand.key, lease);
        if (demand.kind !== 'tokens' || moreTokens === 0) continue;
        set(demand, Math.max(0, levelOf(demand, now) - moreTokens), now);
      }
    },
  };
}

function missingIn(demands: readonly Demand[], found: readonly number[]): Taken['missing'] {
  let missing: Taken['missing'];
  for (const [index, { kind, amount, perMinute }] of demands.entries()) {
    const lacking = amount - (found[index] ?? 0);
    if (lacking <= DUST) continue;
    const waitMs = kind === 'concurrent' ? PLACE_WAIT_MS : msToFlow(lacking, perMinute);
    if (missing === undefined || waitMs > missing.waitMs) missing = { index, waitMs };
  }
  return missing;
}

function addTo(places: Map<string, Set<string>>, key: string, lease: string): void {
  const held = places.get(key);
  if (held === undefined) places.set(key, new Set([lease]));
  else held.add(lease);
}

function removeFrom(places: Map<string, Set<string>>, key: string, lease: string): void {
  const held = places.get(key);
  if (held?.delete(lease) && held.size === 0) places.delete(key);
}

/** A map with room for so many: what was written longest ago makes room. */
function createShelf<T>(max: number) {
  const items = new Map<string, T>();
  return {
    get: (key: string): T | undefined => items.get(key),
    delete: (key: string): boolean => items.delete(key),
    set(key: string, item: T): void {
      if (!items.delete(key) && items.size >= max) {
        const [oldest] = items.keys();
        if (oldest !== undefined) items.delete(oldest);
      }
      items.set(key, item);
    },
  };
}
