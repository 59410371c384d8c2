import type { JsonObject, TrustError } from '@talosprotocol/protocol';
import type { Failure } from '../admission/call.js';
import type { ToldFailure } from './dialect.js';
import { notPassed } from './members.js';
import type { ModelsDialect } from './models-dialect.js';

/** What Anthropic's protocols have in common. */

/** Shows the provider its key, and which version of the protocol is spoken. */
export function anthropicKey(key: string | undefined): Readonly<Record<string, string>> {
  return { 'anthropic-version': '2023-06-01', ...(key === undefined ? {} : { 'x-api-key': key }) };
}

const THREAD = 'thread';

/** A thread is a conversation that the provider keeps. */
export function noThread(): TrustError {
  return notPassed(THREAD, 'the provider would keep the conversation. Send all of it, and no thread');
}

/** Told as the provider tells of what cannot be a thread: its clients' libraries then go on without one. */
function isOfThread({ code, caveat }: Failure): boolean {
  return code === 'POLICY_DENIED' && caveat === THREAD;
}

/** The status of a failure where it is not that of its code. */
export function anthropicStatus(failure: Failure): number | undefined {
  return isOfThread(failure) ? 400 : undefined;
}

/** Anthropic's list of models, on one page. */
export const ANTHROPIC_MODELS: ModelsDialect = {
  api: 'anthropic',
  error: anthropicError,
  // The policy says no date: the protocol has the epoch for that.
  one: ({ id }) => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' }),
  list: (data) => ({
    data: [...data],
    has_more: false,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
  }),
};

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
};

/** A failure in the form of Anthropic's API. */
export function anthropicError({ status, failure, requestId, receipt }: ToldFailure): JsonObject {
  const { code, link, item, caveat, hint } = failure;
  const more = { code, link, item, caveat, hint, receipt };
  const stated = Object.entries(more).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined,
  );
  const told = {
    type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
    message: `${code}: ${hint}`,
    ...(isOfThread(failure)
      ? { details: { error_code: 'thread_unsupported_request', unsupported: [THREAD] } }
      : {}),
    ...Object.fromEntries(stated),
  };
  return { type: 'error', error: told, request_id: requestId };
}
