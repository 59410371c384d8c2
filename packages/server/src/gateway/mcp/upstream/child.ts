import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../../platform/log.js';
import type { Reaper } from '../../../platform/reaper.js';
import type { ServerCommand } from '../../admission/ports.js';
import { type Descendant, descendantsOf, killDescendants } from './descendants.js';
import { serverEnvironment } from './environment.js';
import { createLineReader } from './line-reader.js';
import { logErrorOutput } from './stderr-log.js';

export interface ChildDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Ends the groups if we are killed. */
  readonly reaper: Pick<Reaper, 'addGroup' | 'removeGroup'>;
  readonly log: Log;
}

export interface ChildEvents {
  readonly onLine: (line: Uint8Array) => void;
  readonly onOverflow: () => void;
  /** Once, after the last line; `reason` completes "the tool server ...", `said` is its last line of errors. */
  readonly onEnd: (reason: string, said?: string) => void;
}

/** A running tool server: the leader of a process group of its own. */
export interface Child {
  readonly pid: number | undefined;
  /** Queues one line. False if the server does not read what it was sent, so that nothing more is queued. */
  write(line: string): boolean;
  /** Closes its input, then asks the group to end, then kills it, and at last what left the group (Linux). Resolves
   *  when it is gone. */
  stop(): Promise<void>;
  /** Kills the group at once, and what left it. */
  kill(): void;
}

const MAX_UNREAD_INPUT = 8 * 1024 * 1024;
const STOP_INPUT_MS = 500;
const STOP_TERM_MS = 1_500;
/** How long output may follow the exit; a grandchild that left the group can hold the pipe open. */
const LAST_OUTPUT_MS = 500;

/** Starts a tool server, detached: one signal reaches it and everything it forks. */
export function startChild(
  command: ServerCommand,
  maxLine: number,
  deps: ChildDeps,
  events: ChildEvents,
): Child {
  const child = spawn(command.command, [...command.args], {
    cwd: command.cwd ?? '/',
    env: serverEnvironment(deps.environment, command.env),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  if (child.pid !== undefined) deps.reaper.addGroup(child.pid);
  const reader = createLineReader({ maxBytes: maxLine, ...events });
  child.stdout.on('data', (chunk: Buffer) => reader.push(chunk));
  const lastError = logErrorOutput(child.stderr, deps.log);
  // A broken pipe shows as the end of the process.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
  const ended = endOf(child, deps.reaper, (reason) => events.onEnd(reason, lastError()));
  return {
    pid: child.pid,
    write: (line) => writeLine(child, line),
    stop: () => stopChild(child, ended),
    kill: () => {
      const below = belowOf(child);
      signalGroup(child, 'SIGKILL');
      killDescendants(below);
    },
  };
}

function writeLine({ stdin }: ChildProcessWithoutNullStreams, line: string): boolean {
  if (!stdin.writable || stdin.writableLength > MAX_UNREAD_INPUT) return false;
  stdin.write(`${line}\n`);
  return true;
}

/** Settles when process and output are over. The rest of the group dies with its leader. */
function endOf(
  child: ChildProcessWithoutNullStreams,
  reaper: ChildDeps['reaper'],
  onEnd: (reason: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let reason: string | undefined;
    const finish = (): void => {
      if (reason === undefined) return;
      const last = reason;
      reason = undefined;
      if (child.pid !== undefined) reaper.removeGroup(child.pid);
      onEnd(last);
      resolve();
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      // Also emitted when a signal could not be sent, to a process that runs.
      if (child.pid !== undefined) return;
      reason = `cannot be started (${error.code ?? error.name})`;
      finish();
    });
    child.once('exit', (code, signal) => {
      signalGroup(child, 'SIGKILL');
      reason = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      setTimeout(finish, LAST_OUTPUT_MS).unref();
    });
    child.once('close', () => finish());
  });
}

async function stopChild(child: ChildProcessWithoutNullStreams, ended: Promise<void>): Promise<void> {
  // Looked for while their parents live: afterwards nobody knows whose they were.
  const below = [...belowOf(child)];
  child.stdin.end();
  if (!(await endsWithin(ended, STOP_INPUT_MS))) {
    below.push(...belowOf(child));
    signalGroup(child, 'SIGTERM');
    if (!(await endsWithin(ended, STOP_TERM_MS))) {
      below.push(...belowOf(child));
      signalGroup(child, 'SIGKILL');
      await ended;
    }
  }
  killDescendants(below);
}

/** None once the process ended: its number may be another's. */
function belowOf({ pid, exitCode, signalCode }: ChildProcessWithoutNullStreams): readonly Descendant[] {
  return pid === undefined || exitCode !== null || signalCode !== null ? [] : descendantsOf(pid);
}

function endsWithin(ended: Promise<void>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    void ended.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function signalGroup(child: ChildProcessWithoutNullStreams, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody of the group is left.
  }
}

/** What a tool server said last on standard error: for the operator only, and to be scrubbed before. */
export class LastWords extends Error {
  constructor(line: string) {
    super(line);
    this.name = 'LastWords';
  }
}

/** The error of a call that the tool server did not answer properly. `reason` completes "the tool server ...", and
 *  `said` stands as the cause: a caller never sees it. */
export function upstreamFailed(reason: string, said?: string): TrustError {
  const hint = 'whether the call took effect is not known; the log of the gateway says more';
  const cause = said === undefined ? undefined : new LastWords(said);
  return new TrustError('UPSTREAM_FAILED', `the tool server ${reason}`, { hint }, cause);
}
