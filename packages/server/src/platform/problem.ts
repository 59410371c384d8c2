import type { ServerResponse } from 'node:http';
import { PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';
import { isTrustError, type TrustError, type TrustErrorData } from '@talosprotocol/protocol';

/** An error as callers see it: RFC 9457 problem details (spec DEC-3). */
export interface Problem extends TrustErrorData {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly request_id: string;
  /** Whether the same request can succeed later. */
  readonly retryable: boolean;
}

/** The one translation of errors. What is not a TrustError, and what went wrong on our side, is INTERNAL
 *  without detail: nothing of it leaves the process. */
export function toProblem(error: unknown, requestId: string): Problem {
  if (!isTrustError(error)) return problem('INTERNAL', requestId);
  const { reason, ...data } = error.data;
  if (HIDDEN.has(error.code)) return problem(error.code, requestId);
  return { ...problem(error.code, requestId), ...(reason === undefined ? {} : { detail: reason }), ...data };
}

/** Codes whose reason concerns the operator, not the caller. */
const HIDDEN: ReadonlySet<ProblemCode> = new Set(['INTERNAL', 'SETTINGS_INVALID', 'LOG_CORRUPT']);

function problem(code: ProblemCode, requestId: string): Problem {
  const { title, status, retryable } = PROBLEMS[code];
  return { type: `urn:talos:problem:${code}`, title, status, code, request_id: requestId, retryable };
}

/** True if the operator should hear of it: an error nobody declared, or one of our own failures. */
export function isOurFault(error: unknown): boolean {
  return !isTrustError(error) || PROBLEMS[(error as TrustError).code].status >= 500;
}

/** Headers that go with a problem. */
export function problemHeaders(shown: Problem): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    ...(shown.status === 503 || shown.status === 429 ? { 'retry-after': '1' } : {}),
    ...(shown.status === 401 ? { 'www-authenticate': 'Bearer realm="talos"' } : {}),
  };
}

/** Answers with a problem, unless an answer is already under way: then the connection is cut, so that half an
 *  answer is never taken for a whole one. `told` is the same in another form. */
export function sendProblem(
  response: ServerResponse,
  shown: Problem,
  extra: Record<string, string> = {},
  told: object = shown,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(told));
  response.writeHead(shown.status, {
    ...problemHeaders(shown),
    ...extra,
    'content-length': String(body.length),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
