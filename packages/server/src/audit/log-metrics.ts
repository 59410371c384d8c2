import { isTrustError } from '@talosprotocol/protocol';
import type { Metrics } from '../platform/metrics/metrics.js';
import type { DiskWatch } from './disk-watch.js';
import type { OpenLog } from './open-log.js';

/** What the room counts as it takes events in. */
export interface LogMeter {
  /** Counts how it ended, and passes it on. */
  counted<T>(recording: Promise<T>): Promise<T>;
  /** A denial beyond the rate, of which only the number is in the log. */
  summarised(): void;
}

/** `log` gives the log once it is open. */
export function measureLog(
  metrics: Metrics,
  log: () => OpenLog | undefined,
  disk: Pick<DiskWatch, 'isRoomy'>,
): LogMeter {
  observeSize(metrics, log);
  metrics.gauge(
    {
      name: 'talos_audit_disk_roomy',
      help: '1 while the disk has room for writes, 0 below the reserve: then writes are refused.',
    },
    (observe) => observe(disk.isRoomy() ? 1 : 0, {}),
  );
  metrics.gauge(
    {
      name: 'talos_audit_queue_drafts',
      help: 'Events that wait to be written into the log.',
      labels: ['lane'],
    },
    (observe) => {
      const waiting = log()?.sequencer.waiting();
      observe(waiting?.main ?? 0, { lane: 'main' });
      observe(waiting?.denial ?? 0, { lane: 'denial' });
    },
  );
  const refused = metrics.counter({
    name: 'talos_audit_refused_drafts_total',
    help: 'Events that could not be put into the log; what they were about was refused.',
    labels: ['code'],
  });
  const summarised = metrics.counter({
    name: 'talos_audit_summarised_denials_total',
    help: 'Denials beyond the rate of their source: counted in the log, not kept one by one.',
  });
  const countRefused = (error: unknown): never => {
    refused.with({ code: isTrustError(error) ? error.code : 'INTERNAL' }).add();
    throw error;
  };
  const summary = summarised.with({});
  return { counted: (recording) => recording.catch(countRefused), summarised: () => summary.add() };
}

function observeSize(metrics: Metrics, log: () => OpenLog | undefined): void {
  metrics.gauge({ name: 'talos_audit_log_entries', help: 'Events of the log that are durable.' }, (observe) =>
    observe(log()?.sequencer.size ?? Number.NaN, {}),
  );
  metrics.gauge(
    { name: 'talos_audit_checkpoint_entries', help: 'Events below the last signed checkpoint.' },
    (observe) => observe(log()?.integrator.checkpoint?.size ?? Number.NaN, {}),
  );
  metrics.gauge(
    {
      name: 'talos_audit_checkpoint_lag_seconds',
      help: 'How long the oldest event has waited that no checkpoint covers.',
    },
    (observe) => observe((log()?.integrator.lagMs() ?? Number.NaN) / 1000, {}),
  );
  metrics.gauge(
    {
      name: 'talos_audit_clock_behind_seconds',
      help: 'How far the clock is behind the newest event; until it is there again all events get the time of that one.',
    },
    (observe) => observe((log()?.time.behindMs() ?? Number.NaN) / 1000, {}),
  );
  metrics.gauge(
    {
      name: 'talos_audit_log_writable',
      help: '1 while this process can write and sign the log, else 0.',
    },
    (observe) => observe(isWritable(log()) ? 1 : 0, {}),
  );
}

function isWritable(log: OpenLog | undefined): boolean {
  if (log?.sequencer.isUp() !== true) return false;
  try {
    log.integrator.assertSound();
    return true;
  } catch {
    return false;
  }
}
