/** Tells those who wait that the log has grown. */
export interface Growth {
  tell(size: number): void;
  /** Resolves when the log may have more than `size` events, after `limitMs`, or when the signal aborts. */
  beyond(size: number, limitMs: number, signal: AbortSignal): Promise<void>;
}

export function createGrowth(): Growth {
  const waiting = new Set<{ readonly size: number; readonly wake: () => void }>();
  let known = 0;
  return {
    tell: (size) => {
      known = size;
      for (const waiter of waiting) if (size > waiter.size) waiter.wake();
    },
    beyond: (size, limitMs, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(limit);
          signal.removeEventListener('abort', wake);
          waiting.delete(waiter);
          resolve();
        };
        const waiter = { size, wake };
        const limit = setTimeout(wake, limitMs);
        signal.addEventListener('abort', wake);
        waiting.add(waiter);
        if (known > size || signal.aborted) wake();
      }),
  };
}
