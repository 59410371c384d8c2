import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Values that so many of all do not exceed. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What every run of the load process says. */
export interface LoadAnswer extends Memory {
  /** Milliseconds in which the log was opened. */
  readonly startMs: number;
}

interface Memory {
  /** Resident bytes at the end. */
  readonly rss: number;
}

/** The program that loads a log, in the server's package: it needs its rooms. */
const program = fileURLToPath(
  new URL('../dist/audit/testing/load/load-process.js', import.meta.resolve('@talosprotocol/server/main')),
);

/** Runs it on a data folder and gives what it found. @throws {Error} it failed */
export async function runLoad<T extends Memory>(folder: string, ...args: (string | number)[]): Promise<T> {
  const child = spawn(process.execPath, [program, `${folder}/log`, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the load ${args.join(' ')} failed (exit code ${code})`);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
}
