import type { ProviderPolicy } from './provider.js';

/** What is remembered of each model of each provider, over a reload of the policy: a provider is the same as long as its name
 *  and the place where it is are. */
export interface ModelMemory<T> {
  of(provider: ProviderPolicy, model: string): T;
}

/** Models of one provider that are told apart; what comes beyond, where a client may name any, counts as one. */
const MOST_MODELS = 256;

/** Builds it: `named` are the providers of the policy in force, of others nothing is kept once there is another policy; `begin`
 *  makes what there is of a model at first. */
export function createModelMemory<T>(
  named: () => ReadonlyMap<string, ProviderPolicy>,
  begin: (provider: ProviderPolicy, model: string) => T,
): ModelMemory<T> {
  const known = new Map<string, Map<string, T>>();
  let seen: ReadonlyMap<string, ProviderPolicy> | undefined;
  /** A call that was let in under an earlier policy may remember for a while what is no longer named: until the next one. */
  const forget = (): void => {
    const now = named();
    if (now === seen) return;
    seen = now;
    const places = new Set([...now.values()].map(({ place }) => place));
    for (const place of known.keys()) if (!places.has(place)) known.delete(place);
  };
  return {
    of(provider, model) {
      forget();
      const models = known.get(provider.place) ?? new Map<string, T>();
      known.set(provider.place, models);
      const name = models.has(model) || models.size < MOST_MODELS ? model : '';
      const found = models.get(name) ?? begin(provider, name);
      models.set(name, found);
      return found;
    },
  };
}
