import type { ServerResponse } from 'node:http';
import type { ProblemCode } from '@talosprotocol/contracts';
import { isJsonObject, isTrustError, type JsonObject } from '@talosprotocol/protocol';
import type { RequestContext } from '../../platform/routes.js';
import type { Failure, Verdict } from '../admission/call.js';
import { toRefusal } from '../admission/hint.js';
import { budgetHeaders } from '../budgets/report.js';
import { rateHeaders } from '../limits/report.js';
import { withServerInfo } from './methods.js';
import { type McpMessage, RpcFault, type RpcId } from './rpc.js';
import { refusalError, shapeResult } from './tool-call.js';

/** An HTTP answer that carries one JSON-RPC response, or nothing. */
export interface McpAnswer {
  readonly status: number;
  readonly id: RpcId | null;
  /** `{ result }` or `{ error }`. */
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Decided = Exclude<Verdict<McpMessage, JsonObject>, { kind: 'identified' }>;

/** Taken, and no answer wanted. */
export const NOTHING: McpAnswer = { status: 202, id: null };

const CHALLENGE = { 'www-authenticate': 'Bearer realm="talos"' };
const RETRY = { 'retry-after': '1' };

/** What admission found, on the wire (DEC-7). */
export function answerOf(verdict: Decided, requestId: string): McpAnswer {
  const { receipt, message } = verdict;
  const id = message?.id ?? null;
  const rates = 'rates' in verdict ? verdict.rates : undefined;
  const warnings = 'warnings' in verdict ? verdict.warnings : undefined;
  const shown = receipt === undefined ? {} : { 'x-talos-receipt': receipt };
  const headers = { ...rateHeaders(rates), ...budgetHeaders(warnings), ...shown };
  switch (verdict.kind) {
    case 'cancelled':
      return { ...NOTHING, headers };
    case 'answered':
      return { status: 200, id, headers, body: shapeAnswer(verdict.answer, verdict.message) };
    case 'denied':
      return { status: 200, id, headers, body: { error: refusalError(verdict.refusal, requestId, receipt) } };
    case 'unauthenticated': {
      const body = { error: refusalError(verdict.refusal, requestId, receipt) };
      const limited = verdict.refusal.code === 'RATE_LIMITED';
      if (limited) return { status: 429, id, headers: { ...headers, ...RETRY }, body };
      return { status: 401, id, headers: { ...headers, ...CHALLENGE }, body };
    }
  }
}

/** Also of an answer that was kept from an earlier try, which may have come from a client of the other era. */
function shapeAnswer(answer: JsonObject, { era }: McpMessage): JsonObject {
  const { result } = answer;
  if (result === undefined) return answer;
  return { result: withServerInfo(shapeResult(result as JsonObject, era), era) };
}

/** Of the request as HTTP: answered by the platform as on every other route. */
const TRANSPORT: ReadonlySet<string> = new Set(['TOO_LARGE', 'TIMEOUT', 'MALFORMED']);
const STATUS: Readonly<Record<string, number>> = {
  UNAVAILABLE: 503,
  DISK_FULL: 503,
  INTERNAL: 500,
  REVOKED: 401,
};
const HEADERS: Readonly<Record<number, Record<string, string>>> = { 401: CHALLENGE, 503: RETRY };

/** What was not decided: a fault of the message, an outage, or an error of ours. Rethrows what the platform answers. */
export function answerOfError(
  error: unknown,
  message: McpMessage | undefined,
  { requestId, log }: RequestContext,
): McpAnswer {
  if (error instanceof RpcFault) {
    const { status, code, id, message: reason } = error;
    return { status, id, body: { error: { code, message: reason, data: faultData(error, requestId) } } };
  }
  const code = isTrustError(error) ? error.code : 'INTERNAL';
  if (TRANSPORT.has(code)) throw error;
  if (code === 'INTERNAL') log.error('an MCP request failed', { err: error });
  const status = STATUS[code] ?? 200;
  const body = { error: refusalError(failureOf(error, code), requestId, undefined) };
  return { status, id: message?.id ?? null, headers: HEADERS[status] ?? {}, body };
}

/** As of a refusal, beside what the protocol wants there (DEC-7). */
function faultData({ data, message }: RpcFault, requestId: string): JsonObject {
  const own = isJsonObject(data) ? data : {};
  return {
    ...own,
    code: 'MALFORMED',
    hint: `${message}: send what the protocol states.`,
    request_id: requestId,
  };
}

function failureOf(error: unknown, code: ProblemCode): Failure {
  if (code === 'INTERNAL')
    return { code, hint: 'Something failed on our side; the request id finds it in the log.' };
  return { ...toRefusal(error), code };
}

/** Sends it, unless nobody is there any more. */
export function sendAnswer(response: ServerResponse, { status, id, body, headers }: McpAnswer): void {
  if (response.destroyed || response.headersSent) return;
  if (body === undefined) {
    response.writeHead(status, { ...headers, 'content-length': 0 }).end();
    return;
  }
  const text = JSON.stringify({ jsonrpc: '2.0', id, ...body });
  const length = Buffer.byteLength(text);
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': length });
  response.end(text);
}
