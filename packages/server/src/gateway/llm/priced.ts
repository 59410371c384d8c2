import { type LimitEntry, limitsOf, TrustError } from '@talosprotocol/protocol';
import type { BudgetPolicy } from '../budgets/budget.js';
import { isClientTool } from './client-tools.js';
import { notPassed } from './members.js';
import type { ModelCallContext, Plan } from './plan.js';

/** Who counts what a call comes to: the first limit of a link, and the first budget of the operator, of a kind. */
interface Counting {
  readonly limit: LimitEntry | undefined;
  readonly budget: BudgetPolicy | undefined;
}

/** What nobody knows the price or the size of is not done on a budget (LLM-7).
 *  @throws {TrustError} POLICY_DENIED, with the link whose limit it is */
export function assertPriced({ request, caller, prices }: ModelCallContext, plan: Plan): void {
  if (request.dialect.op === 'read') return;
  const limits = limitsOf(caller.capability);
  const metered: Counting = {
    limit: limits.find(({ kind }) => kind === 'cost' || kind === 'tokens'),
    budget: plan.metering[0],
  };
  const paid: Counting = {
    limit: limits.find(({ kind }) => kind === 'cost'),
    budget: plan.metering.find(({ currency }) => currency !== undefined),
  };
  assertNoHostedTool(plan, metered);
  if (plan.isBoundless) assertBounded(plan, metered);
  if (paid.limit === undefined && paid.budget === undefined) return;
  const { provider, model } = plan.target;
  if (plan.shape.documents > 0 && prices.paysByPage(provider))
    throw notPassed(
      'a document',
      'its provider may charge for its pages, and costs are limited. Send it as text',
    );
  if (prices.ratesOf(provider, model, plan.input, plan.at) === undefined) throw unpriced(plan, paid);
  if (plan.shape.cache === 'long')
    throw notPassed('cache_control.ttl', 'what is kept for long has no price here, and costs are limited');
}

/** What a hosted tool finds is read by the model, as much as it finds. */
function assertNoHostedTool({ shape }: Plan, { limit, budget }: Counting): void {
  const feature = shape.features.find((one) => one !== 'fetch' && !isClientTool(one));
  if (feature === undefined) return;
  const who =
    limit === undefined
      ? budget && `the budget ${budget.name} counts`
      : `link ${limit.link} limits ${limit.kind}`;
  if (who !== undefined) throw notPassed(feature, `${who}, and nobody knows what it comes to`);
}

/** A document may say as much as its model takes, of which somebody has to know how much it is. */
function assertBounded({ target: { provider, model } }: Plan, { limit, budget }: Counting): void {
  const who =
    limit === undefined
      ? budget && `The budget ${budget.name} counts`
      : `Link ${limit.link} limits ${limit.kind}`;
  if (who === undefined) return;
  throw new TrustError('POLICY_DENIED', 'nobody knows how much of a document the model reads', {
    ...(limit && { link: limit.link }),
    caveat: 'a document',
    hint: `${who}, and nobody knows how much ${provider.name}/${model} takes at once. Send the document as text, or ask a model of which it is known: the operator can say it (\`window\` of the model).`,
  });
}

function unpriced({ target: { provider, model } }: Plan, { limit, budget }: Counting): TrustError {
  const who = limit === undefined ? `The budget ${budget?.name}` : `Link ${limit.link}`;
  return new TrustError('POLICY_DENIED', 'nobody knows what the model costs', {
    ...(limit && { link: limit.link }),
    caveat: `cost in ${(limit ?? budget)?.currency}`,
    hint: `${who} limits costs, and ${provider.name}/${model} has no price: the operator can state its rates.`,
  });
}
