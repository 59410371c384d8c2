import {
  type AliasTarget,
  createChecker,
  ModelAlias,
  ModelProvider,
  type ModelRates,
  type ServedModel,
} from '@talosprotocol/contracts';
import { parse } from 'yaml';
import { UsageError } from '../../usage-error.js';

/** A provider to be added, and where its key is. */
export interface ImportedProvider {
  readonly provider: ModelProvider;
  /** The variable that has the key, or the key itself where the file has it; absent if it wants none. */
  readonly key?: { readonly variable: string } | { readonly value: string };
}

/** What a LiteLLM configuration comes to here. */
export interface Imported {
  readonly providers: ReadonlyMap<string, ImportedProvider>;
  readonly aliases: ReadonlyMap<string, ModelAlias>;
  /** What has no counterpart and was left out, each as its place in the file and why. */
  readonly left: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** Hosts of LiteLLM by the beginning of a model's name. */
const HOSTS: Readonly<Record<string, Pick<ModelProvider, 'api' | 'baseUrl' | 'host'>>> = {
  openai: { api: 'openai', baseUrl: 'https://api.openai.com/v1' },
  anthropic: { api: 'anthropic', baseUrl: 'https://api.anthropic.com/v1' },
  azure: { api: 'openai', baseUrl: '', host: 'azure' },
  gemini: { api: 'openai', baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai' },
  groq: { api: 'openai', baseUrl: 'https://api.groq.com/openai/v1' },
  mistral: { api: 'openai', baseUrl: 'https://api.mistral.ai/v1' },
  deepseek: { api: 'openai', baseUrl: 'https://api.deepseek.com/v1' },
  xai: { api: 'openai', baseUrl: 'https://api.x.ai/v1' },
  openrouter: { api: 'openai', baseUrl: 'https://openrouter.ai/api/v1' },
  ollama: { api: 'openai', baseUrl: 'http://127.0.0.1:11434/v1' },
  ollama_chat: { api: 'openai', baseUrl: 'http://127.0.0.1:11434/v1' },
  hosted_vllm: { api: 'openai', baseUrl: '' },
};
const KEYLESS: ReadonlySet<string> = new Set(['ollama', 'ollama_chat']);

/** Members of a deployment that are read, or that only say what is the case here anyway. */
const READ: ReadonlySet<string> = new Set([
  ...['model', 'api_base', 'api_key', 'api_version', 'weight', 'timeout', 'aws_region_name'],
  ...['input_cost_per_token', 'output_cost_per_token', 'max_retries', 'custom_llm_provider'],
]);
const TOP: ReadonlySet<string> = new Set(['model_list', 'router_settings']);

const checkProvider = createChecker(ModelProvider);
const checkAlias = createChecker(ModelAlias);

/** Reads a `config.yaml` of LiteLLM's proxy. Nothing of it is run, and no variable is looked up.
 *  @throws {UsageError} it is no such file */
export function translateLiteLlm(text: string): Imported {
  const document = parsed(text);
  const list = document['model_list'];
  if (!Array.isArray(list)) throw new UsageError('this is no configuration of LiteLLM: it has no model_list');
  const left: string[] = Object.keys(document)
    .filter((name) => !TOP.has(name))
    .map((name) => `${name}: has another form here, see docs/guides/llm-gateway.md`);
  const providers = createProviders(left);
  const names = new Map<string, AliasTarget[]>();
  for (const [index, entry] of list.entries()) {
    const place = `model_list[${index}]`;
    const target = isObject(entry) ? providers.add(place, entry) : undefined;
    if (target === undefined) continue;
    const name = String((entry as Json)['model_name'] ?? '');
    names.set(name, [...(names.get(name) ?? []), target]);
  }
  return { providers: providers.all(), aliases: aliasesOf(names, document['router_settings'], left), left };
}

function parsed(text: string): Json {
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch {
    throw new UsageError('the file is no YAML that can be read');
  }
  if (!isObject(document)) throw new UsageError('this is no configuration of LiteLLM');
  return document;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deployments that differ in host, address, version or key are providers of their own. */
function createProviders(left: string[]) {
  const providers = new Map<string, ImportedProvider>();
  const known = new Map<string, string>();
  return {
    all: () => providers,
    /** The model that a deployment is; undefined, and why is noted, if it cannot be served. */
    add: (place: string, entry: Json): AliasTarget | undefined => {
      const params = isObject(entry['litellm_params']) ? entry['litellm_params'] : {};
      for (const name of Object.keys(params))
        if (!READ.has(name)) left.push(`${place}.litellm_params.${name}: has no counterpart`);
      const [prefix, model] = splitModel(String(params['model'] ?? ''), params['custom_llm_provider']);
      const made = MODEL.test(model) ? providerOf(prefix, params) : 'names no single model';
      if (typeof made === 'string') {
        left.push(`${place}: ${made}`);
        return undefined;
      }
      const identity = JSON.stringify([prefix, made.provider, made.key ?? null]);
      const name = known.get(identity) ?? freeName(prefix.replaceAll('_', '-'), providers);
      known.set(identity, name);
      const before = providers.get(name) ?? made;
      const models = { ...before.provider.models, [model]: servedOf(params) };
      providers.set(name, { ...before, provider: { ...before.provider, models } });
      return { model: `${name}/${model}`, ...weightOf(params) };
    },
  };
}

/** A name, and no pattern of names. */
const MODEL = /^[!-)+-~]{1,128}$/;

function weightOf({ weight }: Json): Pick<AliasTarget, 'weight'> {
  const isWeight = typeof weight === 'number' && Number.isInteger(weight) && weight >= 1 && weight <= 1000;
  return isWeight ? { weight } : {};
}

/** `azure/eu/gpt-4o` is a deployment of Azure; a name without a host is OpenAI's. */
function splitModel(model: string, custom: unknown): readonly [string, string] {
  if (typeof custom === 'string') return [custom, model.replace(`${custom}/`, '')];
  const slash = model.indexOf('/');
  return slash < 0 ? ['openai', model] : [model.slice(0, slash), model.slice(slash + 1)];
}

function freeName(wanted: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}

/** A provider without models, or why there is none. */
function providerOf(prefix: string, params: Json): ImportedProvider | string {
  const host = Object.hasOwn(HOSTS, prefix) ? HOSTS[prefix] : undefined;
  if (host === undefined) return `models of ${prefix} are not served here`;
  const base = textOf(params['api_base']) ?? host.baseUrl;
  if (base === '') return 'has no api_base, and no address is known';
  if (/^os\.environ\//.test(base)) return 'its api_base is in a variable: write it into the file';
  const version = textOf(params['api_version']);
  const { timeout } = params;
  const isAzure = host.host === 'azure';
  const provider: ModelProvider = {
    ...host,
    baseUrl: isAzure ? azureBase(base, version) : base.replace(/\/+$/, ''),
    ...(isAzure && version !== undefined ? { apiVersion: version } : {}),
    ...(typeof timeout === 'number' && timeout >= 1 ? { totalSeconds: Math.ceil(timeout) } : {}),
  };
  if (checkProvider(provider) !== undefined) return `cannot be a provider here: ${checkProvider(provider)}`;
  const key = keyOf(textOf(params['api_key']), KEYLESS.has(prefix));
  return { provider, ...(key && { key }) };
}

/** LiteLLM has the address of the resource; deployments lie below `/openai`. */
function azureBase(base: string, version: string | undefined): string {
  const resource = base.replace(/\/+$/, '').replace(/\/openai(?:\/v1)?$/, '');
  return `${resource}/openai${version === undefined ? '/v1' : ''}`;
}

function keyOf(key: string | undefined, isKeyless: boolean): ImportedProvider['key'] {
  const [, variable] = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(key ?? '') ?? [];
  if (variable !== undefined) return { variable };
  return key === undefined || isKeyless ? undefined : { value: key };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Dollars for a token, as micro-dollars for a million. */
function servedOf({ input_cost_per_token: read, output_cost_per_token: written }: Json): ServedModel {
  if (typeof read !== 'number' || typeof written !== 'number') return {};
  const rate = (dollars: number): number => Math.ceil(Number((dollars * 1e12).toFixed(3)));
  const rates: ModelRates = { currency: 'USD', input: rate(read), output: rate(written) };
  return { rates };
}

function aliasesOf(
  names: ReadonlyMap<string, readonly AliasTarget[]>,
  settings: unknown,
  left: string[],
): ReadonlyMap<string, ModelAlias> {
  const router = isObject(settings) ? settings : {};
  for (const name of Object.keys(router))
    if (name !== 'routing_strategy' && name !== 'fallbacks')
      left.push(`router_settings.${name}: has no counterpart`);
  const isLatency = router['routing_strategy'] === 'latency-based-routing';
  const aliases = new Map<string, ModelAlias>();
  for (const [name, targets] of names) {
    const more = fallbacksOf(router['fallbacks'], name).flatMap((other) => names.get(other) ?? []);
    const alias = aliasOf([...targets, ...more], targets.length, isLatency);
    const wrong = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(name)
      ? checkAlias(alias)
      : 'its name';
    if (wrong === undefined) aliases.set(name, alias);
    else left.push(`the model_name ${name}: cannot be an alias here (${wrong})`);
  }
  return aliases;
}

/** Of several deployments of one name LiteLLM draws one by weight; those that follow on failure come after all of them. */
function aliasOf(targets: readonly AliasTarget[], first: number, isLatency: boolean): ModelAlias {
  const models = targets.filter(
    ({ model }, index) => targets.findIndex((other) => other.model === model) === index,
  );
  if (isLatency) return { models, choose: 'latency' };
  return models.length > 1 && models.length === first ? { models, choose: 'weight' } : { models };
}

/** `fallbacks: [{ "a": ["b", "c"] }]` */
function fallbacksOf(fallbacks: unknown, name: string): readonly string[] {
  if (!Array.isArray(fallbacks)) return [];
  return fallbacks.flatMap((one) => {
    const others = isObject(one) && Object.hasOwn(one, name) ? one[name] : undefined;
    return Array.isArray(others) ? others.filter((other) => typeof other === 'string') : [];
  });
}
