import type { WatchAlert } from '@talosprotocol/contracts';
import { createUuidv7, formatTime } from '@talosprotocol/protocol';
import { type Finding, nameOf } from '@talosprotocol/sdk';

/** Makes alerts of findings: one when something is found, one when it is found no more. */
export interface Alerts {
  /** What is to be told of a look that found this. */
  update(found: readonly Finding[], size: number): readonly WatchAlert[];
  /** What was raised and has not ended. */
  raised(): readonly Finding[];
}

export interface AlertsOptions {
  readonly origin: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  /** What was raised before a restart. */
  readonly raised: readonly Finding[];
}

export function createAlerts({ origin, now, random, raised }: AlertsOptions): Alerts {
  const active = new Map(raised.map((finding) => [nameOf(finding), finding]));
  const alert = (state: WatchAlert['state'], finding: Finding, size: number): WatchAlert => ({
    format: 'talos-alert-v1',
    id: `alr_${createUuidv7(now(), random(16))}`,
    time: formatTime(now()),
    state,
    origin,
    ...finding,
    size,
  });
  return {
    update: (found, size) => {
      const names = new Set(found.map(nameOf));
      const begun = found.filter((finding) => !active.has(nameOf(finding)));
      const over = [...active].filter(([name]) => !names.has(name));
      for (const [name] of over) active.delete(name);
      for (const { evidence: _, ...finding } of begun) active.set(nameOf(finding), finding);
      return [
        ...begun.map((finding) => alert('raised', finding, size)),
        ...over.map(([, finding]) => alert('ended', finding, size)),
      ];
    },
    raised: () => [...active.values()],
  };
}
