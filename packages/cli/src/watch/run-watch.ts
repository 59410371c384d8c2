import type { WatchState } from '@talosprotocol/contracts';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import {
  createLogClient,
  createLogMonitor,
  createWitnessView,
  type Finding,
  type LogMonitor,
} from '@talosprotocol/sdk';
import { EXIT, type ExitCode } from '../exit-code.js';
import type { Io } from '../io.js';
import type { Output } from '../output.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';
import { StoppedError } from '../stopped-error.js';
import { createAlerts } from './alerts.js';
import { keepEvidence } from './evidence-file.js';
import { pause } from './pause.js';
import { tellAlert, tellLooked } from './tell.js';
import { createUntold } from './untold.js';
import { createWatchMetrics, serveMetrics } from './watch-metrics.js';
import type { WatchSetting } from './watch-setting.js';
import { createStateFile } from './watch-state.js';
import { createWatcher, type Watcher } from './watcher.js';
import { createWebhook, type Webhook } from './webhook.js';

interface Parts {
  readonly io: Io;
  readonly output: Output;
  readonly setting: WatchSetting;
  readonly stopped: AbortSignal;
}

/** Watches until it is stopped, or once. Gives the exit code. */
export async function runWatch(parts: Parts): Promise<ExitCode> {
  const { io, setting, stopped } = parts;
  const state = createStateFile(io, setting.state);
  const kept = await state.read();
  const monitor = await createMonitor(parts, kept);
  const metrics = createWatchMetrics(io.now);
  const files: string[] = [];
  // A failure to keep is met again by the next look, which ends the command.
  const onTaken = (): void => void watcher.keep().catch(() => undefined);
  const webhook = openWebhook(parts, kept, onTaken);
  const watcher: Watcher = createWatcher({
    monitor,
    alerts: createAlerts({
      origin: setting.log.origin,
      now: io.now,
      random: io.random,
      raised: kept?.raised ?? [],
    }),
    state,
    metrics,
    webhook,
    waiting: kept?.waiting ?? [],
    untold: createUntold({
      left: kept?.untold ?? [],
      secure: (alert) => keepEvidence(io, setting.evidence, alert),
      tell: (alert, file) => {
        if (file !== undefined) files.push(file);
        if (!setting.once) tellAlert(parts.output, alert, file);
      },
    }),
    stopped,
  });
  const served =
    setting.metricsPort === undefined ? undefined : await serveMetrics(setting.metricsPort, metrics.text);
  try {
    if (setting.once) return await lookOnce(parts, watcher, monitor, files);
    introduce(parts, served?.url);
    return await lookOn(parts, watcher, monitor);
  } finally {
    if (setting.once) await webhook?.drain(DRAIN_MS);
    webhook?.stop();
    await served?.close();
    await watcher.keep();
  }
}

/** What one look waits for the webhook; what is left waits for the next. */
const DRAIN_MS = 20_000;

async function createMonitor(
  { io, setting, stopped }: Parts,
  kept: WatchState | undefined,
): Promise<LogMonitor> {
  const crypto = await createFastestCrypto();
  const { log, emitters, entriesFrom, token } = setting;
  const { witnesses: _, ...bare } = log;
  const shared = { log: bare, crypto, fetch: io.fetch, signal: stopped };
  const entries =
    entriesFrom === undefined
      ? {}
      : { entries: { from: entriesFrom, ...(emitters === undefined ? {} : { emitters }) } };
  return createLogMonitor({
    client: createLogClient({ ...shared, url: setting.url, ...(token === undefined ? {} : { token }) }),
    views: [
      ...setting.also.map((url) => createLogClient({ ...shared, url })),
      ...setting.witnesses.map((url) => createWitnessView({ ...shared, url })),
    ],
    log,
    ...entries,
    crypto,
    now: io.now,
    maxAgeMs: setting.maxAgeMs,
    patienceMs: setting.patienceMs,
    lagMs: setting.lagMs,
    ...(kept === undefined ? {} : { state: kept.monitor }),
  });
}

function openWebhook(
  { io, output, setting }: Parts,
  kept: WatchState | undefined,
  onTaken: () => void,
): Webhook | undefined {
  const { webhook } = setting;
  if (webhook === undefined) return undefined;
  return createWebhook({
    ...webhook,
    fetch: io.fetch,
    now: io.now,
    waiting: kept?.waiting ?? [],
    onTaken,
    onFailed: (reason) => output.aside(`talos: the webhook ${reason}; it is tried again`),
  });
}

function introduce({ output, setting }: Parts, metrics: string | undefined): void {
  output.aside(`Watching ${printable(setting.log.origin)} at ${printable(setting.url)} until Ctrl-C`);
  if (setting.state === undefined)
    output.aside('Without --state nothing is remembered: what is shown after a restart is held to nothing');
  if (metrics !== undefined) output.aside(`Metrics at ${metrics}`);
}

async function lookOn({ setting, stopped }: Parts, watcher: Watcher, monitor: LogMonitor): Promise<ExitCode> {
  while (!stopped.aborted) {
    const found = await watcher.look();
    // A log that is read from its beginning is read without pauses.
    if (found.length > 0 || monitor.progress().unread === 0) await pause(setting.everyMs, stopped);
  }
  return EXIT.ok;
}

async function lookOnce(
  { io, output, setting, stopped }: Parts,
  watcher: Watcher,
  monitor: LogMonitor,
  files: readonly string[],
): Promise<ExitCode> {
  const looking = lookThrough(watcher, monitor, stopped);
  const found = await withProgress(io, output, 'Reading the log', looking);
  const { unread, ...seen } = monitor.progress();
  const read = setting.entriesFrom === undefined ? {} : { read: seen.size - unread };
  tellLooked(output, { origin: setting.log.origin, ...seen, ...read, findings: found, files });
  if (found.length === 0) return EXIT.ok;
  return found.every(({ kind }) => kind === 'unreachable') ? EXIT.unavailable : EXIT.proofInvalid;
}

/** @throws {StoppedError} it says nothing of the log that it was left */
async function lookThrough(
  watcher: Watcher,
  monitor: LogMonitor,
  stopped: AbortSignal,
): Promise<readonly Finding[]> {
  for (;;) {
    const found = await watcher.look();
    if (stopped.aborted) throw new StoppedError();
    if (found.length > 0 || monitor.progress().unread === 0) return found;
  }
}
