import { isDeepStrictEqual } from 'node:util';
import type { AliasTarget, ModelAlias, ModelProvider, PolicyDocument } from '@talosprotocol/contracts';
import { freeName } from './free-name.js';
import type { KeyPart } from './key-part.js';
import type { Imported, ImportedProvider } from './litellm.js';

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
 *  name is taken is left out, as clients mean the other one by it. */
export function planImport(imported: Imported, present: Present): Plan {
  const names = new Map<string, string>();
  const providers = new Map<string, ModelProvider>();
  const keys: PlannedKey[] = [];
  for (const [wanted, one] of imported.providers) {
    const name = freeName(wanted, (free) => !providers.has(free) && fits(one, own(present.providers, free)));
    const there = own(present.providers, name);
    names.set(wanted, name);
    const taken = new Set([...present.secrets, ...present.named, ...keys.map(({ secret }) => secret)]);
    const secret = there?.key ?? freeName(`${name}-key`, (free) => !taken.has(free));
    providers.set(name, there ?? { ...one.provider, ...(one.key === undefined ? {} : { key: secret }) });
    if (one.key !== undefined)
      keys.push({ provider: name, secret, parts: one.key, isPresent: present.secrets.has(secret) });
  }
  const { aliases, left } = placeAliases(imported, names, present);
  return {
    providers,
    aliases,
    keys,
    renamed: [...names].flatMap(([wanted, name]) => (wanted === name ? [] : [{ wanted, name }])),
    unchanged: {
      providers: [...providers.keys()].filter((name) => Object.hasOwn(present.providers, name)),
      aliases: [...aliases.keys()].filter((name) => Object.hasOwn(present.aliases, name)),
    },
    left: [...imported.left, ...left],
  };
}

const own = <T>(all: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;

/** Nothing is there, or the same. Which key it has nobody can read. */
function fits({ provider, key }: ImportedProvider, there: ModelProvider | undefined): boolean {
  if (there === undefined) return true;
  const { key: secret, ...rest } = there;
  return (secret === undefined) === (key === undefined) && isDeepStrictEqual(rest, { ...provider });
}

function placeAliases(
  imported: Imported,
  names: ReadonlyMap<string, string>,
  present: Present,
): Pick<Plan, 'aliases' | 'left'> {
  const aliases = new Map<string, ModelAlias>();
  const left: string[] = [];
  for (const [name, { models, ...rest }] of imported.aliases) {
    const alias = { ...rest, models: models.map((target) => renamedTarget(target, names)) };
    const there = own(present.aliases, name);
    if (there === undefined || isDeepStrictEqual(there, alias)) aliases.set(name, alias);
    else
      left.push(
        `the model_name ${name}: an alias of that name is there and stays: talos llm alias gives another`,
      );
  }
  return { aliases, left };
}

function renamedTarget(target: AliasTarget, names: ReadonlyMap<string, string>): AliasTarget {
  const slash = target.model.indexOf('/');
  const provider = target.model.slice(0, slash);
  return { ...target, model: `${names.get(provider) ?? provider}${target.model.slice(slash)}` };
}
