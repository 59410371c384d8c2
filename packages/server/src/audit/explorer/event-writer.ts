import type { ServerResponse } from 'node:http';
import { TrustError } from '@talosprotocol/protocol';
import { writePatiently } from '../../platform/drain.js';

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
  return {
    send: async (text) => {
      if (!(await writePatiently(response, text, { patienceMs: drainMs, signal: stop }))) throw slow();
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
