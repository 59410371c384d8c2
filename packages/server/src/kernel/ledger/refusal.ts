import { type LimitTake, TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import { type BudgetTake, isHeld, type Need } from './need.js';

/** Says which limit of which link, or which budget, a call would exceed, and what would help. */
export function refusalOf(need: Need, capability: VerifiedCapability, nowMs: number): TrustError {
  return 'limit' in need.of
    ? limitRefusal(need, need.of.limit, capability, nowMs)
    : budgetRefusal(need, need.of.budget);
}

function limitRefusal(
  need: Need,
  limit: LimitTake,
  capability: VerifiedCapability,
  nowMs: number,
): TrustError {
  const { link, kind } = limit;
  const issuer = capability.links[link - 1]?.claims.iss;
  const who =
    issuer === undefined ? 'The operator of this gateway set this limit' : `${issuer} set this limit`;
  const caveat = caveatOf(limit);
  if (kind === 'rate') {
    const wait = Math.max(1, Math.ceil(need.ends - nowMs / 1000));
    const hint = `${who}. Try again in ${wait} s, or ask for a link with a higher rate.`;
    return new TrustError('RATE_LIMITED', `link ${link} allows no more calls now`, { link, caveat, hint });
  }
  const until = limit.per === 'total' ? 'for good' : `until the next ${limit.per} (UTC) begins`;
  return new TrustError('BUDGET_EXCEEDED', `the ${kind} of link ${link} do not suffice`, {
    link,
    caveat,
    hint: `${who}; ${lackOf(need, limit.currency, until)} link with a higher limit.`,
  });
}

/** Whom it is counted for is not told: the budget may be others' too. */
function budgetRefusal(need: Need, take: BudgetTake): TrustError {
  const { budget, per, zone } = take;
  const until = per === 'total' ? 'for good' : `until the next ${per} (${zone}) begins`;
  return new TrustError('BUDGET_EXCEEDED', `the budget ${budget} does not suffice`, {
    caveat: `budget ${budget}: ${caveatOf(take)}`,
    hint: `The operator of this gateway set this budget; ${lackOf(need, take.currency, until)} higher budget.`,
  });
}

/** What is missing, and what helps. Calls are spent; of money and tokens a call holds the most that it may come to, and gives the
 *  rest back: what is refused now may fit in a moment. */
function lackOf(need: Need, currency: string | undefined, until: string): string {
  if (!isHeld(need)) return `it is used up ${until}. Ask for a`;
  const unit = need.kind === 'cost' ? `${currency} micro-units` : 'tokens';
  return `the call may come to ${need.amount} ${unit}, and less is left ${until}, but for what calls under way give back. Ask for less in the call, or for a`;
}

/** The limit as people read it. */
function caveatOf({
  kind,
  per,
  allowed,
  currency,
}: Pick<LimitTake, 'kind' | 'per' | 'allowed'> & { readonly currency?: string }): string {
  if (kind === 'rate') return `rate ${allowed} per ${per} s`;
  return `${kind} ${allowed}${kind === 'cost' ? ` ${currency} micro-units` : ''} per ${per}`;
}
