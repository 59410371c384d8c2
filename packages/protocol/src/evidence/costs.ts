import type { Cost, DecisionEvent, OutcomeEvent } from '@talosprotocol/contracts';
import { limitsOf } from '../capability/limits.js';
import { modelCost } from '../capability/model-cost.js';
import type { VerifiedCapability } from '../capability/verified.js';
import { notProven } from './not-proven.js';
import { priceOf } from './price.js';

/** What calls came to in one currency, in micro-units. Decimal text: a sum may be greater than a number of JSON holds. */
export interface Spending {
  readonly currency: string;
  /** By their outcomes. */
  readonly spent: string;
  /** By the decisions of the range that have no outcome in it. */
  readonly held: string;
}

/** Sums up what calls cost. */
export interface Costs {
  hold(held: Cost | undefined): void;
  /** `held` is that of the outcome's decision, if that is in the range. Gives what of it was not spent.
   *  @throws {TrustError} PROOF_NOT_PROVEN: more than was held, or something else */
  settle(outcome: OutcomeEvent, held: HeldCost): number;
  totals(): Spending[];
}

/** What a decision held, and for what; null if the decision is not known. */
export type HeldCost = (Pick<DecisionEvent, 'surface'> & { readonly held: Cost | undefined }) | null;

const NOTHING = { amount: 0, currency: '' };

export function createCosts(): Costs {
  const sums = new Map<string, { spent: bigint; held: bigint }>();
  const sumOf = (currency: string): { spent: bigint; held: bigint } => {
    const sum = sums.get(currency) ?? { spent: 0n, held: 0n };
    sums.set(currency, sum);
    return sum;
  };
  return {
    hold: (held) => {
      if (held !== undefined) sumOf(held.currency).held += BigInt(held.amount);
    },
    settle: (outcome, decision) => {
      const { cost } = outcome;
      checkOutcomeForm(outcome, decision);
      const price = priceOf(outcome);
      if (price !== undefined) sumOf(price.currency).spent += BigInt(price.amount);
      if (decision === null) return 0;
      const { held = NOTHING } = decision;
      const amount = cost?.amount ?? 0;
      if (held.amount > 0) sumOf(held.currency).held -= BigInt(held.amount);
      return held.amount - amount;
    },
    totals: () =>
      [...sums]
        .map(([currency, { spent, held }]) => ({ currency, spent: `${spent}`, held: `${held}` }))
        .sort((a, b) => (a.currency < b.currency ? -1 : 1)),
  };
}

/** What of an outcome is looked at beside its decision. */
type OutcomeForm = Pick<OutcomeEvent, 'cost' | 'excess' | 'usage' | 'rates' | 'status'>;

/** Checks what an outcome says of its cost (AUD-22, AUD-126): by itself, and beside its decision if that is known. No bundle with
 *  one that fails here is ever proven, so a log takes none.
 *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED: more than a number of JSON holds */
export function checkOutcomeForm(outcome: OutcomeForm, decision: HeldCost): void {
  checkModelCost(outcome);
  if (decision === null) return;
  checkSurface(outcome, decision.surface);
  checkHeld(outcome, decision.held ?? NOTHING);
}

function checkHeld({ cost, excess, status }: OutcomeForm, held: Cost | typeof NOTHING): void {
  const { amount, currency } = cost ?? { amount: 0, currency: held.currency };
  if (currency !== held.currency || amount > held.amount)
    throw notProven('cost', 'a call came to more than its decision held, or to money of another currency');
  if (amount === held.amount) return;
  if (status === 'lost') throw notProven('cost', 'of a call whose outcome was lost what was held is spent');
  if (excess !== undefined)
    throw notProven('cost', 'a call came to more than was held, and was not booked as high as that');
}

/** What a call of a model cost follows from its tokens and their rates (AUD-126). What goes beyond what was held stands
 *  apart, so that both together are the price.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
function checkModelCost({ cost, excess, usage, rates }: OutcomeForm): void {
  if (rates === undefined || usage === undefined) {
    if (excess !== undefined || rates !== undefined)
      throw notProven('cost', 'a call has rates or an excess without the tokens they follow from');
    if (usage !== undefined && cost !== undefined)
      throw notProven('cost', 'a call has tokens and a cost without the rates that it follows from');
    return;
  }
  const { input, cache_read = 0, cache_write = 0 } = usage;
  if (cache_read + cache_write > input) throw notProven('cost', 'a call read more from a cache than it read');
  const isOf = [cost, excess].every((one) => one === undefined || one.currency === rates.currency);
  const booked = (cost?.amount ?? 0) + (excess?.amount ?? 0);
  if (!isOf || booked !== modelCost(usage, rates))
    throw notProven('cost', 'the cost of a call does not follow from its tokens and their rates');
}

/** Of a model that answered its provider counted the tokens, or they were estimated: what it cost is nobody's word alone. A call
 *  that did not come so far is booked as what it held. A tool has no tokens, with which it could come to more than its price.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
function checkSurface({ cost, usage, status }: OutcomeForm, surface: DecisionEvent['surface']): void {
  if (surface !== 'llm') {
    if (usage !== undefined) throw notProven('cost', 'a call of a tool has the tokens of a model');
  } else if (status === 'completed' && cost !== undefined && usage === undefined)
    throw notProven('cost', 'a call of a model was completed, and its cost follows from no tokens');
}

/** A limit that counts money of another currency cannot be enforced, so nothing that costs is allowed under it (CAP-3).
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkCurrency({ held }: DecisionEvent, capability: VerifiedCapability): void {
  if (held === undefined) return;
  const foreign = limitsOf(capability).find(
    ({ kind, currency }) => kind === 'cost' && currency !== held.currency,
  );
  if (foreign !== undefined)
    throw notProven(
      'limits',
      `a call that costs ${held.currency} was allowed though link ${foreign.link} limits ${foreign.currency}`,
    );
}
