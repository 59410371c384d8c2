import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ask, Io } from '../io.js';
import { run } from '../run.js';

/** One run of a command line. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json<T = Record<string, unknown>>(): T;
}

interface CliOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly ask?: Ask;
  readonly fetch?: typeof fetch;
  readonly now?: number;
  readonly onStop?: Io['onStop'];
}

/** A folder of its own with a data folder in it, and a way to run commands there. No network unless a `fetch` is
 *  handed in. */
export interface TestCli {
  readonly folder: string;
  readonly data: string;
  run(argv: readonly string[], options?: CliOptions): Promise<Ran>;
  remove(): void;
}

export const NOW = Date.UTC(2026, 10, 23, 12);

export function createTestCli(): TestCli {
  const folder = mkdtempSync(join(tmpdir(), 'talos-cli-'));
  const data = join(folder, 'data');
  let drawn = 0;
  return {
    folder,
    data,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    run: async (argv, options = {}) => {
      const [out, err]: [string[], string[]] = [[], []];
      const random = (length: number): Uint8Array =>
        new Uint8Array(
          createHash('shake256', { outputLength: length }).update(`${folder}${drawn++}`).digest(),
        );
      const io: Io = {
        stdout: { write: (text) => void out.push(text) },
        stderr: { write: (text) => void err.push(text) },
        env: { TALOS_DATA: data, ...options.env },
        cwd: folder,
        machine: { platform: process.platform, uid: process.getuid?.() ?? -1 },
        now: () => options.now ?? NOW,
        random,
        fetch: options.fetch ?? (() => Promise.reject(new Error('no network in this test'))),
        readStdin: async () => options.stdin ?? '',
        ask: options.ask,
        spin: () => () => undefined,
        onReload: () => () => undefined,
        onStop: options.onStop ?? (() => () => undefined),
      };
      const code = await run(argv, io);
      const stdout = out.join('');
      return { code, stdout, stderr: err.join(''), json: () => JSON.parse(stdout) };
    },
  };
}
