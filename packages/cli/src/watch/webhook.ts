import { createHmac } from 'node:crypto';
import { MAX_WAITING_ALERTS, type WatchAlert } from '@talosprotocol/contracts';
import { isLoopback } from '../platform.js';
import { UsageError } from '../usage-error.js';
import { pause } from './pause.js';

/** Delivers alerts to a webhook (AUD-99), in order, each until it was taken. */
export interface Webhook {
  /** Takes alerts that were kept durably. Beyond the bound they are not taken: gives those. */
  add(alerts: readonly WatchAlert[]): readonly WatchAlert[];
  /** What was not taken yet, oldest first: to be kept. */
  waiting(): readonly WatchAlert[];
  /** Attempts that failed so far. */
  failed(): number;
  /** Resolves when nothing waits, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
  /** Ends; what waits is tried no more. */
  stop(): void;
}

export interface WebhookOptions {
  readonly url: string;
  readonly secret: Uint8Array;
  readonly fetch: typeof fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What waited when the monitor was stopped. */
  readonly waiting: readonly WatchAlert[];
  /** Told when an alert was taken, so that it is kept no more. */
  readonly onTaken: () => void;
  /** Told of the first failure of each alert: where to and why, without the rest of the address. */
  readonly onFailed: (reason: string) => void;
  /** First pause after a failure, in milliseconds; doubled each time. */
  readonly pauseMs?: number;
}

const TIMEOUT_MS = 10_000;
const PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;

/** @throws {UsageError} the URL is none that an alert may be sent to */
export function createWebhook(options: WebhookOptions): Webhook {
  const url = checkedUrl(options.url);
  const queue = [...options.waiting];
  const ended = new AbortController();
  const idle = new Set<() => void>();
  let failures = 0;
  let working = false;
  const deliver = async (): Promise<void> => {
    for (let tries = 0; queue[0] !== undefined && !ended.signal.aborted; ) {
      const refused = await send(url, queue[0], options, ended.signal);
      if (refused === undefined) {
        queue.shift();
        tries = 0;
        options.onTaken();
        continue;
      }
      failures += 1;
      if (tries === 0) options.onFailed(`${url.origin} ${refused}`);
      const first = options.pauseMs ?? PAUSE_MS;
      await pause(Math.min(first * 2 ** tries, MAX_PAUSE_MS), ended.signal);
      tries = Math.min(tries + 1, 30);
    }
  };
  const work = (): void => {
    if (working || queue.length === 0 || ended.signal.aborted) return;
    working = true;
    void deliver().finally(() => {
      working = false;
      for (const tell of idle) tell();
    });
  };
  work();
  return {
    add: (alerts) => {
      const taken = alerts.slice(0, Math.max(0, MAX_WAITING_ALERTS - queue.length));
      queue.push(...taken);
      work();
      return alerts.slice(taken.length);
    },
    waiting: () => [...queue],
    failed: () => failures,
    drain: (limitMs) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          idle.delete(done);
          resolve();
        };
        const timer = setTimeout(done, limitMs);
        idle.add(done);
        if (!working) done();
      }),
    stop: () => ended.abort(),
  };
}

/** An alert says what is wrong with a log: nobody on the way needs to know before its receiver does. */
function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url !== undefined && isSafe && `${url.username}${url.password}${url.hash}` === '') return url;
  throw new UsageError(
    '--webhook is no URL that alerts may be sent to',
    'https, or http on this machine, without user and password',
  );
}

/** Why it was not taken; undefined if it was. */
async function send(
  url: URL,
  alert: WatchAlert,
  options: WebhookOptions,
  ended: AbortSignal,
): Promise<string | undefined> {
  const body = JSON.stringify(alert);
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  const timer = setTimeout(abort, TIMEOUT_MS);
  ended.addEventListener('abort', abort);
  try {
    const headers = { 'content-type': 'application/json', ...signatureOf(alert.id, body, options) };
    const response = await options.fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body,
      signal: limit.signal,
    });
    response.body?.cancel().catch(() => undefined);
    return response.ok ? undefined : `answered ${response.status}`;
  } catch {
    // What fetch says may repeat the whole address, which is a secret of many receivers.
    return limit.signal.aborted ? `gave no answer within ${TIMEOUT_MS} ms` : 'cannot be reached';
  } finally {
    clearTimeout(timer);
    ended.removeEventListener('abort', abort);
  }
}

/** As Standard Webhooks say. */
function signatureOf(id: string, body: string, { secret, now }: WebhookOptions): Record<string, string> {
  const timestamp = String(Math.floor(now() / 1000));
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}
