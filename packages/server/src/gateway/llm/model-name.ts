import { type ProviderApi, SERVER_NAME } from '@talosprotocol/contracts';
import { readsAsDots, TrustError } from '@talosprotocol/protocol';
import type { ProviderPolicy } from './provider.js';

/** A model as it will be asked. */
export interface ModelTarget {
  readonly provider: ProviderPolicy;
  /** As its provider knows it. */
  readonly model: string;
}

type Providers = ReadonlyMap<string, ProviderPolicy>;

const NAME = /^[!-~]{1,128}$/;

/** Finds what a client means by a model: `provider/model`, or the plain name if one provider alone can be meant. Of several
 *  those that speak the protocol of the surface come first, and then those that are translated. What names a provider, in
 *  letters of any case, is told to no other, unless the operator listed that whole name for it.
 *  @throws {TrustError} UNKNOWN_MODEL */
export function findModel(providers: Providers, asked: string, api: ProviderApi): ModelTarget {
  if (!NAME.test(asked)) throw unknownModel();
  const slash = asked.indexOf('/');
  const prefix = slash < 0 ? '' : asked.slice(0, slash);
  const named = providers.get(prefix);
  if (named !== undefined && has(named, asked.slice(slash + 1)))
    return { provider: named, model: asked.slice(slash + 1) };
  const isOfOne = providers.has(prefix.toLowerCase());
  const all = [...providers.values()].filter(
    (provider) => has(provider, asked) && !(isOfOne && provider.models === undefined),
  );
  const own = all.filter((provider) => provider.api === api);
  const translated = all.filter(({ translate }) => translate);
  const [found, ...others] = [own, translated, all].find(({ length }) => length > 0) ?? [];
  if (found === undefined) throw unknownModel();
  if (others.length > 0)
    throw new TrustError('UNKNOWN_MODEL', 'several providers have a model of that name', {
      hint: 'Write it with its provider: <provider>/<model>.',
    });
  return { provider: found, model: asked };
}

const PROVIDER = new RegExp(SERVER_NAME);

/** What a request names, as far as it can be told, whether it is served or not: by its provider, or as the one that is meant. */
export function namedModel(
  providers: Providers,
  asked: unknown,
  api: ProviderApi,
): { readonly provider: string; readonly model: string } | undefined {
  if (typeof asked !== 'string' || !NAME.test(asked)) return undefined;
  try {
    const { provider, model } = findModel(providers, asked, api);
    return { provider: provider.name, model };
  } catch {
    const [, provider = '', model = ''] = /^([^/]*)\/(.+)$/.exec(asked) ?? [];
    return PROVIDER.test(provider) ? { provider, model } : undefined;
  }
}

function has({ models }: ProviderPolicy, model: string): boolean {
  // In the paths of some hosts a model is a segment.
  if (readsAsDots(model)) return false;
  return NAME.test(model) && (models === undefined || models.has(model));
}

function unknownModel(): TrustError {
  return new TrustError('UNKNOWN_MODEL', 'no such model is served here');
}
