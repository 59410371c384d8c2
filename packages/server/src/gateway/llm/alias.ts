import type { ModelAlias } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { findModel, type ModelTarget } from './model-name.js';
import type { ProviderPolicy } from './provider.js';

/** One of the models behind an alias. */
export interface AliasTarget extends ModelTarget {
  readonly weight: number;
}

/** A name that stands for several models (LLM-27). */
export interface AliasPolicy {
  readonly targets: readonly AliasTarget[];
  readonly choose: NonNullable<ModelAlias['choose']>;
  /** True if the others are asked when one has no answer. */
  readonly fallback: boolean;
  /** How long one may take before the next is asked beside it, in milliseconds; undefined: it never is. */
  readonly hedgeAfterMs: number | undefined;
}

/** @throws {TrustError} MALFORMED: a model that no provider serves, one that is named twice, or `hedgeAfterMs` where no other
 *    model may be asked */
export function compileAlias(
  name: string,
  { models, choose = 'order', fallback = true, hedgeAfterMs }: ModelAlias,
  providers: ReadonlyMap<string, ProviderPolicy>,
): AliasPolicy {
  if (hedgeAfterMs !== undefined && (models.length < 2 || !fallback))
    throw wrong(
      name,
      'has hedgeAfterMs, for which it must name two models or more, and not say fallback: false',
    );
  const targets = models.map(({ model, weight = 1 }) => {
    const provider = providers.get(model.slice(0, model.indexOf('/')));
    if (provider === undefined) throw wrong(name, `names ${model}, whose provider is not in providers`);
    try {
      return { ...findModel(providers, model, provider.api), weight };
    } catch {
      throw wrong(name, `names ${model}, which its provider does not serve`);
    }
  });
  // As they are asked: one may have two names, where a provider serves what is written like another's.
  const named = new Set(targets.map(({ provider, model }) => `${provider.name}/${model}`));
  if (named.size < targets.length) throw wrong(name, 'names a model twice');
  return { targets, choose, fallback, hedgeAfterMs };
}

function wrong(name: string, what: string): TrustError {
  return new TrustError('MALFORMED', `aliases.${name} ${what}`);
}
