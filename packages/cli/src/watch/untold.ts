import type { WatchAlert } from '@talosprotocol/contracts';

/** Alerts from when they are made until they were told and their evidence lies in its file. */
export interface Untold {
  add(alerts: readonly WatchAlert[]): void;
  /** Oldest first: to be kept. */
  all(): readonly WatchAlert[];
  /** Keeps the evidence of each; what fails is said by `tell`. */
  secure(): Promise<void>;
  /** Tries each, whatever fails with another. One stays that could not be told, or whose evidence could not be kept.
   *  @throws the first of what `secure` and the telling failed with */
  tell(): Promise<void>;
}

export interface UntoldOptions {
  /** What was not told before a restart. */
  readonly left: readonly WatchAlert[];
  /** Keeps what an alert has to show, and gives where; the same may be kept again. */
  readonly secure: (alert: WatchAlert) => Promise<string | undefined>;
  /** Says an alert to people and programs. */
  readonly tell: (alert: WatchAlert, file: string | undefined) => void;
}

export function createUntold({ left, secure, tell }: UntoldOptions): Untold {
  const alerts = new Map(left.map((alert) => [alert.id, alert]));
  const files = new Map<string, string | undefined>();
  const faults = new Map<string, unknown>();
  const say = (alert: WatchAlert): void => {
    try {
      tell(alert, files.get(alert.id));
      if (files.has(alert.id)) alerts.delete(alert.id);
    } catch (error) {
      faults.set(alert.id, error);
    }
  };
  return {
    add: (more) => {
      for (const alert of more) alerts.set(alert.id, alert);
    },
    all: () => [...alerts.values()],
    secure: async () => {
      for (const alert of alerts.values())
        await secure(alert).then(
          (file) => void files.set(alert.id, file),
          (error: unknown) => void faults.set(alert.id, error),
        );
    },
    tell: async () => {
      for (const alert of [...alerts.values()]) say(alert);
      const [fault] = faults.values();
      const isFaulty = faults.size > 0;
      files.clear();
      faults.clear();
      if (isFaulty) throw fault;
    },
  };
}
