import { createHash } from 'node:crypto';
import type { Redis, RedisScript } from '../../platform/redis/redis.js';
import type { Demand, RateLimits, Taken } from './rate-limits.js';
import { END, RENEW, TAKE } from './redis-scripts.js';

export interface RedisLimitsDeps {
  readonly redis: Redis;
  /** What tells this platform from others in the same Redis: the DID of its gateway. */
  readonly platform: string;
  /** How long a place stays taken that nobody renews; 30 s by default. */
  readonly leaseMs?: number;
}

const LEASE_MS = 30_000;

/** Counts in a Redis, for all processes that share it. One round trip for all that a call takes. */
export function createRedisLimits({ redis, platform, leaseMs = LEASE_MS }: RedisLimitsDeps): RateLimits {
  const keyOf = createKeys(platform);
  // A place must not be given back after it was asked for again, because only then its script was known.
  redis.prepare([TAKE, RENEW, END]);
  const run = (script: RedisScript, lease: string, demands: readonly Demand[], more?: number) => {
    const args = demands.flatMap(({ kind, capacity, perMinute, amount }) => [
      kind,
      capacity,
      perMinute,
      more ?? amount,
    ]);
    return redis.run(script, demands.map(keyOf), [lease, leaseMs, ...args]);
  };
  return {
    // Two may be lost before a place is.
    renewMs: leaseMs / 3,
    take: async (lease, demands) => readTaken(await run(TAKE, lease, demands)),
    async renew(lease, demands) {
      const places = demands.filter(isPlace);
      if (places.length > 0) await run(RENEW, lease, places);
    },
    async end(lease, demands, moreTokens) {
      const changed = demands.filter(
        (demand) => isPlace(demand) || (demand.kind === 'tokens' && moreTokens !== 0),
      );
      if (changed.length > 0) await run(END, lease, changed, moreTokens);
    },
  };
}

const isPlace = ({ kind }: Demand): boolean => kind === 'concurrent';

/** One hash tag for all keys of a platform, so that a Redis Cluster keeps them in one slot, where one script may see them
 *  all. What names a counter may be long, and somebody's address: it is hashed. */
function createKeys(platform: string): (demand: Demand) => string {
  const tag = hashOf(platform);
  return ({ key }) => `talos:{${tag}}:rate:${hashOf(key)}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function readTaken(answer: unknown): Taken {
  const [index = 0, waitMs = 0, ...left] = answer as number[];
  return index === 0 ? { left } : { left, missing: { index: index - 1, waitMs } };
}
