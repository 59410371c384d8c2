import {
  createChecker,
  ModelProvider,
  type ModelRates,
  ModelRates as RatesSchema,
} from '@talosprotocol/contracts';
import { addressFault } from './address-fault.js';
import { bedrockOf } from './bedrock.js';
import type { Hosted } from './hosted.js';
import { keyOf, textOf } from './key-part.js';
import { isObject, type Json, type Leftovers } from './leftovers.js';

/** One deployment of the file. */
export interface Deployment extends Hosted {
  /** What LiteLLM calls its host. */
  readonly host: string;
  readonly rates?: ModelRates;
}

type Place = Pick<ModelProvider, 'api' | 'baseUrl' | 'host'>;

/** Hosts of LiteLLM by the beginning of a model's name. */
const HOSTS: Readonly<Record<string, Place>> = {
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
/** Hosts to whose address LiteLLM puts where the protocol begins, and how much of that a file may state itself. Ollama it speaks to in
 *  another one, which has another place. */
const BELOW: Readonly<Record<string, RegExp>> = {
  anthropic: /(?:\/v1(?:\/messages)?)?$/,
  mistral: /(?:\/v1)?$/,
  ollama: /(?:\/v1|\/api\/generate)?$/,
  ollama_chat: /(?:\/v1|\/api\/chat)?$/,
};

/** Where LiteLLM looks for a key that the file does not name; one of another address than the host's own is not looked for. */
const VARIABLES: Readonly<Record<string, string>> = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  azure: 'AZURE_API_KEY',
  gemini: 'GEMINI_API_KEY',
  groq: 'GROQ_API_KEY',
  mistral: 'MISTRAL_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY',
  xai: 'XAI_API_KEY',
  openrouter: 'OPENROUTER_API_KEY',
};

const checkProvider = createChecker(ModelProvider);
const checkRates = createChecker(RatesSchema);

/** A name, and no pattern of names. */
const MODEL = /^[!-)+-~]{1,128}$/;

/** What a deployment comes to, or why it cannot be served. Members that say nothing here stay with `left`. */
export function readDeployment(entry: Json, left: Leftovers): Deployment | string {
  const params = isObject(entry['litellm_params']) ? entry['litellm_params'] : {};
  const [host, model] = splitModel(textOf(params['model']) ?? '', params['custom_llm_provider']);
  if (!MODEL.test(model)) return 'names no single model';
  const made = host === 'bedrock' ? bedrockOf(model, params) : hostedOf(host, model, params);
  if (typeof made === 'string') return made;
  const seconds = secondsOf(params['timeout']);
  const provider = { ...made.provider, ...(seconds === undefined ? {} : { totalSeconds: seconds }) };
  const wrong = checkProvider(provider);
  if (wrong !== undefined) return `cannot be a provider here: ${wrong}`;
  left.take(params, 'model', 'custom_llm_provider', ...made.taken);
  if (seconds !== undefined) left.take(params, 'timeout');
  const rates = ratesOf(entry, params, left);
  return { ...made, host, provider, ...(rates === undefined ? {} : { rates }) };
}

/** `azure/eu/gpt-4o` is a deployment of Azure; a name without a host is OpenAI's. */
function splitModel(model: string, custom: unknown): readonly [string, string] {
  if (typeof custom === 'string' && custom !== '')
    return [custom, model.startsWith(`${custom}/`) ? model.slice(custom.length + 1) : model];
  const slash = model.indexOf('/');
  return slash < 0 ? ['openai', model] : [model.slice(0, slash), model.slice(slash + 1)];
}

function hostedOf(prefix: string, model: string, params: Json): Hosted | string {
  const host = Object.hasOwn(HOSTS, prefix) ? HOSTS[prefix] : undefined;
  if (host === undefined)
    return `models of ${/^[\w.-]{1,64}$/.test(prefix) ? prefix : 'its host'} are not served here`;
  const address = textOf(params['api_base']) ?? host.baseUrl;
  const fault = addressFault(address);
  if (fault !== undefined) return fault;
  const base = baseOf(prefix, address);
  const key = KEYLESS.has(prefix) ? [] : keyOf([textOf(params['api_key']) ?? usualKey(prefix, base)]);
  if (key === undefined) return 'its api_key names no variable that there can be';
  const isAzure = host.host === 'azure';
  const version = isAzure ? textOf(params['api_version']) : undefined;
  const provider: ModelProvider = {
    ...host,
    baseUrl: isAzure ? azureBase(base, version) : base,
    ...(version === undefined ? {} : { apiVersion: version }),
  };
  const taken = [
    'api_base',
    ...(KEYLESS.has(prefix) ? [] : ['api_key']),
    ...(version === undefined ? [] : ['api_version']),
  ];
  return { provider, model, ...(key.length === 0 ? {} : { key }), taken };
}

function baseOf(prefix: string, address: string): string {
  const base = address.replace(/\/+$/, '');
  const end = Object.hasOwn(BELOW, prefix) ? BELOW[prefix] : undefined;
  return end === undefined ? base : `${base.replace(end, '')}/v1`;
}

function usualKey(prefix: string, base: string): string | undefined {
  const isOwn = prefix === 'azure' || HOSTS[prefix]?.baseUrl === base;
  const variable = Object.hasOwn(VARIABLES, prefix) ? VARIABLES[prefix] : undefined;
  return isOwn && variable !== undefined ? `os.environ/${variable}` : undefined;
}

/** LiteLLM has the address of the resource; deployments lie below `/openai`. */
function azureBase(base: string, version: string | undefined): string {
  const resource = base.replace(/\/openai(?:\/v1)?$/, '');
  return `${resource}/openai${version === undefined ? '/v1' : ''}`;
}

function secondsOf(timeout: unknown): number | undefined {
  return typeof timeout === 'number' && timeout > 0 && timeout <= 86_400 ? Math.ceil(timeout) : undefined;
}

const COSTS = ['input_cost_per_token', 'output_cost_per_token'] as const;

/** Stated beside the parameters or with what is known of the model; what one of the two says is enough. */
function ratesOf(entry: Json, params: Json, left: Leftovers): ModelRates | undefined {
  const info = isObject(entry['model_info']) ? entry['model_info'] : {};
  let found: ModelRates | undefined;
  for (const holder of [params, info]) {
    const stated = COSTS.filter((name) => Object.hasOwn(holder, name));
    const rates = statedRates(holder);
    if (rates !== undefined && (found === undefined || isSame(rates, found))) left.take(holder, ...COSTS);
    else for (const name of stated) left.leave(holder, name, rates === undefined ? NO_PRICE : OTHER_PRICE);
    found ??= rates;
  }
  return found;
}

const NO_PRICE = 'a price has what is read and what is written, as two numbers from 0';
const OTHER_PRICE = 'litellm_params states another price';

export const isSame = (one: ModelRates, other: ModelRates): boolean =>
  one.input === other.input && one.output === other.output;

/** Dollars for a token, as micro-dollars for a million. */
function statedRates(holder: Json): ModelRates | undefined {
  const [read, written] = COSTS.map((name) => holder[name]);
  if (typeof read !== 'number' || typeof written !== 'number') return undefined;
  const rate = (dollars: number): number => Math.ceil(Number((dollars * 1e12).toFixed(3)));
  const rates = { currency: 'USD', input: rate(read), output: rate(written) };
  return checkRates(rates) === undefined ? rates : undefined;
}
