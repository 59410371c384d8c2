import type { Redis } from '../../platform/redis/redis.js';
import type { Demand } from './rate-limits.js';
import { createRedisLimits } from './redis-limits.js';

/** A bucket that is full again, and a place that is free again, are keys that are gone. */
const DEMANDS: readonly Demand[] = [
  { kind: 'tokens', key: 'tokens', capacity: 1, perMinute: 1, amount: 1 },
  { kind: 'concurrent', key: 'places', capacity: 1, perMinute: 0, amount: 1 },
];

/** Counts as a call does, in counters of its own, and leaves none of them: what a server does not know, or may not do for us,
 *  shows here and not at the first call. `name` must be one that nobody else uses.
 *  @throws {TrustError} UNAVAILABLE */
export async function tryRedisLimits(redis: Redis, name: string): Promise<void> {
  const limits = createRedisLimits({ redis, platform: `trial ${name}`, leaseMs: 1_000 });
  await limits.take(name, DEMANDS);
  await limits.renew(name, DEMANDS);
  await limits.end(name, DEMANDS, -1);
}
