import type { ModelProvider, ProviderApi, ServedModel } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { outwardUrl } from '../outward-url.js';
import { createAzureHost } from './hosts/azure.js';
import { createAwsHost, createBedrockHost } from './hosts/bedrock.js';
import type { ModelHost } from './hosts/host.js';
import { PLAIN_HOST } from './hosts/plain.js';

/** One model provider of the policy, ready to be used. Times in milliseconds. */
export interface ProviderPolicy {
  /** The operator's name for it. */
  readonly name: string;
  /** Tells it from the others, also over a reload that changes its models, prices or times: its name, and where it is. */
  readonly place: string;
  readonly api: ProviderApi;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly host: ModelHost;
  /** Name of the secret that is its key; undefined: it wants none. */
  readonly key: string | undefined;
  /** Models by name, each with the rates and the window the operator gave it; undefined: whatever the provider has. */
  readonly models: ReadonlyMap<string, ServedModel> | undefined;
  /** Provider of the price table. */
  readonly prices: string | undefined;
  /** Members of requests that are passed on besides those of its protocol. */
  readonly fields: readonly string[];
  /** Betas of Anthropic that are passed on besides those that always are. */
  readonly betas: readonly string[];
  readonly maxOutputTokens: number;
  /** How long answers are given again, in seconds; undefined: never. */
  readonly cacheSeconds: number | undefined;
  /** True if clients of the other protocol may use it too (LLM-30). */
  readonly translate: boolean;
  /** What a maximum of chat completions is called: OpenAI renamed it, others did not. Where it was renamed each passes as it came. */
  readonly maxField: 'max_tokens' | 'max_completion_tokens';
  /** True if its streams of chats say what they came to unasked, and to ask is an error. */
  readonly countsUnasked: boolean;
  readonly times: {
    readonly connect: number;
    readonly firstByte: number;
    readonly idle: number;
    readonly total: number;
    /** How long an answer is read on whose client has left. */
    readonly drain: number;
  };
}

/** @throws {TrustError} MALFORMED: an address under which a key could be read on the way, or a host that does not serve the
 *    protocol */
export function compileProvider(name: string, provider: ModelProvider): ProviderPolicy {
  const { api, key, models, prices, fields = [], betas = [], maxOutputTokens = 8192 } = provider;
  const baseUrl = outwardUrl(`providers.${name}.baseUrl`, provider.baseUrl, provider.insecure);
  return {
    name,
    place: JSON.stringify([name, api, baseUrl, provider.host, provider.apiVersion, provider.region]),
    api,
    baseUrl,
    host: hostOf(name, provider, baseUrl),
    key,
    models: models && new Map(Object.entries(models)),
    prices,
    fields,
    betas,
    maxOutputTokens,
    cacheSeconds: provider.cacheSeconds,
    translate: provider.translate ?? false,
    maxField: provider.host === 'azure' || isOpenAi(baseUrl) ? 'max_completion_tokens' : 'max_tokens',
    countsUnasked: isMistral(baseUrl),
    times: {
      connect: (provider.connectSeconds ?? 5) * 1000,
      firstByte: (provider.firstByteSeconds ?? 300) * 1000,
      idle: (provider.idleSeconds ?? 120) * 1000,
      total: (provider.totalSeconds ?? 900) * 1000,
      drain: (provider.drainSeconds ?? 30) * 1000,
    },
  };
}

/** OpenAI's own addresses, also those of a region, and Azure's under each of its names: models that think refuse the older name of a
 *  maximum there. */
const isOpenAi = (url: string): boolean =>
  /^(?:(?:.*\.)?api\.openai\.com|.*\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn))$/.test(
    new URL(url).hostname,
  );

/** It refuses `stream_options.include_usage` with 422. */
const isMistral = (url: string): boolean => /^(?:.*\.)?mistral\.ai$/.test(new URL(url).hostname);

function hostOf(
  name: string,
  { api, host, apiVersion, region, betas }: ModelProvider,
  baseUrl: string,
): ModelHost {
  const wrong = (member: string, hint: string): TrustError =>
    new TrustError('MALFORMED', `providers.${name}.${member} is not for this provider`, { hint });
  if (apiVersion !== undefined && host !== 'azure') throw wrong('apiVersion', 'it is for host: azure');
  if (region !== undefined && host !== 'aws') throw wrong('region', 'it is for host: aws');
  if (betas !== undefined && api !== 'anthropic') throw wrong('betas', 'it is for api: anthropic');
  if (host === undefined) return PLAIN_HOST;
  if (host === 'azure') {
    if (api !== 'openai') throw wrong('host', 'Azure OpenAI speaks api: openai');
    return createAzureHost(apiVersion);
  }
  const where =
    region ?? /^bedrock-runtime\.([a-z0-9-]+)\.amazonaws\.com$/.exec(new URL(baseUrl).hostname)?.[1];
  if (where === undefined) throw wrong('host', 'say its region: the address does not');
  return api === 'anthropic' ? createBedrockHost(where) : createAwsHost(where);
}
