import { isDeepStrictEqual } from 'node:util';
import type { AliasTarget, ModelAlias, ModelProvider, PolicyDocument } from '@talosprotocol/contracts';
import { freeName } from './free-name.js';
import type { KeyPart } from './key-part.js';
import type { Imported, ImportedProvider } from './litellm.js';
import { isMaker, lostBy, meantBy } from './meant-models.js';

/** What a platform has before an import. */
export interface Present {
  readonly providers: Readonly<Record<string, ModelProvider>>;
  readonly aliases: Readonly<Record<string, ModelAlias>>;
  /** Names of all secrets. */
  readonly secrets: ReadonlySet<string>;
  /** Names that the policy calls secrets by, whether there are such or not: one that is set would go where it says. */
  readonly named: ReadonlySet<string>;
}

/** A key of an import, and the secret that it becomes. */
export interface PlannedKey {
  readonly provider: string;
  readonly secret: string;
  readonly parts: readonly KeyPart[];
  /** True if a secret stands there for this provider already: it stays. */
  readonly isPresent: boolean;
}

/** What an import comes to beside what is there: nothing of that is replaced. */
export interface Plan {
  /** As they stand in talos.yaml. */
  readonly providers: ReadonlyMap<string, ModelProvider>;
  readonly aliases: ReadonlyMap<string, ModelAlias>;
  readonly keys: readonly PlannedKey[];
  /** Providers under another name, as another one has theirs. */
  readonly renamed: readonly { readonly wanted: string; readonly name: string }[];
  /** Names of providers and aliases that are there already, word for word. */
  readonly unchanged: { readonly providers: readonly string[]; readonly aliases: readonly string[] };
  readonly left: readonly string[];
}

export const presentOf = (policy: PolicyDocument, secrets: ReadonlySet<string>): Present => ({
  providers: policy.providers ?? {},
  aliases: policy.aliases ?? {},
  secrets,
  named: new Set(
    [...Object.values(policy.providers ?? {}), ...Object.values(policy.guards ?? {})].flatMap((one) =>
      'key' in one && one.key !== undefined ? [one.key] : [],
    ),
  ),
});

/** Finds a place for everything: under its own name if that is free or has the very same, else under another; an alias whose
 *  name is taken is left out, as clients mean the other one by it, and so is a model that would make a name mean two. */
export function planImport(imported: Imported, present: Present): Plan {
  const { names, providers, keys, dropped, left } = placeProviders(imported, present);
  const placed = placeAliases(imported, { names, dropped }, present);
  return {
    providers,
    aliases: placed.aliases,
    keys,
    renamed: [...names].flatMap(([wanted, name]) => (wanted === name ? [] : [{ wanted, name }])),
    unchanged: {
      providers: [...providers.keys()].filter((name) => Object.hasOwn(present.providers, name)),
      aliases: [...placed.aliases.keys()].filter((name) => Object.hasOwn(present.aliases, name)),
    },
    left: [...imported.left, ...left, ...placed.left],
  };
}

/** Where providers of an import went. */
interface Placed {
  /** By the name that each has in the import. */
  readonly names: ReadonlyMap<string, string>;
  /** Models that are left out, as aliases of the import name them. */
  readonly dropped: ReadonlySet<string>;
}

function placeProviders(
  imported: Imported,
  present: Present,
): Placed & Pick<Plan, 'providers' | 'keys' | 'left'> {
  const [names, dropped] = [new Map<string, string>(), new Set<string>()];
  const providers = new Map<string, ModelProvider>();
  const keys: PlannedKey[] = [];
  const left: string[] = [];
  for (const [wanted, one] of imported.providers) {
    const name = freeName(wanted, (free) => !providers.has(free) && isPlace(one, free, present));
    const { provider, lost } = partOf(one, name, present);
    for (const [model, by] of lost) {
      dropped.add(`${wanted}/${model}`);
      left.push(`the model ${model} of ${name}: ${whyLost(model, by)}`);
    }
    if (lost.size > 0 && Object.keys(provider.models ?? {}).length === 0) continue;
    names.set(wanted, name);
    const there = own(present.providers, name);
    const secret = there?.key ?? freeSecret(name, present, keys);
    providers.set(name, there ?? { ...provider, ...(one.key === undefined ? {} : { key: secret }) });
    if (one.key !== undefined)
      keys.push({ provider: name, secret, parts: one.key, isPresent: present.secrets.has(secret) });
  }
  return { names, dropped, providers, keys, left };
}

