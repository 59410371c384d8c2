import { randomBytes } from 'node:crypto';
import { isatty } from 'node:tty';
import { cancel, confirm, password } from '@clack/prompts';
import { TrustError } from '@talosprotocol/protocol';
import ora from 'ora';
import type { Ask, Io } from './io.js';
import { StoppedError, type StopSignal } from './stopped-error.js';

/** The terminal, the clock and the environment of this process: the one place of the CLI that reads them. */
export function createProcessIo(): Io {
  const stops = new Set<() => void>();
  const onStop: Io['onStop'] = (callback) => listenForStop(stops, callback);
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
    ask: isTerminal ? createAsk(onStop) : undefined,
    spin: (text) => {
      if (!canSpin(process.stderr)) return () => undefined;
      const current = typeof text === 'string' ? () => text : text;
      const spinner = ora({ text: current(), stream: process.stderr, discardStdin: false }).start();
      const timer = setInterval(() => {
        spinner.text = current();
      }, FRAME_MS).unref();
      return () => {
        clearInterval(timer);
        spinner.stop();
      };
    },
    onStop,
    onReload: (callback) => listenForReload(stops, callback),
  };
}

const FRAME_MS = 100;

/** A terminal that says it has no columns would be drawn on without end. */
export function canSpin(stream: { readonly isTTY?: boolean; readonly columns?: number }): boolean {
  return stream.isTTY === true && (stream.columns ?? 0) > 0;
}

function listenForStop(stops: Set<() => void>, callback: (signal?: StopSignal) => void): () => void {
  const names = ['SIGINT', 'SIGTERM'] as const;
  const forget = (): void => {
    stops.delete(stop);
    for (const name of names) process.off(name, stop);
  };
  const stop = (signal: StopSignal = 'SIGINT'): void => {
    forget();
    callback(signal);
  };
  stops.add(stop);
  for (const name of names) process.on(name, stop);
  return forget;
}

function listenForReload(stops: Set<() => void>, callback: () => void): () => void {
  const hangup = (): void => {
    // A terminal that was closed is none any more, though the stream still says so.
    const isGone = process.stdin.isTTY === true && !isatty(0);
    if (!isGone) callback();
    else for (const stop of [...stops]) stop();
  };
  process.on('SIGHUP', hangup);
  return () => void process.off('SIGHUP', hangup);
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

function createAsk(onStop: Io['onStop']): Ask {
  const output = process.stderr;
  /** While the question stands Ctrl-C is a key; a signal sent from elsewhere ends it too. */
  const stoppable = async <T extends string | boolean>(
    question: (signal: AbortSignal) => Promise<T | symbol>,
  ): Promise<T> => {
    const stopping = new AbortController();
    const ignore = onStop(() => stopping.abort());
    return answered(await question(stopping.signal).finally(ignore));
  };
  return {
    confirm: (message) =>
      stoppable<boolean>((signal) => confirm({ message, initialValue: false, output, signal })),
    secret: (message) => stoppable<string>((signal) => password({ message, output, signal })),
  };
}

function answered<T extends string | boolean>(answer: T | symbol): T {
  if (typeof answer !== 'symbol') return answer;
  cancel('Nothing was changed.', { output: process.stderr });
  throw new StoppedError();
}
