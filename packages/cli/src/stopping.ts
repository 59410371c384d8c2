import type { Io, StopSignal } from './io.js';

/** Somebody ended the command: no failure, and the exit code is the shell's for that signal. */
export class StoppedError extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: StopSignal = 'SIGINT') {
    super('stopped');
    this.name = 'StoppedError';
    this.exitCode = signal === 'SIGTERM' ? 143 : 130;
  }
}

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
