import { type CallCost, type LimitTake, takesOf, type VerifiedCapability } from '@talosprotocol/protocol';
import { type Period, periodAt } from './period.js';

/** What a call needs of one counter. */
export interface Need extends LimitTake, Period {
  readonly counter: string;
}

/** A need of money or tokens. */
export interface HeldNeed extends Need {
  readonly kind: 'cost' | 'tokens';
}

/** Calls are spent when they are dispatched, whatever they come to. */
export function isHeld(need: Need): need is HeldNeed {
  return need.kind === 'cost' || need.kind === 'tokens';
}

/** What a call at `nowMs` needs of each counter.
 *  @throws {TrustError} POLICY_DENIED: money in a currency that a limit does not count */
export function needsOf(capability: VerifiedCapability, cost: CallCost, nowMs: number): readonly Need[] {
  return takesOf(capability, cost).map((take) => ({
    ...take,
    counter: counterOf(take),
    ...periodAt(take.per, nowMs),
  }));
}

/** Neither a `lid` nor a DID holds a space. */
function counterOf({ key, kind, per, currency }: LimitTake): string {
  if (kind === 'calls') return key;
  return `${key} ${kind}${kind === 'cost' ? `:${currency}` : kind === 'rate' ? `:${per}` : ''}`;
}

/** Most calls that one lease is for; of money and tokens, calls like the one that fetches it. */
const LEASED_CALLS = { calls: 256, rate: 256, cost: 64, tokens: 64 } as const;

/** Most units that are fetched at a time. */
export function largestOf({ kind, amount }: Need): number {
  return Math.min(Number.MAX_SAFE_INTEGER, amount * LEASED_CALLS[kind]);
}
