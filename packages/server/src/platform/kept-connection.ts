import type { IncomingMessage, ServerResponse } from 'node:http';

const LINGER_MS = 2_000;

/** Says in each answer whether its connection is kept for another request, and keeps to it. It is not kept if the answer
 *  does not wait for the whole body, since an endless one is not drained, nor if the listener takes no more requests.
 *  A client that was told nothing would send its next request into a closed connection. */
export function sayIfKept(
  request: IncomingMessage,
  response: ServerResponse,
  isLeaving: () => boolean,
): void {
  const { socket } = request;
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => typeof response;
  let isUnread = false;
  // Node writes the head of an answer that states none through this too.
  response.writeHead = ((...head: unknown[]) => {
    isUnread = !request.complete;
    if (isUnread || isLeaving()) response.shouldKeepAlive = false;
    return writeHead(...head);
  }) as typeof response.writeHead;
  // Closing at once would reset the connection of a client that still writes, and the answer with it.
  const linger = (): void => {
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
  // Node's own listener, which stands before ours, closes at once what is not kept.
  response.prependOnceListener('finish', () => {
    if (!isUnread) return;
    socket.destroySoon = linger;
    linger();
  });
}

/** A short body comes with its head, but node hands a request over before it has seen that nothing follows. */
export async function untilRead(request: IncomingMessage): Promise<void> {
  if (!request.complete) await new Promise((resolve) => setImmediate(resolve));
}

const QUEUED = Symbol('answers on this connection that wait for those before them');
type Connection = IncomingMessage['socket'] & { [QUEUED]?: Set<ServerResponse> };

/** Of requests sent one behind the other, node tells only the answer whose turn it is that the connection is gone. */
export function closeWithConnection(request: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const socket = request.socket as Connection;
  const queued = socket[QUEUED] ?? new Set();
  if (socket[QUEUED] === undefined) {
    socket[QUEUED] = queued;
    socket.once('close', () => {
      for (const waiting of [...queued]) waiting.destroy().emit('close');
    });
  }
  queued.add(response);
  response.once('close', () => queued.delete(response));
}
