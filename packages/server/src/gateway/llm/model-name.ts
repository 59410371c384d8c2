import type { ProviderApi } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
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
 *  those that speak the protocol of the surface come first.
 *  @throws {TrustError} UNKNOWN_MODEL */
export function findModel(providers: Providers, asked: string, api: ProviderApi): ModelTarget {
  if (!NAME.test(asked)) throw unknownModel();
  const slash = asked.indexOf('/');
  const named = slash < 0 ? undefined : providers.get(asked.slice(0, slash));
  if (named !== undefined && has(named, asked.slice(slash + 1)))
    return { provider: named, model: asked.slice(slash + 1) };
  const all = [...providers.values()].filter((provider) => has(provider, asked));
  const own = all.filter((provider) => provider.api === api);
  const [found, ...others] = own.length > 0 ? own : all;
  if (found === undefined) throw unknownModel();
  if (others.length > 0)
    throw new TrustError('UNKNOWN_MODEL', 'several providers have a model of that name', {
      hint: 'Write it with its provider: <provider>/<model>.',
    });
  return { provider: found, model: asked };
}

function has({ models }: ProviderPolicy, model: string): boolean {
  return NAME.test(model) && (models === undefined || models.has(model));
}

function unknownModel(): TrustError {
  return new TrustError('UNKNOWN_MODEL', 'no such model is served here');
}
