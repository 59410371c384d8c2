import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from '@talosprotocol/protocol';
import type { ServerCommand } from '../../admission/ports.js';
import { type Child, type ChildDeps, startChild, upstreamFailed } from './child.js';

/** What a tool server answered: its result, or its JSON-RPC error. */
export type Reply =
  | { readonly result: JsonObject }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: JsonValue } };

export interface RequestOptions {
  readonly timeoutMs: number;
  /** When it aborts the upstream is told to cancel, and the request rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** JSON-RPC with one tool server over its standard input and output. */
export interface Connection {
  readonly pid: number | undefined;
  /** @throws {TrustError} UPSTREAM_FAILED: it died, was late, or answered what is not JSON-RPC */
  request(method: string, params: JsonObject, options: RequestOptions): Promise<Reply>;
  notify(method: string): void;
  readonly isOpen: boolean;
  stop(): Promise<void>;
}

export interface ConnectionEvents {
  readonly onToolsChanged: () => void;
  readonly onEnd: (reason: string) => void;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** Lines that are no JSON-RPC which a server may print in a row; each proper message forgives one. */
const RUBBISH_ALLOWED = 16;
const MAX_TOKEN = 2 ** 40;

/** Starts the server's process and speaks with it. */
export function connect(
  command: ServerCommand,
  maxMessageBytes: number,
  deps: ChildDeps,
  events: ConnectionEvents,
): Connection {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let rubbish = 0;
  let endReason: string | undefined;

  const end = (reason: string, said?: string): void => {
    if (endReason !== undefined) return;
    endReason = reason;
    for (const { reject } of pending.values()) reject(upstreamFailed(reason, said));
    pending.clear();
    events.onEnd(reason);
  };
  const abandon = (reason: string): void => {
    end(reason);
    child.kill();
  };
  const send = (message: JsonObject): boolean => child.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const onMessage = (message: JsonObject): boolean => {
    if (typeof message['method'] === 'string') {
      answerUpstream(message, send, events.onToolsChanged);
      return true;
    }
    return settle(message, pending);
  };
  const onLine = (line: Uint8Array): void => {
    if (onMessage(readMessage(line, maxMessageBytes, pending))) {
      rubbish = Math.max(0, rubbish - 1);
      return;
    }
    rubbish += 1;
    deps.log.debug('a tool server printed what is no JSON-RPC message', { count: rubbish });
    if (rubbish > RUBBISH_ALLOWED) abandon('prints what is no JSON-RPC message');
  };
  const child: Child = startChild(command, maxMessageBytes, deps, {
    onLine,
    onOverflow: () => abandon(`sent a message of more than ${maxMessageBytes} bytes`),
    onEnd: end,
  });
  return {
    pid: child.pid,
    get isOpen() {
      return endReason === undefined;
    },
    request: (method, params, options) => {
      if (endReason !== undefined) return Promise.reject(upstreamFailed(endReason));
      lastId = (lastId % MAX_TOKEN) + 1;
      return exchange({ id: lastId, method, params }, options, pending, send);
    },
    notify: (method) => void send({ method }),
    stop: () => child.stop(),
  };
}

/** Sends one request and waits for its answer, its time limit or its cancellation. */
function exchange(
  message: JsonObject & { readonly id: number },
  { timeoutMs, signal }: RequestOptions,
  pending: Map<number, Pending>,
  send: (message: JsonObject) => boolean,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { id } = message;
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      pending.delete(id);
      act();
    };
    const giveUp = (error: unknown, reason: string): void => {
      send({ method: 'notifications/cancelled', params: { requestId: id, reason } });
      finish(() => reject(error));
    };
    const onAbort = (): void => giveUp(signal?.reason, 'cancelled');
    const late = (): void => giveUp(upstreamFailed(`did not answer within ${timeoutMs} ms`), 'timeout');
    const timer = setTimeout(late, timeoutMs);
    if (signal?.aborted) return finish(() => reject(signal.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    pending.set(id, {
      resolve: (reply) => finish(() => resolve(reply)),
      reject: (error) => finish(() => reject(error)),
    });
    if (!send(message)) finish(() => reject(upstreamFailed('does not read its input')));
  });
}

/** A line as a message; an empty object if it is none. An answer that only a lenient parser can read fails its
 *  call, rather than letting it wait for the time limit. */
function readMessage(line: Uint8Array, maxBytes: number, pending: ReadonlyMap<number, Pending>): JsonObject {
  try {
    return parseJsonObject(line, { maxBytes, floats: true });
  } catch {
    const id = lenientId(line);
    if (id !== undefined) pending.get(id)?.reject(upstreamFailed('answered with JSON that is not strict'));
    return {};
  }
}

function lenientId(line: Uint8Array): number | undefined {
  try {
    const { id, method } = JSON.parse(Buffer.from(line).toString('utf8')) as {
      id?: unknown;
      method?: unknown;
    };
    return typeof id === 'number' && method === undefined ? id : undefined;
  } catch {
    return undefined;
  }
}

/** Gives an answer to whom it belongs. False if it is not a JSON-RPC response at all; late ones are dropped. */
function settle(message: JsonObject, pending: ReadonlyMap<number, Pending>): boolean {
  const { id, result, error } = message;
  if (message['jsonrpc'] !== '2.0' || typeof id !== 'number') return false;
  const waiting = pending.get(id);
  if (isJsonObject(result) && error === undefined) waiting?.resolve({ result });
  else if (isJsonObject(error) && result === undefined && isRpcError(error)) {
    waiting?.resolve({ error: { ...error } });
  } else waiting?.reject(upstreamFailed('answered what is neither a result nor an error'));
  return true;
}

function isRpcError(error: JsonObject): error is { code: number; message: string; data: JsonValue } {
  return Number.isSafeInteger(error['code']) && typeof error['message'] === 'string';
}

/** Server-to-client traffic: pings are answered, every other request is refused, notifications are dropped. */
function answerUpstream(
  { id, method }: JsonObject,
  send: (message: JsonObject) => boolean,
  onToolsChanged: () => void,
): void {
  if (id === undefined) {
    if (method === 'notifications/tools/list_changed') onToolsChanged();
  } else if (typeof id !== 'string' && typeof id !== 'number') {
    // No request of JSON-RPC has such an id; there is nothing to answer to.
  } else if (method === 'ping') send({ id, result: {} });
  else send({ id, error: { code: -32601, message: 'this client serves no requests' } });
}
