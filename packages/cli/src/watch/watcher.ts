import { MAX_WAITING_ALERTS, type WatchAlert } from '@talosprotocol/contracts';
import type { Finding, LogMonitor } from '@talosprotocol/sdk';
import type { Alerts } from './alerts.js';
import type { WatchMetrics } from './watch-metrics.js';
import type { StateFile } from './watch-state.js';
import type { Webhook } from './webhook.js';

/** Looks at a log and tells what is found: kept first, then told. */
export interface Watcher {
  /** One look. @throws what the monitor, the state file or `tell` throw */
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
  /** Says an alert to people and programs. */
  readonly tell: (alert: WatchAlert) => Promise<void>;
  /** What was seen after this says nothing of the log. */
  readonly stopped: AbortSignal;
}

export function createWatcher(parts: WatcherParts): Watcher {
  const { monitor, alerts, state, metrics, webhook, stopped } = parts;
  let dropped = 0;
  // One after the other: what is older must not stand over what is newer.
  let last = Promise.resolve();
  const keep = (more: readonly WatchAlert[] = []): Promise<void> => {
    const write = async (): Promise<void> => {
      const waiting = [...(webhook?.waiting() ?? parts.waiting), ...more].slice(0, MAX_WAITING_ALERTS);
      const seen = monitor.state() as Parameters<StateFile['write']>[0]['monitor'];
      await state.write({ format: 'talos-watch-v1', monitor: seen, raised: [...alerts.raised()], waiting });
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
      await keep(webhook === undefined ? [] : told);
      dropped += webhook?.add(told).length ?? 0;
      metrics.looked(found, progress);
      metrics.webhook({ waiting: webhook?.waiting().length ?? 0, failed: webhook?.failed() ?? 0, dropped });
      for (const alert of told) {
        metrics.alerted(alert);
        await parts.tell(alert);
      }
      return found;
    },
  };
}
