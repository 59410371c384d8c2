import { TrustError } from '@talosprotocol/protocol';
import { networkOf } from '../../platform/client-address.js';
import type { RateLimiter } from './ports.js';

interface Bucket {
  tokens: number;
  at: number;
}

const MAX_ADDRESSES = 10_000;
const MINUTE_MS = 60_000;
/** A quarter of a minute's worth may come at once. */
const BURST = 0.25;

/** One token bucket per client address, of IPv6 per network. At most 10,000 are remembered, the least recently seen is forgotten first:
 *  whoever can use that many addresses gets no more than one burst from each. */
export function createRateLimiter(perMinute: () => number, monotonic: () => number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (address: string, capacity: number, now: number): Bucket => {
    const known = buckets.get(address);
    if (known !== undefined) {
      buckets.delete(address);
      buckets.set(address, known);
      return known;
    }
    const [oldest] = buckets.size >= MAX_ADDRESSES ? buckets.keys() : [];
    if (oldest !== undefined) buckets.delete(oldest);
    const fresh = { tokens: capacity, at: now };
    buckets.set(address, fresh);
    return fresh;
  };
  return {
    take(address) {
      const rate = perMinute();
      const capacity = Math.max(1, rate * BURST);
      const now = monotonic();
      const bucket = bucketOf(networkOf(address), capacity, now);
      bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.at) * rate) / MINUTE_MS);
      bucket.at = now;
      if (bucket.tokens < 1) {
        throw new TrustError('RATE_LIMITED', 'too many requests from this address', {
          hint: 'send fewer requests; the operator sets limits.perAddressPerMinute',
        });
      }
      bucket.tokens -= 1;
    },
  };
}
