import type { AliasTarget, ModelAlias, ModelProvider, ServedModel } from '@talosprotocol/contracts';
import { parse } from 'yaml';
import { UsageError } from '../../usage-error.js';
import { aliasesOf, type Group } from './aliases.js';
import { type Deployment, isSame, readDeployment } from './deployment.js';
import { freeName } from './free-name.js';
import type { KeyPart } from './key-part.js';
import { createLeftovers, isObject, type Json, type Leftovers } from './leftovers.js';

/** A provider to be added, and where its key is. */
export interface ImportedProvider {
  readonly provider: ModelProvider;
  /** Joined by colons; absent if it wants none. */
  readonly key?: readonly KeyPart[];
}

/** What a LiteLLM configuration comes to here. */
export interface Imported {
  readonly providers: ReadonlyMap<string, ImportedProvider>;
  readonly aliases: ReadonlyMap<string, ModelAlias>;
  /** What has no counterpart and was left out, each as its place in the file and why. */
  readonly left: readonly string[];
}

/** Reads a `config.yaml` of LiteLLM's proxy. Nothing of it is run, and no variable is looked up.
 *  @throws {UsageError} it is no such file */
export function translateLiteLlm(text: string): Imported {
  const document = parsed(text);
  const list = document['model_list'];
  if (!Array.isArray(list)) throw new UsageError('this is no configuration of LiteLLM: it has no model_list');
  const left = createLeftovers();
  if (list.length === 0) left.take(document, 'model_list');
  const providers = createProviders(left);
  const groups = new Map<string, Group>();
  for (const [index, entry] of list.entries()) {
    const target = isObject(entry) ? providers.add(entry) : 'is no deployment';
    if (typeof target === 'string') {
      left.leave(list, index, target);
      continue;
    }
    left.take(entry, 'model_name');
    const name = String(entry['model_name'] ?? '');
    const group = groups.get(name) ?? { entries: [], targets: [] };
    groups.set(name, { entries: [...group.entries, entry], targets: [...group.targets, target] });
  }
  const aliases = aliasesOf(groups, document, left);
  return { providers: providers.all(), aliases, left: left.list(document) };
}

function parsed(text: string): Json {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0, logLevel: 'error' });
  } catch {
    throw new UsageError('the file is no YAML that can be read');
  }
  if (!isObject(document)) throw new UsageError('this is no configuration of LiteLLM');
  return document;
}

/** Deployments that differ in host, address, version or key are providers of their own. */
function createProviders(left: Leftovers) {
  const providers = new Map<string, ImportedProvider>();
  const known = new Map<string, string>();
  return {
    all: () => providers,
    /** The model that a deployment is, or why it cannot be served. */
    add: (entry: Json): AliasTarget | string => {
      const made = readDeployment(entry, left);
      if (typeof made === 'string') return made;
      const { host, provider, key, model } = made;
      const identity = JSON.stringify([host, provider, key ?? null]);
      const name = known.get(identity) ?? freeName(host.replaceAll('_', '-'), (one) => !providers.has(one));
      known.set(identity, name);
      const { models = {} } = providers.get(name)?.provider ?? {};
      const served = servedOf(entry, made, Object.hasOwn(models, model) ? models[model] : undefined, left);
      const all = { ...provider, models: { ...models, [model]: served } };
      providers.set(name, { provider: all, ...(key === undefined ? {} : { key }) });
      return { model: `${name}/${model}` };
    },
  };
}

/** A model has one price here, also where several deployments are it: the first that is stated. */
function servedOf(
  entry: Json,
  { rates }: Deployment,
  before: ServedModel | undefined,
  left: Leftovers,
): ServedModel {
  if (before?.rates === undefined) return rates === undefined ? {} : { rates };
  for (const holder of [entry['litellm_params'], entry['model_info']])
    for (const name of ['input_cost_per_token', 'output_cost_per_token'])
      if (
        rates !== undefined &&
        !isSame(rates, before.rates) &&
        isObject(holder) &&
        Object.hasOwn(holder, name)
      )
        left.leave(holder, name, 'another deployment of the same model states another price');
  return before;
}
