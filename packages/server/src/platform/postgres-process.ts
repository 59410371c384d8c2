import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Ends a postmaster: SIGINT breaks connections and shuts down cleanly, SIGQUIT leaves recovery to the next
 *  start, SIGKILL is the last resort. Gives the signal that did it. */
export async function endPostmaster(pid: number, limits: readonly [number, number]): Promise<NodeJS.Signals> {
  const steps = [
    ['SIGINT', limits[0]],
    ['SIGQUIT', limits[1]],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [signal, limitMs] of steps) {
    send(pid, signal);
    if (await isGoneWithin(pid, limitMs)) return signal;
  }
  throw new Error(`PostgreSQL (process ${pid}) cannot be ended`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const POLL_MS = 5;

async function isGoneWithin(pid: number, limitMs: number): Promise<boolean> {
  for (let waited = 0; waited <= limitMs; waited += POLL_MS) {
    if (!isAlive(pid)) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** True if some process has this id, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** True if process `pid` is a postmaster of exactly this cluster, run by the cluster's owner. */
export async function isPostmasterOf(pid: number, cluster: string): Promise<boolean> {
  const [owner, words] = await Promise.all([stat(cluster), commandLine(pid)]);
  if (words === undefined || words.uid !== owner.uid) return false;
  const flag = words.args.indexOf('-D');
  return /(^|\/)postgres$/.test(words.args[0] ?? '') && flag > 0 && words.args[flag + 1] === cluster;
}

interface CommandLine {
  readonly uid: number;
  readonly args: readonly string[];
}

async function commandLine(pid: number): Promise<CommandLine | undefined> {
  try {
    if (process.platform === 'linux') return await fromProc(pid);
    const { stdout } = await run('ps', ['-o', 'uid=', '-o', 'command=', '-p', String(pid)]);
    return fromPs(stdout);
  } catch {
    return undefined;
  }
}

async function fromProc(pid: number): Promise<CommandLine> {
  const folder = join('/proc', String(pid));
  const [owner, line] = await Promise.all([stat(folder), readFile(join(folder, 'cmdline'), 'utf8')]);
  return { uid: owner.uid, args: line.split('\0') };
}

/** `ps` prints the words joined by spaces; ours are `<postgres> -D <cluster> -k ...`. */
function fromPs(output: string): CommandLine | undefined {
  const parts = /^\s*([0-9]+)\s+(.*?\/postgres) -D (.*?) -k /.exec(output);
  if (parts === null) return undefined;
  return { uid: Number(parts[1]), args: [parts[2] ?? '', '-D', parts[3] ?? ''] };
}
