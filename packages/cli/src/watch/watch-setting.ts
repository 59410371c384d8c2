import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Invocation } from '../define-command.js';
import { parseCount, parseDuration } from '../grant/duration.js';
import { isLoopback, readOwnKey } from '../platform.js';
import { printable } from '../printable.js';
import { UsageError } from '../usage-error.js';
import { readWatchedLog, type WatchedLog, type WatchedLogOptions } from './watched-log.js';
import { readWebhookSecret } from './webhook-secret.js';

/** The options of `talos audit watch`, as they are given. */
export interface WatchOptions extends WatchedLogOptions {
  readonly state?: string;
  readonly evidence?: string;
  readonly also: readonly string[];
  readonly witness: readonly string[];
  readonly entries?: boolean;
  readonly from?: string;
  readonly every: string;
  readonly grace: string;
  readonly maxAge: string;
  readonly webhook?: string;
  readonly webhookSecretFile?: string;
  readonly metricsPort?: string;
  readonly once?: boolean;
}

/** What they mean. */
export interface WatchSetting extends WatchedLog {
  readonly url: string;
  readonly also: readonly string[];
  /** Witnesses that are asked what they saw. */
  readonly witnesses: readonly string[];
  readonly state: string | undefined;
  readonly evidence: string | undefined;
  /** The first entry that is read; undefined if none is. */
  readonly entriesFrom: number | undefined;
  /** Shown to the log for its entries. */
  readonly token: string | undefined;
  readonly everyMs: number;
  /** For answers and cosignatures, and for what is shown from a cache. */
  readonly patienceMs: number;
  readonly lagMs: number;
  readonly maxAgeMs: number;
  readonly webhook: { readonly url: string; readonly secret: Uint8Array } | undefined;
  readonly metricsPort: number | undefined;
  readonly once: boolean;
}

/** @throws {UsageError} | {TrustError} a file that is named is none, or is not there */
export async function readWatchSetting({
  io,
  args,
  options,
}: Pick<Invocation<WatchOptions>, 'io' | 'args' | 'options'>): Promise<WatchSetting> {
  const { also, witness: witnesses, state, evidence, metricsPort, webhook } = options;
  const [url = ''] = args;
  for (const one of [url, ...also, ...witnesses]) assertLogUrl(one);
  if (also.length + witnesses.length > MAX_VIEWS)
    throw new UsageError(`--also and --witness may be given ${MAX_VIEWS} times together`);
  const once = options.once === true;
  const token = options.entries === true ? await readOwnKey(io) : undefined;
  if (token !== undefined) assertMayGetKey(url);
  return {
    ...(await readWatchedLog(io, options, await createFastestCrypto())),
    url,
    also,
    witnesses,
    state,
    evidence: evidence ?? (state === undefined ? undefined : `${state}.evidence`),
    entriesFrom: entriesFrom(options),
    token,
    everyMs: parseDuration(options.every) * 1_000,
    patienceMs: once ? 0 : parseDuration(options.grace) * 1_000,
    lagMs: parseDuration(options.grace) * 1_000,
    maxAgeMs: parseDuration(options.maxAge) * 1_000,
    webhook:
      webhook === undefined
        ? undefined
        : { url: webhook, secret: await readWebhookSecret(io, options.webhookSecretFile) },
    metricsPort: metricsPort === undefined ? undefined : readPort(metricsPort),
    once,
  };
}

const MAX_VIEWS = 16;

function entriesFrom({ entries, from }: WatchOptions): number | undefined {
  if (entries === true) return parseCount(from ?? '0', 0, '--from');
  if (from !== undefined) throw new UsageError('--from is of --entries', 'add --entries');
  return undefined;
}

function readPort(text: string): number {
  const port = parseCount(text, 0, '--metrics-port');
  if (port > 65_535) throw new UsageError('--metrics-port takes a port up to 65535');
  return port;
}

function assertLogUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url !== undefined && isWeb && `${url.username}${url.password}${url.search}${url.hash}` === '') return;
  throw new UsageError(`no URL of a log: ${printable(text)}`, 'such as https://audit.example/tlog');
}

function assertMayGetKey(text: string): void {
  const { protocol, hostname } = new URL(text);
  if (protocol === 'https:' || isLoopback(hostname)) return;
  throw new UsageError(
    'the key would be sent in the clear',
    'name the log by https, or unset TALOS_KEY_FILE',
  );
}
