import { encodeBase64url, isTrustError, TrustError } from '@talosprotocol/protocol';
import { networkOf } from '../../platform/client-address.js';
import { hashSecret } from './secret-text.js';

/** Bounds how many credentials that do not count are looked up for one address: each look is a query. */
export interface Attempts {
  /** Looks a credential up, by `look`, which rejects with UNAUTHENTICATED if it does not count. One that counted before is
   *  looked up whatever else comes from its address. @throws {TrustError} RATE_LIMITED, and as `look` */
  look<T>(address: string, credential: string, look: () => Promise<T>): Promise<T>;
}

const PER_MINUTE = 60;
const MAX_ADDRESSES = 10_000;
const MAX_GOOD = 4_096;
const MINUTE_MS = 60_000;

export function createAttempts(monotonic: () => number): Attempts {
  /** By hash; a credential itself is kept nowhere. */
  const good = new Set<string>();
  const underWay = new Map<string, Promise<unknown>>();
  const failures = createFailures(monotonic);
  const remember = (name: string): void => {
    const [oldest] = good.size >= MAX_GOOD ? good : [];
    if (oldest !== undefined) good.delete(oldest);
    good.add(name);
  };
  const tryOnce = async <T>(address: string, name: string, look: () => Promise<T>): Promise<T> => {
    const undo = failures.count(networkOf(address));
    try {
      const found = await look();
      undo();
      remember(name);
      return found;
    } catch (error) {
      // What nobody could tell is no failure of the caller.
      if (!isTrustError(error) || error.code !== 'UNAUTHENTICATED') undo();
      throw error;
    }
  };
  const begin = <T>(address: string, name: string, look: () => Promise<T>): Promise<T> => {
    const trying = tryOnce(address, name, look).finally(() => {
      if (underWay.get(name) === trying) underWay.delete(name);
    });
    underWay.set(name, trying);
    return trying;
  };
  return {
    look: async (address, credential, look) => {
      const name = encodeBase64url(hashSecret(credential));
      if (good.has(name)) return look();
      // Many requests with a new key may come at once: the first one tells whether it counts.
      const first = underWay.get(name);
      if (first !== undefined) await first.catch(() => undefined);
      return good.has(name) ? look() : begin(address, name, look);
    },
  };
}

/** Failures of this minute by address. */
function createFailures(monotonic: () => number) {
  let minute = -1;
  let counts = new Map<string, number>();
  return {
    /** Counts one more until it is undone. @throws {TrustError} RATE_LIMITED */
    count: (address: string): (() => void) => {
      const now = Math.floor(monotonic() / MINUTE_MS);
      if (now !== minute) counts = new Map();
      minute = now;
      const current = counts;
      // Addresses beyond the bound are counted as one.
      const place = current.has(address) || current.size < MAX_ADDRESSES ? address : '';
      const count = current.get(place) ?? 0;
      if (count >= PER_MINUTE) throw tooMany();
      current.set(place, count + 1);
      return () => void current.set(place, (current.get(place) ?? 1) - 1);
    },
  };
}

const tooMany = (): TrustError =>
  new TrustError('RATE_LIMITED', 'too many credentials from this address do not count', {
    hint: 'try again in a minute, with a credential that counts',
  });
