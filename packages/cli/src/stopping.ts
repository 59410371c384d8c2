import type { Io } from './io.js';
import { StoppedError } from './stopped-error.js';

/** Does `work` with a signal that aborts when somebody stops this process. What fails after that fails because of it.
 *  @throws {StoppedError} */
export async function untilStopped<T>(io: Io, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const ignore = io.onStop((signal) => stopping.abort(new StoppedError(signal)));
  try {
    return await work(stopping.signal);
  } catch (error) {
    throw stopping.signal.aborted ? stopping.signal.reason : error;
  } finally {
    ignore();
  }
}

/** The same `io`, whose requests end with the signal. */
export function withSignal(io: Io, signal: AbortSignal): Io {
  return {
    ...io,
    fetch: (input, init) => io.fetch(input, { ...init, signal: join(signal, init?.signal) }),
  };
}

function join(signal: AbortSignal, other: AbortSignal | null | undefined): AbortSignal {
  return other ? AbortSignal.any([signal, other]) : signal;
}
