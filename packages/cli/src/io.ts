import type { Machine } from '@talosprotocol/sdk/keys';
import type { Streams } from './output.js';
import type { StopSignal } from './stopped-error.js';

/** Everything a command touches outside itself, so that a test can run any of them in its own process. */
export interface Io extends Streams {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute: where relative paths start. */
  readonly cwd: string;
  readonly machine: Machine;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly fetch: typeof fetch;
  /** Standard input as a whole. @throws {TrustError} TOO_LARGE */
  readStdin(maxBytes: number): Promise<string>;
  /** Asks the person at the terminal; undefined where there is none. */
  readonly ask: Ask | undefined;
  /** Turns something on standard error if that is a terminal, until the function it gives is called. A text that changes
   *  is asked for again and again. */
  spin(text: string | (() => string)): () => void;
  /** Calls back at the first SIGINT or SIGTERM; gives the function that stops listening. */
  onStop(callback: (signal?: StopSignal) => void): () => void;
  /** Calls back at each SIGHUP that is sent to this process; one that comes because its terminal is gone is a stop
   *  instead. Gives the function that stops listening. */
  onReload(callback: () => void): () => void;
}

/** Questions to a person. Both end in an abort of the command if the person leaves. */
export interface Ask {
  confirm(question: string): Promise<boolean>;
  /** Not echoed. */
  secret(question: string): Promise<string>;
}
