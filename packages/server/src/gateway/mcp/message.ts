import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  type SignedHeaders,
} from '@talosprotocol/protocol';
import { checkEra } from './era.js';
import { type McpMessage, RPC, RpcFault, type RpcId } from './rpc.js';

const MEMBERS = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const METHOD = /^[!-~]{1,128}$/;
const MAX_ID = 256;

/** Reads one JSON-RPC message of a POST (DEC-6). Batches, requests without a usable id and unknown members are
 *  refused. @throws {RpcFault} */
export function parseMessage(body: Uint8Array, headers: SignedHeaders, maxBytes: number): McpMessage {
  assertJson(headers['content-type']);
  const value = parseBody(body, maxBytes);
  if (
    !isJsonObject(value) ||
    value['jsonrpc'] !== '2.0' ||
    !Object.keys(value).every((n) => MEMBERS.has(n))
  ) {
    throw invalid('the body is not one JSON-RPC 2.0 message');
  }
  return Object.hasOwn(value, 'method') ? parseCall(value, headers) : parseResponse(value);
}

function assertJson(contentType = ''): void {
  if (/^application\/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?$/i.test(contentType)) return;
  throw new RpcFault(415, RPC.transport, 'Content-Type must be application/json');
}

function parseBody(body: Uint8Array, maxBytes: number): JsonValue {
  try {
    return parseJson(body, { floats: true, maxBytes });
  } catch (error) {
    throw new RpcFault(400, RPC.parse, error instanceof Error ? error.message : 'not JSON');
  }
}

function invalid(message: string, id: RpcId | null = null): RpcFault {
  return new RpcFault(400, RPC.invalidRequest, message, id);
}

/** We ask clients for nothing, so their responses answer nothing: taken and dropped. */
function parseResponse(value: JsonObject): McpMessage {
  if (Object.hasOwn(value, 'result') === Object.hasOwn(value, 'error') || !isId(value['id'])) {
    throw invalid('the body is neither a request nor a response');
  }
  return { era: '2025-11-25', kind: 'response', id: undefined, method: 'response', params: {} };
}

function parseCall(value: JsonObject, headers: SignedHeaders): McpMessage {
  const { method, id, params = {} } = value;
  if (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error'))
    throw invalid('a request with a result');
  if (typeof method !== 'string' || !METHOD.test(method)) throw invalid('the method is not a name');
  if (Object.hasOwn(value, 'id') && !isId(id)) throw invalid('the id is neither a string nor an integer');
  const known = isId(id) ? id : null;
  if (known === null && !method.startsWith('notifications/')) throw invalid('a request without id');
  if (!isJsonObject(params)) throw new RpcFault(400, RPC.invalidParams, 'params is not an object', known);
  const { _meta: meta, ...rest } = params;
  const kind = known === null ? 'notification' : 'request';
  const message = { kind, id: known ?? undefined, method, params: rest } as const;
  const era = checkEra(message, meta, headers);
  const traceparent = meta !== undefined && isJsonObject(meta) ? meta['traceparent'] : undefined;
  return { ...message, era, ...(typeof traceparent === 'string' ? { traceparent } : {}) };
}

function isId(id: JsonValue | undefined): id is RpcId {
  return typeof id === 'string' ? id.length <= MAX_ID : Number.isSafeInteger(id);
}
