import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createChecker, MAX_WATCH_BYTES, WatchState } from '@talosprotocol/contracts';
import { parseJson, TrustError } from '@talosprotocol/protocol';
import { parseNamed, readBoundedFile, writePrivateFile } from '../bounded-file.js';
import type { Io } from '../io.js';

/** Where a monitor keeps what it must not forget. */
export interface StateFile {
  /** What was kept; undefined before the first time.
   *  @throws {TrustError} MALFORMED: it is no state of a monitor; TOO_LARGE */
  read(): Promise<WatchState | undefined>;
  /** Durable once it resolves. What is there already is not written again. */
  write(state: WatchState): Promise<void>;
}

const check = createChecker(WatchState);

/** Without a name nothing is kept. */
export function createStateFile(io: Io, name: string | undefined): StateFile {
  if (name === undefined) return { read: async () => undefined, write: async () => undefined };
  let last: string | undefined;
  return {
    read: async () => {
      if (!existsSync(resolve(io.cwd, name))) return undefined;
      const bytes = await readBoundedFile(io, name, MAX_WATCH_BYTES);
      return parseNamed(name, () => parseState(bytes));
    },
    write: async (state) => {
      const text = `${JSON.stringify(state)}\n`;
      if (text === last) return;
      await writePrivateFile(io, name, text);
      last = text;
    },
  };
}

function parseState(bytes: Uint8Array): WatchState {
  const value = parseJson(bytes, { maxBytes: MAX_WATCH_BYTES });
  const wrong = check(value);
  if (wrong !== undefined) throw new TrustError('MALFORMED', `no state of a monitor: ${wrong}`);
  return value as unknown as WatchState;
}
