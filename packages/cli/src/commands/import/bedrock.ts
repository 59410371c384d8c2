import type { ModelProvider } from '@talosprotocol/contracts';
import { addressFault } from './address-fault.js';
import type { Hosted } from './hosted.js';
import { type KeyPart, keyOf, textOf } from './key-part.js';
import type { Json } from './leftovers.js';

/** A model of AWS Bedrock as a provider of one region and one key, or why it is none. */
export function bedrockOf(wanted: string, params: Json): Hosted | string {
  const model = wanted.replace(/^(?:converse|invoke)\//, '');
  const api = apiOf(model);
  if (api === undefined)
    return 'of Bedrock only models of Anthropic (anthropic. in their name) and OpenAI (openai.) are served here';
  const region = textOf(params['aws_region_name']);
  if (region === undefined) return 'has no aws_region_name: write the region of Bedrock into the file';
  if (!/^[a-z0-9-]{1,32}$/.test(region))
    return 'its aws_region_name is no region: write it into the file, as a variable is not looked up';
  const key = bedrockKey(params);
  if (typeof key === 'string') return key;
  const endpoint = textOf(params['aws_bedrock_runtime_endpoint']);
  const base = (endpoint ?? `https://bedrock-runtime.${region}.amazonaws.com`).replace(/\/+$/, '');
  const fault = addressFault(base)?.replaceAll('api_base', 'aws_bedrock_runtime_endpoint');
  if (fault !== undefined) return fault;
  const provider: ModelProvider = {
    api,
    host: 'aws',
    baseUrl: api === 'anthropic' ? base : `${base}/openai/v1`,
    ...(endpoint === undefined ? {} : { region }),
  };
  const taken = [...key.taken, 'aws_region_name', 'aws_bedrock_runtime_endpoint'];
  return { provider, key: key.parts, model, taken };
}

/** A model may be named with the regions that it is drawn from (`us.anthropic.`). */
function apiOf(model: string): ModelProvider['api'] | undefined {
  const [, maker] = /^(?:[a-z-]{2,8}\.)?(anthropic|openai)\.[\w.:-]+$/.exec(model) ?? [];
  return maker as ModelProvider['api'] | undefined;
}

const ACCESS = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'] as const;
const OTHER_KEYS = ['aws_profile_name', 'aws_role_name', 'aws_web_identity_token'] as const;

/** A key of Bedrock's own, or an access key of AWS. */
function bedrockKey(params: Json): { parts: readonly KeyPart[]; taken: readonly string[] } | string {
  const names = textOf(params['api_key']) === undefined ? ACCESS : (['api_key'] as const);
  const other = OTHER_KEYS.find((name) => Object.hasOwn(params, name));
  if (other !== undefined)
    return `its key comes by ${other}: only keys of Bedrock and access keys are kept here`;
  const [id, secret] = names.map((name) => textOf(params[name]));
  if (id === undefined || (names === ACCESS && secret === undefined))
    return 'has no aws_access_key_id and aws_secret_access_key, nor an api_key: a key that the machine has is not looked for';
  const parts = keyOf(names.map((name) => params[name]));
  return parts === undefined ? 'its key names no variable that there can be' : { parts, taken: names };
}
