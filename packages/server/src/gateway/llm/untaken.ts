import type { JsonObject } from '@talosprotocol/protocol';
import type { Problem } from '../../platform/problem.js';
import { anthropicError } from './anthropic.js';
import type { Dialect } from './dialect.js';
import { openAiError } from './openai.js';

/** Where clients of each protocol look for it; `/openai` is where those of Azure do, who are served below `/v1`. */
const FORMS: readonly (readonly [RegExp, Dialect['error'], string])[] = [
  [
    /^\/(?:v1|openai)(?:\/|$)/,
    openAiError,
    'POST /v1/chat/completions, /v1/responses and /v1/embeddings, GET /v1/models',
  ],
  [
    /^\/anthropic(?:\/|$)/,
    anthropicError,
    'POST /anthropic/v1/messages and its /count_tokens, GET /anthropic/v1/models',
  ],
];

/** What a client of a model protocol is told of a request that no route took, so that it can read it: where nothing is served, and
 *  where the request itself was refused before anybody asked what it is about. Undefined elsewhere. */
export function untakenModelRequest(path: string, shown: Problem): JsonObject | undefined {
  const [, error, served] = FORMS.find(([below]) => below.test(path)) ?? [];
  if (error === undefined) return undefined;
  const { status, code, request_id } = shown;
  return error({
    status,
    failure: { code, hint: hintOf(shown, served) },
    requestId: request_id,
    receipt: undefined,
  });
}

function hintOf({ code, title, detail, hint }: Problem, served: string | undefined): string {
  if (code === 'NOT_FOUND' || code === 'METHOD_NOT_ALLOWED')
    return `${detail ?? 'there is nothing here'}. Served are: ${served}.`;
  return [detail ?? title, hint].filter((one) => one !== undefined).join('; ');
}
