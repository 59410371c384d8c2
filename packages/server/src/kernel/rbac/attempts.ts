import { encodeBase64url, TrustError } from '@talosprotocol/protocol';
import { hashSecret } from './secret-text.js';

/** Bounds how many credentials that do not count are looked up for one address: each look is a query. */
export interface Attempts {
  /** To be called before a credential is looked up; the result says that it counts. One that counted before is looked
   *  up whatever else comes from its address. @throws {TrustError} RATE_LIMITED */
  begin(address: string, credential: string): () => void;
}

const PER_MINUTE = 60;
const MAX_ADDRESSES = 10_000;
const MAX_GOOD = 4_096;
const MINUTE_MS = 60_000;

export function createAttempts(monotonic: () => number): Attempts {
  /** By hash; a credential itself is kept nowhere. */
  const good = new Set<string>();
  let minute = -1;
  let failed = new Map<string, number>();
  return {
    begin: (address, credential) => {
      const name = encodeBase64url(hashSecret(credential));
      if (good.has(name)) return () => undefined;
      const now = Math.floor(monotonic() / MINUTE_MS);
      if (now !== minute) failed = new Map();
      minute = now;
      // Addresses beyond the bound are counted as one.
      const place = failed.has(address) || failed.size < MAX_ADDRESSES ? address : '';
      const count = failed.get(place) ?? 0;
      if (count >= PER_MINUTE) throw tooMany();
      const counts = failed;
      counts.set(place, count + 1);
      return () => {
        counts.set(place, (counts.get(place) ?? 1) - 1);
        const [oldest] = good.size >= MAX_GOOD ? good : [];
        if (oldest !== undefined) good.delete(oldest);
        good.add(name);
      };
    },
  };
}

const tooMany = (): TrustError =>
  new TrustError('RATE_LIMITED', 'too many credentials from this address do not count', {
    hint: 'try again in a minute, with a credential that counts',
  });
