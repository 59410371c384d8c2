import type { JsonObject } from '@talosprotocol/protocol';
import type { ToldFailure } from './dialect.js';
import { notPassed } from './members.js';
import type { ModelsDialect } from './models-dialect.js';

/** What OpenAI's protocols have in common. */

/** Shows the provider its key. */
export function openAiKey(key: string | undefined): Readonly<Record<string, string>> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/** A tier of service that changes the price is refused. @throws {TrustError} POLICY_DENIED */
export function assertUsualTier({ service_tier: tier }: JsonObject): void {
  if (tier != null && tier !== 'auto' && tier !== 'default')
    throw notPassed('service_tier', 'it changes the price');
}

/** A cache on disk is refused: it keeps the request for a day. @throws {TrustError} POLICY_DENIED */
export function assertShortRetention({ prompt_cache_retention: retention }: JsonObject): void {
  if (retention != null && retention !== 'in_memory' && retention !== 'in-memory')
    throw notPassed('prompt_cache_retention', 'the provider would keep the request');
}

/** OpenAI's list of models. */
export const OPENAI_MODELS: ModelsDialect = {
  api: 'openai',
  error: openAiError,
  // The policy says no date.
  one: ({ id, provider }) => ({ id, object: 'model', created: 0, owned_by: provider }),
  list: (data) => ({ object: 'list', data: [...data] }),
};

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  404: 'invalid_request_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error',
};

/** A failure in the form of OpenAI's API. */
export function openAiError({ status, failure, requestId, receipt }: ToldFailure): JsonObject {
  const { code, link, item, caveat, hint } = failure;
  const more = { link, item, caveat, hint, request_id: requestId, receipt };
  const stated = Object.entries(more).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return { error: { message: `${code}: ${hint}`, type, param: null, code, ...Object.fromEntries(stated) } };
}
