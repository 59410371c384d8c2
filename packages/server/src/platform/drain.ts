import type { ServerResponse } from 'node:http';

export interface DrainPatience {
  /** Longest wait for the reader, in ms. */
  readonly patienceMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** Writes no faster than it is read: resolves once there is room for more, or with false if the reader takes nothing for
 *  so long, is gone, or the wait was ended. What is to be done then is up to the caller. */
export async function writePatiently(
  response: ServerResponse,
  part: string,
  { patienceMs, signal }: DrainPatience,
): Promise<boolean> {
  if (response.destroyed || signal.aborted) return false;
  if (response.write(part)) return true;
  return new Promise((resolve) => {
    const settle = (isDrained: boolean) => (): void => {
      clearTimeout(limit);
      response.off('drain', onDrain);
      response.off('close', onEnd);
      signal.removeEventListener('abort', onEnd);
      resolve(isDrained);
    };
    const onDrain = settle(true);
    const onEnd = settle(false);
    const limit = setTimeout(onEnd, patienceMs);
    response.once('drain', onDrain);
    response.once('close', onEnd);
    signal.addEventListener('abort', onEnd);
  });
}
