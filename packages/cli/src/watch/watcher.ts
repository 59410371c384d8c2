import { MAX_WAITING_ALERTS, type WatchAlert } from '@talosprotocol/contracts';
import type { Finding, LogMonitor } from '@talosprotocol/sdk';
import type { Alerts } from './alerts.js';
import type { Untold } from './untold.js';
import type { WatchMetrics } from './watch-metrics.js';
import type { StateFile } from './watch-state.js';
import type { Webhook } from './webhook.js';

/** Looks at a log and tells what is found. Its evidence is kept first, then what is to be told, then it is told: so a
 *  process that ends in between tells it again. */
export interface Watcher {
  /** One look, and what was not told before. Every alert is tried before it throws.
   *  @throws what the monitor, the state file or `untold` throw */
  look(): Promise<readonly Finding[]>;
  /** Keeps what is remembered now. */
  keep(): Promise<void>;
}

export interface WatcherParts {
  readonly monitor: LogMonitor;
  readonly alerts: Alerts;
  readonly state: StateFile;
  readonly metrics: WatchMetrics;
  readonly webhook: Webhook | undefined;
  /** What waits for a webhook that is not named this time. */
  readonly waiting: readonly WatchAlert[];
  readonly untold: Untold;
  /** What was seen after this says nothing of the log. */
  readonly stopped: AbortSignal;
}

export function createWatcher(parts: WatcherParts): Watcher {
  const { monitor, alerts, untold, state, metrics, webhook, stopped } = parts;
  let dropped = 0;
  // One after the other: what is older must not stand over what is newer.
  let last = Promise.resolve();
  const keep = (more: readonly WatchAlert[] = []): Promise<void> => {
    const write = async (): Promise<void> => {
      const waiting = [...(webhook?.waiting() ?? parts.waiting), ...more].slice(0, MAX_WAITING_ALERTS);
      const seen = monitor.state() as Parameters<StateFile['write']>[0]['monitor'];
      const left = untold.all().slice(0, MAX_WAITING_ALERTS);
      await state.write({
        format: 'talos-watch-v1',
        monitor: seen,
        raised: [...alerts.raised()],
        waiting,
        ...(left.length === 0 ? {} : { untold: left }),
      });
    };
    last = last.then(write, write);
    return last;
  };
  return {
    keep,
    look: async () => {
      const found = await monitor.check();
      if (stopped.aborted) return [];
      const progress = monitor.progress();
      const told = alerts.update(found, progress.size);
      untold.add(told);
      await untold.secure();
      await keep(webhook === undefined ? [] : told);
      dropped += webhook?.add(told).length ?? 0;
      metrics.looked(found, progress);
      metrics.webhook({ waiting: webhook?.waiting().length ?? 0, failed: webhook?.failed() ?? 0, dropped });
      for (const alert of told) metrics.alerted(alert);
      await untold.tell().finally(() => keep());
      return found;
    },
  };
}
