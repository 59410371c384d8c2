import { modelCost } from '@talosprotocol/protocol';
import type { SpanAttributes } from '../../platform/telemetry/attributes.js';
import type { Ended, ModelSpent } from '../admission/ended.js';

/** What a call came to: of an alias, all the models that were asked. It stands on one span of a trace, so that whoever adds spans up
 *  counts nothing twice. */
export function spentAttributes(ends: readonly Ended[]): SpanAttributes {
  const all = ends.flatMap(({ spent }) => (spent === undefined || isNothing(spent) ? [] : [spent]));
  if (all.length === 0) return {};
  const sum = (of: (spent: ModelSpent) => number | undefined): number =>
    all.reduce((total, spent) => total + (of(spent) ?? 0), 0);
  const usage = {
    'gen_ai.usage.input_tokens': sum((spent) => spent.usage.input),
    'gen_ai.usage.output_tokens': sum((spent) => spent.usage.output),
    'gen_ai.usage.cache_read.input_tokens': sum((spent) => spent.usage.cache_read) || undefined,
    'gen_ai.usage.cache_write.input_tokens': sum((spent) => spent.usage.cache_write) || undefined,
    'talos.usage.estimated': all.some((spent) => spent.usage.estimated === true) || undefined,
  };
  const [currency, ...others] = new Set(all.map(({ rates }) => rates?.currency));
  // What is in two currencies, or has no known price, is no sum.
  if (currency === undefined || others.length > 0) return usage;
  const cost = sum((spent) => (spent.rates === undefined ? 0 : modelCost(spent.usage, spent.rates)));
  return { ...usage, 'talos.cost': cost, 'talos.currency': currency };
}

/** Of what reached no model. */
export function isNothing({ usage }: ModelSpent): boolean {
  return usage.input === 0 && usage.output === 0;
}
