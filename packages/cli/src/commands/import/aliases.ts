import { type AliasTarget, createChecker, ModelAlias } from '@talosprotocol/contracts';
import { isObject, type Json, type Leftovers } from './leftovers.js';

/** The deployments of one name, as they stand in the file. */
export interface Group {
  readonly entries: readonly Json[];
  readonly targets: readonly AliasTarget[];
}

const checkAlias = createChecker(ModelAlias);
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** An alias for each name: its deployments, and what is asked after them. */
export function aliasesOf(
  groups: ReadonlyMap<string, Group>,
  document: Json,
  left: Leftovers,
): ReadonlyMap<string, ModelAlias> {
  const isLatency = latencyOf(document['router_settings'], left);
  const after = fallbacksOf(groups, document, left);
  const aliases = new Map<string, ModelAlias>();
  for (const [name, group] of groups) {
    const more = (after.get(name) ?? []).flatMap((other) => groups.get(other)?.targets ?? []);
    const alias = aliasOf(group, more, isLatency, left);
    const wrong = NAME.test(name) ? checkAlias(alias) : 'its name';
    if (wrong === undefined) aliases.set(name, alias);
    else
      for (const entry of group.entries)
        left.leave(entry, 'model_name', `cannot be an alias here (${wrong}): ask for the model by its name`);
  }
  return aliases;
}

function latencyOf(router: unknown, left: Leftovers): boolean {
  if (!isObject(router) || !Object.hasOwn(router, 'routing_strategy')) return false;
  const { routing_strategy: strategy } = router;
  const isLatency = strategy === 'latency-based-routing';
  if (isLatency || strategy === 'simple-shuffle') left.take(router, 'routing_strategy');
  else
    left.leave(
      router,
      'routing_strategy',
      'models of a name are drawn by weight here, or by latency, or asked in order: talos llm alias --choose',
    );
  return isLatency;
}

/** Of several deployments of one name LiteLLM draws one; those that follow on failure come after all of them, which only an
 *  order can say. */
function aliasOf(
  group: Group,
  more: readonly AliasTarget[],
  isLatency: boolean,
  left: Leftovers,
): ModelAlias {
  const first = distinct(group.targets);
  const others = distinct([...first, ...more]).slice(first.length);
  const isDrawn = first.length > 1 && others.length === 0;
  const weights = weightsOf(group, isDrawn && !isLatency, left);
  if (!isDrawn) {
    if (first.length > 1)
      left.add(
        `the model_name ${String(group.entries[0]?.['model_name'])}: has fallbacks, so that its deployments are asked in order and not drawn`,
      );
    return { models: [...first, ...others] };
  }
  if (isLatency) return { models: first, choose: 'latency' };
  const weighted = first.map((target) => ({ ...target, ...weights.get(target.model) }));
  return { models: weighted, choose: 'weight' };
}

const distinct = (targets: readonly AliasTarget[]): AliasTarget[] =>
  targets.filter(({ model }, index) => targets.findIndex((other) => other.model === model) === index);

/** By model; of one that is there twice the first. */
function weightsOf(
  { entries, targets }: Group,
  isDrawn: boolean,
  left: Leftovers,
): ReadonlyMap<string, Pick<AliasTarget, 'weight'>> {
  const weights = new Map<string, { weight: number }>();
  for (const [index, { model }] of targets.entries()) {
    const params = entries[index]?.['litellm_params'];
    if (!isObject(params) || !Object.hasOwn(params, 'weight')) continue;
    const { weight } = params;
    if (!isDrawn) left.leave(params, 'weight', 'nothing is drawn by weight under this name');
    else if (!isWeight(weight)) left.leave(params, 'weight', 'a weight is a whole number from 1 to 1000');
    else if (weights.has(model)) left.leave(params, 'weight', 'the same model has a weight already');
    else {
      left.take(params, 'weight');
      weights.set(model, { weight });
    }
  }
  return weights;
}

const isWeight = (weight: unknown): weight is number =>
  typeof weight === 'number' && Number.isInteger(weight) && weight >= 1 && weight <= 1000;

/** `fallbacks: [{ "a": ["b", "c"] }]`, of the router or where LiteLLM's own guide has them. */
function fallbacksOf(
  groups: ReadonlyMap<string, Group>,
  document: Json,
  left: Leftovers,
): ReadonlyMap<string, readonly string[]> {
  const after = new Map<string, string[]>();
  for (const one of ['router_settings', 'litellm_settings'].flatMap((name) => fallbacksIn(document[name])))
    for (const [name, others] of Object.entries(one)) {
      if (!groups.has(name)) left.leave(one, name, 'no model of this name is taken over');
      else if (Array.isArray(others))
        after.set(name, [...(after.get(name) ?? []), ...knownOf(others, groups, left)]);
    }
  return after;
}

function fallbacksIn(settings: unknown): readonly Json[] {
  const fallbacks = isObject(settings) ? settings['fallbacks'] : undefined;
  return Array.isArray(fallbacks) ? fallbacks.filter(isObject) : [];
}

function knownOf(
  others: readonly unknown[],
  groups: ReadonlyMap<string, Group>,
  left: Leftovers,
): readonly string[] {
  return others.flatMap((other, index) => {
    if (typeof other === 'string' && groups.has(other)) {
      left.take(others, index);
      return [other];
    }
    left.leave(others, index, 'names no model that is taken over');
    return [];
  });
}
