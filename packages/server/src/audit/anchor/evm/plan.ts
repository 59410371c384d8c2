import type { Fees } from './fees.js';
import type { Hex } from './rpc-values.js';

/** One signed form of a transaction; of several with one nonce a chain takes one. */
export interface Attempt {
  readonly hash: Hex;
  readonly raw: Hex;
  readonly fees: Fees;
}

/** What is being sent. It is kept before it is sent: whatever ends the process, the same bytes are sent again, and no
 *  others beside them. */
export interface Plan {
  readonly purpose: 'register' | 'anchor';
  readonly nonce: number;
  readonly gas: bigint;
  /** The last one offers most. Never empty. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
}

/** As text for the database. */
export function formatPlan(plan: Plan): string {
  return JSON.stringify(plan, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** Reads what `formatPlan` wrote; undefined if there is no plan. */
export function parsePlan(state: string | undefined): Plan | undefined {
  if (state === undefined || state === NO_PLAN) return undefined;
  return JSON.parse(state, (_, value: unknown) =>
    typeof value === 'string' && /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Plan;
}

/** What is kept once a transaction came to nothing. */
export const NO_PLAN = '{}';

export function lastAttempt({ attempts }: Plan): Attempt {
  return attempts.at(-1) ?? attempts[0];
}
