import type { ServerResponse } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';

/** Writes server-sent events, no faster than they are read. */
export interface EventWriter {
  /** Resolves when there is room for more. @throws {TrustError} TIMEOUT: the reader is too slow, or it is over */
  send(text: string): Promise<void>;
  /** Says why it ends, and ends. */
  end(text: string): void;
}

/** Whoever does not read what it was sent finds why when it does, for so long. */
const LINGER_MS = 5_000;

/** Starts the answer. At most `drainMs` is waited for a reader, and not when `stop` aborts. */
export function openEventWriter(response: ServerResponse, drainMs: number, stop: AbortSignal): EventWriter {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  response.flushHeaders();
  const drained = (): Promise<boolean> =>
    new Promise((resolve) => {
      const settle = (isDrained: boolean) => (): void => {
        clearTimeout(limit);
        response.off('drain', onDrain);
        response.off('close', onClose);
        stop.removeEventListener('abort', onClose);
        resolve(isDrained);
      };
      const onDrain = settle(true);
      const onClose = settle(false);
      const limit = setTimeout(settle(false), drainMs);
      response.once('drain', onDrain);
      response.once('close', onClose);
      stop.addEventListener('abort', onClose);
    });
  return {
    send: async (text) => {
      if (response.destroyed || stop.aborted) throw slow();
      if (response.write(text) || (await drained())) return;
      throw slow();
    },
    end: (text) => {
      response.end(text);
      setTimeout(() => response.destroy(), LINGER_MS).unref();
    },
  };
}

function slow(): TrustError {
  return new TrustError('TIMEOUT', 'the reader of the stream is too slow');
}
