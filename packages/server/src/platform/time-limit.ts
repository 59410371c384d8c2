/** A signal that aborts after a time, or with another one. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** True once the time was over. */
  isOver(): boolean;
  /** To be called when what was limited has ended. */
  end(): void;
}

/** Limits one piece of work. Not AbortSignal.any: on a signal that lives as long as the process, Node keeps a trace of each that
 *  depends on it. */
export function startTimeLimit(ms: number, outer: AbortSignal): TimeLimit {
  const controller = new AbortController();
  let isOver = false;
  // Why the other one did is told on: a call hears that its credential was revoked.
  const abort = (): void => controller.abort(outer.reason);
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, ms);
  timer.unref();
  outer.addEventListener('abort', abort);
  if (outer.aborted) abort();
  return {
    signal: controller.signal,
    isOver: () => isOver,
    end: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
    },
  };
}
