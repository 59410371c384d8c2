import { EXIT, type ExitCode } from './exit-code.js';
import type { Io } from './io.js';
import type { Output } from './output.js';
import type { ServerProcess } from './server-process.js';
import { untilStopped } from './stopping.js';

/** Something with a server in it that this process answers for. */
interface Serving {
  readonly server: ServerProcess<object>;
}

/** Starts a server, uses it, and keeps it until somebody stops this process or it ends by itself. Whenever the stop
 *  comes, also in the middle of the start, and whatever fails, the server is gone afterwards.
 *  @throws {StoppedError} stopped before it was of use */
export async function serveUntilStopped<T extends Serving>(
  io: Io,
  output: Output,
  start: (signal: AbortSignal) => Promise<T>,
  use: (serving: T) => Promise<void>,
): Promise<ExitCode> {
  return untilStopped(io, async (signal) => {
    signal.addEventListener('abort', () => output.aside('Stopping ...'));
    const serving = await start(signal);
    const deaf = io.onReload(() => serving.server.reload());
    const code = await useAndKeep(serving, use).finally(deaf);
    if (signal.aborted && code === 0) return EXIT.ok;
    output.aside(`The server ended (exit code ${code}). Its log above says why.`);
    return EXIT.unavailable;
  });
}

async function useAndKeep<T extends Serving>(
  serving: T,
  use: (serving: T) => Promise<void>,
): Promise<number> {
  try {
    await use(serving);
  } catch (error) {
    await serving.server.stop();
    throw error;
  }
  return serving.server.ended;
}
