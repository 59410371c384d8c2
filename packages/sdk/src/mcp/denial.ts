import { isTrustError, type TrustError } from '@talosprotocol/protocol';
import { type Denial, parseRefusal, parseRpcRefusal } from '../refusal.js';

const MAX_CAUSES = 8;
const MAX_TEXT = 65_536;

/** Says why Talos refused a call, from whatever the client threw: `McpError` and `ProtocolError` of the two MCP clients,
 *  their HTTP errors that hold the body of a 401, and our own TrustError, also as the `cause` of another error.
 *  Undefined if it was not Talos that refused.
 *  @example catch (error) { const denial = denialOf(error); if (denial) console.error(denial.code, denial.hint) } */
export function denialOf(error: unknown): Denial | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const denial = isTrustError(current) ? denialOfTrustError(current) : denialOfClientError(current);
    if (denial !== undefined) return denial;
    current = current.cause;
  }
  return undefined;
}

function denialOfTrustError(error: TrustError): Denial {
  const { reason, ...facts } = error.data;
  // The problem a service answered with is the cause.
  const { request_id } = Object(error.cause) as { request_id?: unknown };
  const request = typeof request_id === 'string' ? { request_id } : {};
  const hint = facts.hint ?? reason;
  return { code: error.code, ...facts, ...(hint === undefined ? {} : { hint }), ...request };
}

/** v1 puts the body of a refused request into the message, v2 into `data.text`. */
function denialOfClientError(error: Error): Denial | undefined {
  const denial = parseRpcRefusal(error);
  if (denial !== undefined) return denial;
  const { text } = Object((error as { data?: unknown }).data) as { text?: unknown };
  const body = typeof text === 'string' ? text : error.message.slice(bodyStart(error.message));
  return body.length > MAX_TEXT ? undefined : parseRefusal(body);
}

function bodyStart(message: string): number {
  const start = message.indexOf('{');
  return start < 0 ? message.length : start;
}