function freeSecret(name: string, present: Present, keys: readonly PlannedKey[]): string {
  const taken = new Set([...present.secrets, ...present.named, ...keys.map(({ secret }) => secret)]);
  return freeName(`${name}-key`, (free) => !taken.has(free));
}

/** What there is of a provider beside others, and what not: models whose names mean one of those now. */
interface Beside {
  readonly provider: ModelProvider;
  readonly lost: ReadonlyMap<string, string>;
}

/** All of it where the very same is there. */
function partOf(one: ImportedProvider, name: string, present: Present): Beside {
  const there = own(present.providers, name);
  const isThere = there !== undefined && fits(one, there);
  return isThere ? { provider: one.provider, lost: new Map() } : beside(one, name, present);
}

function beside({ provider }: ImportedProvider, name: string, present: Present): Beside {
  const { [name]: _, ...providers } = present.providers;
  const lost = new Map<string, string>();
  const models = Object.entries(provider.models ?? {}).filter(([model]) => {
    const by = lostBy({ ...present, providers }, model, [name, provider]);
    if (by !== undefined) lost.set(model, by);
    return by === undefined;
  });
  return lost.size === 0
    ? { provider, lost }
    : { provider: { ...provider, models: Object.fromEntries(models) }, lost };
}

function whyLost(model: string, by: string): string {
  const why = `clients mean that of ${by} by its name, which would mean two`;
  if (model.includes('/')) return why;
  return `${why}: import again once an alias keeps it (talos llm alias ${model} ${by}/${model})`;
}

/** Nothing has the name, or the same; and no client means another one's model by it. */
function isPlace(one: ImportedProvider, name: string, present: Present): boolean {
  const there = own(present.providers, name);
  if (there === undefined) return !isMaker(present, name);
  return fits({ ...one, provider: partOf(one, name, present).provider }, there);
}

const own = <T>(all: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;

/** The same. Which key it has nobody can read. */
function fits({ provider, key }: ImportedProvider, there: ModelProvider): boolean {
  const { key: secret, ...rest } = there;
  return (secret === undefined) === (key === undefined) && isDeepStrictEqual(rest, { ...provider });
}

function placeAliases(
  imported: Imported,
  { names, dropped }: Placed,
  present: Present,
): Pick<Plan, 'aliases' | 'left'> {
  const aliases = new Map<string, ModelAlias>();
  const left: string[] = [];
  for (const [name, wanted] of imported.aliases) {
    const alias = renamedAlias(without(wanted, dropped), names);
    const there = own(present.aliases, name);
    const by = meantBy(present, name);
    if (there !== undefined && isDeepStrictEqual(there, alias)) aliases.set(name, alias);
    else if (there !== undefined)
      left.push(
        `the model_name ${name}: an alias of that name is there and stays: talos llm alias gives another`,
      );
    else if (by !== undefined)
      left.push(
        `the model_name ${name}: clients mean the model of ${by} by it, which stays: talos llm alias gives another`,
      );
    else if (alias.models.length === 0) left.push(`the model_name ${name}: none of its models is taken over`);
    else aliases.set(name, alias);
  }
  return { aliases, left };
}

/** Of one model that is left nothing is drawn. */
function without({ models, ...rest }: ModelAlias, dropped: ReadonlySet<string>): ModelAlias {
  const kept = models.filter(({ model }) => !dropped.has(model));
  if (kept.length === models.length || kept.length > 1) return { ...rest, models: kept };
  return { models: kept.map(({ model }) => ({ model })) };
}

function renamedAlias({ models, ...rest }: ModelAlias, names: ReadonlyMap<string, string>): ModelAlias {
  return { ...rest, models: models.map((target) => renamedTarget(target, names)) };
}

function renamedTarget(target: AliasTarget, names: ReadonlyMap<string, string>): AliasTarget {
  const slash = target.model.indexOf('/');
  const provider = target.model.slice(0, slash);
  return { ...target, model: `${names.get(provider) ?? provider}${target.model.slice(slash)}` };
}
