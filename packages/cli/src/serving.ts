import { EXIT, type ExitCode } from './exit-code.js';
import type { Io } from './io.js';
import type { Output } from './output.js';
import type { ServerProcess } from './server-process.js';

/** Keeps a server until somebody stops this process or the server ends; in both cases it is gone afterwards. */
export async function serveUntilStopped(io: Io, output: Output, server: ServerProcess): Promise<ExitCode> {
  let stopping: Promise<void> | undefined;
  const ignore = io.onStop(() => {
    output.aside('Stopping ...');
    stopping = server.stop();
  });
  const code = await server.ended;
  ignore();
  await stopping;
  if (stopping !== undefined && code === 0) return EXIT.ok;
  output.aside(`The platform ended (exit code ${code}). Its log above says why.`);
  return EXIT.unavailable;
}
