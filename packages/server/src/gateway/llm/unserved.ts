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

/** What a client of a model protocol is told where nothing is served, so that it can read it; undefined elsewhere. */
export function unservedModelRoute(
  path: string,
  { status, code, detail, request_id }: Problem,
): JsonObject | undefined {
  const [, error, served] = FORMS.find(([below]) => below.test(path)) ?? [];
  if (error === undefined) return undefined;
  const hint = `${detail ?? 'there is nothing here'}. Served are: ${served}.`;
  return error({ status, failure: { code, hint }, requestId: request_id, receipt: undefined });
}
