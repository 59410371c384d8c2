import type { ModelAlias, ModelProvider, ProviderApi } from '@talosprotocol/contracts';

type Providers = Readonly<Record<string, ModelProvider>>;

/** What clients may ask by now. */
interface Asked {
  readonly providers: Providers;
  readonly aliases: Readonly<Record<string, ModelAlias>>;
}

const APIS: readonly ProviderApi[] = ['openai', 'anthropic'];

/** The provider that clients mean by a name of a model, on the routes of one protocol at least; undefined: none, or an alias. */
export function meantBy({ providers, aliases }: Asked, model: string): string | undefined {
  if (Object.hasOwn(aliases, model)) return undefined;
  return APIS.map((api) => meaningOf(providers, model, api)).find((name) => name !== undefined);
}

/** The provider that is meant by a name of a model now, and would not be with another provider beside it that has that model. */
export function lostBy(
  { providers, aliases }: Asked,
  model: string,
  [name, added]: readonly [string, ModelProvider],
): string | undefined {
  if (Object.hasOwn(aliases, model)) return undefined;
  const after = { ...providers, [name]: added };
  return APIS.map((api) => [meaningOf(providers, model, api), meaningOf(after, model, api)] as const).find(
    ([before, then]) => before !== undefined && before !== then,
  )?.[0];
}

/** True if clients may mean a model of another provider by what would be one of a provider of this name: `openai/gpt-4o` at one
 *  that has the models of many. */
export function isMaker({ providers }: Asked, name: string): boolean {
  return Object.values(providers).some(({ models }) =>
    // Of those that answer to any name nobody has a maker with a number.
    models === undefined
      ? !/-[0-9]+$/.test(name)
      : Object.keys(models).some((model) => model.toLowerCase().startsWith(`${name}/`)),
  );
}

/** As the gateway finds it (LLM-2); undefined if it finds none, or several. */
function meaningOf(providers: Providers, model: string, api: ProviderApi): string | undefined {
  const slash = model.indexOf('/');
  const prefix = slash < 0 ? '' : model.slice(0, slash);
  if (Object.hasOwn(providers, prefix) && has(providers[prefix], model.slice(slash + 1))) return prefix;
  const isOfOne = Object.hasOwn(providers, prefix.toLowerCase());
  const all = Object.entries(providers).filter(
    ([, provider]) => has(provider, model) && !(isOfOne && provider.models === undefined),
  );
  const own = all.filter(([, provider]) => provider.api === api);
  const translated = all.filter(([, { translate }]) => translate === true);
  const [found, ...others] = own.length > 0 ? own : translated;
  return others.length > 0 ? undefined : found?.[0];
}

function has(provider: ModelProvider | undefined, model: string): boolean {
  return provider !== undefined && (provider.models === undefined || Object.hasOwn(provider.models, model));
}
