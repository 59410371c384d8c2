import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FINDING_KINDS, type WatchAlert } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import type { Finding } from '@talosprotocol/sdk';

/** What a monitor counts, for Prometheus. */
export interface WatchMetrics {
  looked(found: readonly Finding[], progress: { readonly size: number; readonly unread: number }): void;
  alerted(alert: WatchAlert): void;
  /** Alerts that wait for the webhook, attempts that failed, and alerts for which there was no room. */
  webhook(state: { readonly waiting: number; readonly failed: number; readonly dropped: number }): void;
  text(): string;
}

export function createWatchMetrics(now: () => number): WatchMetrics {
  const raised = new Map<string, number>(FINDING_KINDS.map((kind) => [kind, 0]));
  const found = new Map<string, number>();
  const state = { looks: 0, last: 0, size: 0, unread: 0, waiting: 0, failed: 0, dropped: 0 };
  return {
    looked: (findings, { size, unread }) => {
      Object.assign(state, { looks: state.looks + 1, last: now() / 1000, size, unread });
      found.clear();
      for (const { kind } of findings) found.set(kind, (found.get(kind) ?? 0) + 1);
    },
    alerted: ({ kind, state: change }) => {
      if (change === 'raised') raised.set(kind, (raised.get(kind) ?? 0) + 1);
    },
    webhook: (delivery) => void Object.assign(state, delivery),
    text: () =>
      [
        family('looks_total', 'counter', 'Times the log was looked at.', state.looks),
        family('last_look_time_seconds', 'gauge', 'When it was looked at last, in Unix time.', state.last),
        family('checkpoint_entries', 'gauge', 'Entries of the history that is followed.', state.size),
        family('unread_entries', 'gauge', 'Entries that are still to be read.', state.unread),
        kinds('findings', 'gauge', 'What is wrong now.', (kind) => found.get(kind) ?? 0),
        kinds('alerts_total', 'counter', 'Alerts that were raised.', (kind) => raised.get(kind) ?? 0),
        family('webhook_waiting_alerts', 'gauge', 'Alerts the webhook has not taken yet.', state.waiting),
        family('webhook_failures_total', 'counter', 'Attempts the webhook did not take.', state.failed),
        family(
          'webhook_dropped_alerts_total',
          'counter',
          'Alerts for which there was no room.',
          state.dropped,
        ),
      ].join(''),
  };
}

function family(name: string, type: string, help: string, value: number): string {
  return `${head(name, type, help)}talos_watch_${name} ${value}\n`;
}

function kinds(name: string, type: string, help: string, count: (kind: string) => number): string {
  const lines = FINDING_KINDS.map((kind) => `talos_watch_${name}{kind="${kind}"} ${count(kind)}\n`);
  return `${head(name, type, help)}${lines.join('')}`;
}

function head(name: string, type: string, help: string): string {
  return `# HELP talos_watch_${name} ${help}\n# TYPE talos_watch_${name} ${type}\n`;
}

const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/;

/** Serves the text on this machine only. Gives where, and how to end it.
 *  @throws {TrustError} SETTINGS_INVALID: the port is in use */
export async function serveMetrics(
  port: number,
  text: () => string,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) =>
    answer(request, response, text),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const hint = 'choose another one with --metrics-port';
      reject(new TrustError('SETTINGS_INVALID', `port ${port} cannot be used (${error.code})`, { hint }));
    });
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page in a browser of this machine may not read it under a name of its own. */
function answer(request: IncomingMessage, response: ServerResponse, text: () => string): void {
  const isHere = LOCAL_HOST.test(request.headers.host ?? '');
  if (!isHere || request.url !== '/metrics' || request.method !== 'GET') {
    response.writeHead(isHere ? 404 : 421).end();
    return;
  }
  response
    .writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    })
    .end(text());
}
