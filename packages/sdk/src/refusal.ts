import { createChecker, McpDenialData } from '@talosprotocol/contracts';
import { isJsonObject, type JsonValue } from '@talosprotocol/protocol';
import { parseOrUndefined, parseProblem } from './http/answer.js';

/** Why Talos refused a call, and what would help. */
export type Denial = Omit<McpDenialData, 'request_id' | 'hint'> & {
  readonly hint?: string;
  /** For `talos why <request_id>`; absent if the SDK itself refused. */
  readonly request_id?: string;
};

/** The JSON-RPC error code of a refusal (DEC-7). */
const DENIED = -32010;

const checkDenial = createChecker(McpDenialData);

/** Reads a refusal out of a body: a problem of RFC 9457, or a JSON-RPC error with code -32010. Undefined for
 *  anything else. */
export function parseRefusal(body: Uint8Array | string): Denial | undefined {
  const problem = parseProblem(body);
  if (problem !== undefined) {
    const { type: _type, title: _title, status: _status, detail, retryable: _retryable, ...denial } = problem;
    return denial.hint === undefined && detail !== undefined ? { ...denial, hint: detail } : denial;
  }
  const value = parseOrUndefined(body);
  return value !== undefined && isJsonObject(value) ? parseRpcRefusal(value['error']) : undefined;
}

/** Reads a refusal out of a JSON-RPC error object. */
export function parseRpcRefusal(error: unknown): Denial | undefined {
  const { code, data } = Object(error) as { code?: JsonValue; data?: JsonValue };
  if (code !== DENIED || checkDenial(data) !== undefined) return undefined;
  return data as unknown as McpDenialData;
}
