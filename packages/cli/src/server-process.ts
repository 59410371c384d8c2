import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Progress } from './progress.js';
import { writeServerRecord } from './server-record.js';

/** What the server says on standard output once it serves. */
export interface ServerReady {
  readonly kernel: string;
  readonly gateway: string;
  readonly audit: string;
  readonly data: string;
  readonly config: string;
  readonly gatewayDid: string;
  readonly organisationDid: string;
}

/** What a process with some of the roles says: it has the URLs of its own services only. */
export type RolesReady = Omit<ServerReady, 'kernel' | 'gateway' | 'audit'> &
  Partial<Pick<ServerReady, 'kernel' | 'gateway' | 'audit'>>;

/** A server this command started and answers for. */
export interface ServerProcess<R extends object = ServerReady> {
  readonly ready: R;
  readonly pid: number;
  /** Resolves with the exit code when the process ends, however it ends. */
  readonly ended: Promise<number>;
  /** Asks it to stop and waits; after `limitMs` it is killed. */
  stop(limitMs?: number): Promise<void>;
  /** Asks it to read talos.yaml again; what is wrong with it stands in the log. */
  reload(): void;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the server's log lines go. */
  readonly log: 'inherit' | 'ignore' | number;
  readonly readyMs?: number;
  /** Stops the process whenever it aborts, also before it serves. */
  readonly signal?: AbortSignal;
}

/** How long a stop may take before the process is killed. */
const STOP_MS = 20_000;

/** The server's program, found through the package and not imported: it runs in a process of its own. */
const program = (): string => fileURLToPath(import.meta.resolve('@talosprotocol/server/main'));

/** Starts all roles in one process, waits until they serve, and notes in the data folder where they are.
 *  @throws {TrustError} what the server said, or UNAVAILABLE */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const server = await startRoles<ServerReady>('all', options);
  const { ready, pid } = server;
  await writeServerRecord(ready.data, { ...ready, pid }).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return server;
}

/** Starts a process with these roles (`kernel,gateway`, or `witness` by itself) and waits until it serves. Of several on
 *  one data folder nobody could say which one a note of where they are is about: there is none.
 *  @throws {TrustError} what the server said, or UNAVAILABLE */
export async function startRoles<R extends object = RolesReady>(
  roles: string,
  options: ServerOptions,
): Promise<ServerProcess<R>> {
  options.signal?.throwIfAborted();
  // The pipe to its standard input is never written to: it closes when this process ends, also by SIGKILL.
  const child = spawn(process.execPath, [program(), roles, '--until-stdin-ends'], {
    env: options.env as NodeJS.ProcessEnv,
    stdio: ['pipe', 'pipe', options.log],
  });
  const ended = new Promise<number>((resolve) =>
    child.once('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 128)),
  );
  const { signal } = options;
  const abort = (): void => void stop(child, ended, STOP_MS);
  signal?.addEventListener('abort', abort);
  void ended.then(() => signal?.removeEventListener('abort', abort));
  const ready = (await firstLine(child, ended, options.readyMs ?? 60_000)) as R;
  return {
    ready,
    pid: child.pid ?? 0,
    ended,
    stop: (limitMs = STOP_MS) => stop(child, ended, limitMs),
    reload: () => void child.kill('SIGHUP'),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs one of the server's own one-shot commands and gives back the document it printed. */
export async function runServerCommand(
  name: 'init' | 'doctor' | 'witness-key' | 'anchor-deploy',
  env: ServerOptions['env'],
): Promise<unknown> {
  return runLongServerCommand([name], env, () => undefined);
}

/** The same for a command that tells how far it has come, a line each time. */
export async function runLongServerCommand(
  args: readonly string[],
  env: ServerOptions['env'],
  onProgress: (progress: Progress) => void,
): Promise<unknown> {
  const child = spawn(process.execPath, [program(), ...args], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let answer = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const { progress } = (parseOrUndefined(line) ?? {}) as { progress?: Progress };
    if (progress === undefined) answer = line;
    else onProgress(progress);
  }
  return parseAnswer(answer);
}

async function stop(child: ChildProcess, ended: Promise<number>, limitMs: number): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await ended;
  clearTimeout(timer);
}

async function firstLine(child: ChildProcess, ended: Promise<number>, limitMs: number): Promise<unknown> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text.length > 65_536) return;
      text += chunk.toString('utf8');
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TrustError('UNAVAILABLE', `the server was not ready within ${limitMs / 1000} s`)),
      limitMs,
    );
  });
  const gone = ended.then(() => text.split('\n')[0] ?? '');
  try {
    return parseAnswer(await Promise.race([line, gone, late]));
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The server answers with one JSON document; a failure in it is thrown as what it is. */
function parseAnswer(text: string): unknown {
  const answer = parseOrUndefined(text);
  if (answer === undefined)
    throw new TrustError('UNAVAILABLE', 'the server ended before it was ready', {
      hint: 'its log above says why; `talos doctor` checks the machine',
    });
  const { error } = answer as { error?: { code: string; reason: string; hint?: string } };
  if (error === undefined) return answer;
  const known = Object.assign(new Error(error.code), { name: 'TrustError', code: error.code });
  if (!isTrustError(known)) throw new TrustError('INTERNAL', error.reason);
  throw new TrustError(known.code, error.reason, error.hint === undefined ? {} : { hint: error.hint });
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
