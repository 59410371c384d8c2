import type { ServerResponse } from 'node:http';
import { PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import type { RequestContext } from '../../platform/routes.js';
import type { Failure } from '../admission/call.js';
import { type Refusal, toRefusal } from '../admission/hint.js';
import { modelRateHeaders, type RateReport } from '../limits/report.js';
import { sendModelAnswer } from './answer.js';
import type { Dialect } from './dialect.js';

/** Whom a refusal is told. */
export interface Told {
  readonly dialect: Pick<Dialect, 'error' | 'status'>;
  readonly response: ServerResponse;
  readonly context: RequestContext;
  readonly rates?: RateReport | undefined;
}

/** A refusal in the form of the protocol. Official clients try again what says that it helps, and nothing else. */
export function refuse(
  { dialect, response, context, rates }: Told,
  failure: Failure,
  receipt: string | undefined,
  as?: number,
): Promise<void> {
  const { status: own, retryable } = PROBLEMS[failure.code];
  const status = as ?? dialect.status?.(failure) ?? own;
  const body = JSON.stringify(dialect.error({ status, failure, requestId: context.requestId, receipt }));
  const headers = {
    'content-type': 'application/json',
    'x-should-retry': String(retryable),
    ...(retryable ? { 'retry-after': '1' } : {}),
    ...modelRateHeaders(rates),
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="talos"' } : {}),
    ...(receipt === undefined ? {} : { 'x-talos-receipt': receipt }),
  };
  return sendModelAnswer(response, { status, headers, body });
}

/** Of a credential these say that it is none, as official clients expect it to be told. */
const UNREADABLE: ReadonlySet<string> = new Set(['MALFORMED', 'REPLAY']);

/** A refusal of whoever proved nothing. */
export function refuseCaller(told: Told, refusal: Refusal, receipt: string | undefined): Promise<void> {
  return refuse(told, refusal, receipt, UNREADABLE.has(refusal.code) ? 401 : undefined);
}

/** What helps against what is wrong with a request as such. */
const HINTS: Partial<Record<ProblemCode, (reason: string) => string>> = {
  TOO_LARGE: (reason) =>
    `Send less: ${reason}. Pictures may be sent smaller; the operator can raise limits.modelBodyBytes (of sessions, limits.bodyBytes).`,
  UNSUPPORTED_MEDIA_TYPE: () => 'Send the body as JSON in UTF-8, with Content-Type: application/json.',
};

/** What an error is told as; of what is no refusal, nothing but that it is logged. */
export function failureOf(error: unknown, { log }: RequestContext): Failure {
  const code: ProblemCode = isTrustError(error) ? error.code : 'INTERNAL';
  const said = isTrustError(error) ? HINTS[code]?.(error.data.reason ?? code) : undefined;
  if (said !== undefined) return { code, hint: said };
  if (code !== 'INTERNAL') return { ...toRefusal(error), code };
  log.error('a call of a model failed', { err: error });
  return { code, hint: 'Something failed on our side; the request id finds it in the log.' };
}
