import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** A server that runs in a process of its own. */
export interface Child<T> {
  /** The one line of JSON it printed once it served. */
  readonly ready: T;
  /** From the start of the process to that line. */
  readonly readyMs: number;
  rssBytes(): number;
  stop(): Promise<void>;
}

const START_MS = 60_000;

/** Starts a Node program and waits for its first line.
 *  @throws {Error} it ended, or was not ready within a minute */
export async function startChild<T>(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly log: string },
): Promise<Child<T>> {
  const log = openSync(options.log, 'a', 0o600);
  const begun = performance.now();
  const child = spawn(process.execPath, args, { env: options.env, stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(timer);
  };
  try {
    const line = await firstLine(child.stdout, ended);
    const readyMs = performance.now() - begun;
    return { ready: parseReady<T>(line), readyMs, rssBytes: () => rssOf(child.pid), stop };
  } catch (error) {
    await stop();
    const said = error instanceof Error ? error.message : String(error);
    throw new Error(`${args[0]} did not start: ${said}\n${logTail(options.log)}`);
  }
}

/** The end of a log whose folder is about to be removed. */
function logTail(path: string): string {
  return readFileSync(path, 'utf8').slice(-2000);
}

async function firstLine(output: NodeJS.ReadableStream | null, ended: Promise<void>): Promise<string> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    output?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
  });
  const timer = AbortSignal.timeout(START_MS);
  const late = new Promise<string>((resolve) => {
    timer.addEventListener('abort', () => resolve(text), { once: true });
  });
  return Promise.race([line, late, ended.then(() => text)]);
}

function parseReady<T>(line: string): T {
  const ready = JSON.parse(line) as T & { readonly error?: unknown };
  if (ready.error !== undefined) throw new Error(line);
  return ready;
}

/** Resident memory of a process, which Node tells of itself only. */
function rssOf(pid: number | undefined): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}
