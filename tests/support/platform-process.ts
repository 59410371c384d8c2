import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { buildProgram } from '../fault/program.js';
import { type Operator, operate, type Ready, testEnvironment } from './world.js';

const CACHE = 'packages/server/node_modules/.cache';

/** The server's program, made from the sources. From where it lies it finds its package.json as the real one does, and
 *  beside it the programs of its threads. */
export async function buildServer(): ReturnType<typeof buildProgram> {
  const [program, worker, scanner] = await Promise.all([
    buildProgram('server/src/main.ts', CACHE),
    buildProgram('server/src/platform/signature-worker.ts', CACHE, 'worker'),
    buildProgram('server/src/gateway/guard/scan/scan-thread.ts', CACHE, 'scanner'),
  ]);
  // At once: other test files make the same one.
  await rename(worker.path, join(dirname(worker.path), 'signature-worker.js'));
  await rename(scanner.path, join(dirname(scanner.path), 'scan-thread.js'));
  return program;
}

/** What the program says instead of `ready`. */
interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly hint?: string;
}

/** How a process ended. */
interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A platform in a process of its own, for tests that end it badly. */
export interface PlatformProcess extends Operator {
  readonly pid: number;
  readonly ended: Promise<End>;
  /** Standard error so far. */
  log(): string;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<End>;
}

/** A start that did not come to serve. */
export interface FailedStart {
  readonly error: Refusal;
  readonly end: End;
  /** All it said, on both streams. */
  readonly said: string;
}

interface Launched {
  readonly child: ChildProcess;
  readonly firstLine: Promise<string>;
  readonly ended: Promise<End>;
  said(): string;
}

const running = new Set<ChildProcess>();

function launch(
  program: string,
  data: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = ['all'],
): Launched {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...testEnvironment(data), ...env } as NodeJS.ProcessEnv,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise<End>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => said.push(`${line}\n`));
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const firstLine = Promise.race([line, ended.then(() => '{}')]);
  return { child, firstLine, ended, said: () => said.join('') };
}

/** A process with some of the roles. */
export interface RolesProcess extends Pick<PlatformProcess, 'pid' | 'ended' | 'log' | 'end'> {
  readonly ready: Partial<Ready> & Pick<Ready, 'data' | 'config' | 'gatewayDid'> & { readonly node: number };
}

/** What a witness says once it serves. */
export interface WitnessReady {
  readonly witness: string;
  readonly name: string;
  readonly vkey: string;
  readonly data: string;
  readonly config: string;
}

/** A witness in a process of its own. */
export interface WitnessProcess extends Pick<PlatformProcess, 'pid' | 'ended' | 'log' | 'end'> {
  readonly ready: WitnessReady;
}

/** Starts a witness on a data folder and waits until it serves. */
export async function startWitness(
  program: string,
  data: string,
  env: Readonly<Record<string, string>> = {},
): Promise<WitnessProcess> {
  const { child, firstLine, ended, said } = launch(program, data, { TALOS_WITNESS_PORT: '0', ...env }, [
    'witness',
  ]);
  const ready = JSON.parse(await firstLine) as WitnessReady;
  if (ready.witness === undefined) throw new Error(`no start: ${said()}`);
  const end: WitnessProcess['end'] = (signal) => {
    child.kill(signal);
    return ended;
  };
  return { ready, pid: child.pid!, ended, log: said, end };
}

/** Starts a process with roles (`kernel,gateway`), and options, and waits until it serves. */
export async function startRoles(
  program: string,
  args: readonly string[],
  data: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RolesProcess> {
  const { child, firstLine, ended, said } = launch(program, data, env, args);
  const ready = JSON.parse(await firstLine) as RolesProcess['ready'];
  if (ready.node === undefined) throw new Error(`no start: ${said()}`);
  const end: RolesProcess['end'] = (signal) => {
    child.kill(signal);
    return ended;
  };
  return { ready, pid: child.pid!, ended, log: said, end };
}

/** Starts a platform on a data folder and waits until it serves. */
export async function startPlatform(
  program: string,
  data: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PlatformProcess> {
  const { child, firstLine, ended, said } = launch(program, data, env);
  const answer = JSON.parse(await firstLine) as Ready & { error?: Refusal };
  if (answer.gateway === undefined) throw new Error(`no start: ${said()}`);
  const operator = await operate(answer);
  return {
    ...operator,
    pid: child.pid!,
    ended,
    log: said,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** A start that must fail. */
export async function failToStart(
  program: string,
  data: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = ['all'],
): Promise<FailedStart> {
  const { firstLine, ended, said } = launch(program, data, env, args);
  const { error } = JSON.parse(await firstLine) as { error?: Refusal };
  if (error === undefined) throw new Error(`it started: ${said()}`);
  return { error, end: await ended, said: said() };
}

/** Starts and kills so long after; gives what the process had started by then. */
export async function killDuringStart(
  program: string,
  data: string,
  ms: number,
): Promise<readonly Relative[]> {
  const { child, ended } = launch(program, data, {});
  await sleep(ms);
  const family = familyOf(child.pid!);
  child.kill('SIGKILL');
  await ended;
  return family;
}

/** Ends what a failed test left running. */
export async function endAllPlatforms(): Promise<void> {
  for (const child of [...running]) {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  }
}

/** A process, told apart from a later one that was given its number. */
interface Relative {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
  readonly command: string;
}

/** The living processes. Zombies are not: who reaps orphans is not ours to say. */
export function processes(): Relative[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        if (fields[0] === 'Z') return [];
        return [{ pid: Number(pid), parent: Number(fields[1]), started: fields[19]!, command }];
      } catch {
        return [];
      }
    });
}

/** Every descendant of a process: database, tool servers, their children, the reaper. */
export function familyOf(pid: number): readonly Relative[] {
  const all = processes();
  const below = (parent: number): Relative[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

/** Those of them that still run. */
function survivors(family: readonly Relative[]): string[] {
  const alive = new Map(processes().map((one) => [one.pid, one]));
  return family
    .filter(({ pid, started }) => alive.get(pid)?.started === started)
    .map(({ pid, command }) => `${pid} ${command.slice(0, 120)}`);
}

/** Waits until all of them have ended. */
export async function expectNoSurvivors(family: readonly Relative[], timeout = 15_000): Promise<void> {
  await expect.poll(() => survivors(family), { timeout, interval: 50 }).toEqual([]);
}
