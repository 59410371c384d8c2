import { TrustError } from '@talosprotocol/protocol';

/** Lets so many calls run at once and so many wait in order; refuses the rest. */
export interface Slots {
  /** Resolves when a slot is ours. @throws {TrustError} UNAVAILABLE; the signal's reason when it aborts */
  acquire(signal: AbortSignal): Promise<void> | undefined;
  release(): void;
}

interface Waiting {
  readonly take: () => void;
}

/** `acquire` gives undefined, and no promise, where a slot is free at once. */
export function createSlots(maxRunning: number, maxWaiting: number, maxWaitMs: number): Slots {
  const waiting = new Set<Waiting>();
  let running = 0;
  const wait = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        waiting.delete(entry);
        act();
      };
      const onAbort = (): void => finish(() => reject(signal.reason));
      const entry: Waiting = { take: () => finish(resolve) };
      const timer = setTimeout(() => finish(() => reject(busy())), maxWaitMs);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(entry);
    });
  return {
    acquire(signal) {
      if (running < maxRunning) {
        running += 1;
        return undefined;
      }
      if (waiting.size >= maxWaiting) throw busy();
      return wait(signal);
    },
    release() {
      // A slot goes from hand to hand: `running` changes only if nobody waits.
      const [next] = waiting;
      if (next === undefined) running -= 1;
      else next.take();
    },
  };
}

function busy(): TrustError {
  return new TrustError('UNAVAILABLE', 'the tool server has too many calls to do', {
    hint: 'try again in a moment, or raise the limits of this tool server',
  });
}
