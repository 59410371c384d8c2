import type { Io } from '../../packages/cli/src/io.js';

/** What a command line is given in a test: everything real but the screen and the keyboard. */
export interface Terminal {
  readonly io: Io;
  /** All that was printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Ctrl-C; gives how many listened. */
  interrupt(): number;
  /** SIGHUP; likewise. */
  hangUp(): number;
}

export function openTerminal(own: Pick<Io, 'env' | 'cwd'> & Partial<Io>): Terminal {
  const [out, err]: [string[], string[]] = [[], []];
  const stops = new Set<() => void>();
  const reloads = new Set<() => void>();
  const io: Io = {
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void err.push(text) },
    machine: { platform: process.platform, uid: process.getuid?.() ?? -1 },
    now: () => Date.now(),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    fetch: (input, init) => fetch(input, init),
    readStdin: async () => '',
    ask: undefined,
    spin: () => () => undefined,
    onReload: (callback) => listen(reloads, callback),
    onStop: (callback) => listen(stops, callback),
    ...own,
  };
  return {
    io,
    out: () => out.join(''),
    err: () => err.join(''),
    interrupt: () => callAll(stops),
    hangUp: () => callAll(reloads),
  };
}

function listen(callbacks: Set<() => void>, callback: () => void): () => void {
  callbacks.add(callback);
  return () => void callbacks.delete(callback);
}

function callAll(callbacks: ReadonlySet<() => void>): number {
  return [...callbacks].map((callback) => callback()).length;
}
