/** Pieces of work that end early once what they need is gone, or if they take too long. */
export interface WatchedWork {
  /** @throws what `work` throws, or what `fail` makes */
  within<T>(work: Promise<T>): Promise<T>;
}

/** Builds it. `gone` may stay open for as long as the process lives. No Promise.race: on such a promise it leaves a trace of each piece
 *  of work, with what came of it, until that settles. */
export function watchWork(gone: Promise<unknown>, limitMs: number, fail: () => Error): WatchedWork {
  const waiting = new Set<() => void>();
  let isGone = false;
  const tell = (): void => {
    isGone = true;
    for (const end of [...waiting]) end();
  };
  gone.then(tell, tell);
  return {
    within: (work) =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(giveUp);
        };
        const giveUp = (): void => {
          end();
          reject(fail());
        };
        const timer = setTimeout(giveUp, limitMs);
        waiting.add(giveUp);
        work.then(resolve, reject).finally(end);
        if (isGone) giveUp();
      }),
  };
}
