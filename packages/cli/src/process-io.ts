import { randomBytes } from 'node:crypto';
import { cancel, confirm, password } from '@clack/prompts';
import { TrustError } from '@talosprotocol/protocol';
import ora from 'ora';
import type { Ask, Io } from './io.js';
import { UsageError } from './usage-error.js';

/** The terminal, the clock and the environment of this process: the one place of the CLI that reads them. */
export function createProcessIo(): Io {
  const stops = new Set<() => void>();
  // Whoever read our output went away (`talos audit tail | head`): that ends us as Ctrl-C would, without a stack.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    for (const stop of [...stops]) stop();
  });
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    machine: { platform: process.platform, uid: process.getuid?.() ?? -1 },
    now: () => Date.now(),
    random: (length) => new Uint8Array(randomBytes(length)),
    fetch: (input, init) => fetch(input, init),
    readStdin,
    ask: isTerminal ? createAsk() : undefined,
    spin: (text) => {
      if (process.stderr.isTTY !== true) return () => undefined;
      const spinner = ora({ text, stream: process.stderr, discardStdin: false }).start();
      return () => void spinner.stop();
    },
    onStop: (callback) => {
      const names = ['SIGINT', 'SIGTERM'] as const;
      const forget = (): void => {
        stops.delete(stop);
        for (const name of names) process.off(name, stop);
      };
      const stop = (): void => {
        forget();
        callback();
      };
      stops.add(stop);
      for (const name of names) process.on(name, stop);
      return forget;
    },
  };
}

async function readStdin(maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new TrustError('TOO_LARGE', `standard input holds more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function createAsk(): Ask {
  const output = process.stderr;
  return {
    confirm: async (message) => answered<boolean>(await confirm({ message, initialValue: false, output })),
    secret: async (message) => answered<string>(await password({ message, output })),
  };
}

function answered<T extends string | boolean>(answer: T | symbol): T {
  if (typeof answer !== 'symbol') return answer;
  cancel('Nothing was changed.', { output: process.stderr });
  throw new UsageError('stopped by you');
}
