/** What can be limited: requests and tokens in time, and calls at one time. */
export type RateKind = 'requests' | 'tokens' | 'concurrent';

/** What a call wants of one counter. */
export interface Demand {
  readonly kind: RateKind;
  /** Names the counter. */
  readonly key: string;
  /** Most that a full bucket holds, or calls at one time. */
  readonly capacity: number;
  /** What flows into a bucket; of no meaning for calls at one time. */
  readonly perMinute: number;
  /** What the call takes: 1 to `capacity`. */
  readonly amount: number;
}

/** What became of the demands of a call. */
export interface Taken {
  /** What is left in each counter, in their order, rounded down; of a call that was refused: what there was. */
  readonly left: readonly number[];
  /** What there was too little of, for the longest time; absent if everything was taken. */
  readonly missing?: { readonly index: number; readonly waitMs: number };
}

/** Counts what calls take: buckets that fill by themselves, and places that are given back. What nobody renews is given back
 *  by itself after a while, where several processes count together. Every method throws TrustError UNAVAILABLE when it
 *  cannot be asked. */
export interface RateLimits {
  /** How often leases must be renewed; absent if they end only with the process, or when they are given back. */
  readonly renewMs?: number;
  /** Takes everything or nothing, in one step. `lease` names the places, and must be new. */
  take(lease: string, demands: readonly Demand[]): Promise<Taken>;
  /** Keeps the places of a lease for another while. */
  renew(lease: string, demands: readonly Demand[]): Promise<void>;
  /** Gives the places of a lease back, and corrects each bucket of tokens by what was used more (or less, below 0) than was
   *  taken: never above its capacity, never below nothing. */
  end(lease: string, demands: readonly Demand[], moreTokens: number): Promise<void>;
}

const MINUTE_MS = 60_000;

/** How long until `amount` has flowed into a bucket, in whole milliseconds. */
export function msToFlow(amount: number, perMinute: number): number {
  return Math.max(0, Math.ceil((amount * MINUTE_MS) / perMinute));
}

/** For a place nobody knows when it is given back: the next look is worth while then. */
export const PLACE_WAIT_MS = 1_000;
