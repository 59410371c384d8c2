import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createChecker, MAX_WATCH_BYTES, WatchState } from '@talosprotocol/contracts';
import { encodeUtf8, equalBytes, parseJson, TrustError } from '@talosprotocol/protocol';
import { parseNamed, readBoundedFile, writePrivateFile } from '../bounded-file.js';
import type { Io } from '../io.js';

/** Where a monitor keeps what it must not forget. */
export interface StateFile {
  /** What was kept; undefined before the first time.
   *  @throws {TrustError} MALFORMED: it is no state of a monitor; TOO_LARGE */
  read(): Promise<WatchState | undefined>;
  /** Durable once it resolves. What is there already is not written again.
   *  @throws {TrustError} CONFLICT: somebody else wrote the file meanwhile; SETTINGS_INVALID: it cannot be written */
  write(state: WatchState): Promise<void>;
}

const check = createChecker(WatchState);

/** Without a name nothing is kept. */
export function createStateFile(io: Io, name: string | undefined): StateFile {
  if (name === undefined) return { read: async () => undefined, write: async () => undefined };
  /** What is in the file, as far as this monitor knows. */
  let known: Uint8Array | undefined;
  const find = async () =>
    existsSync(resolve(io.cwd, name)) ? readBoundedFile(io, name, MAX_WATCH_BYTES) : undefined;
  return {
    read: async () => {
      const bytes = await find();
      const state = bytes === undefined ? undefined : parseNamed(name, () => parseState(bytes));
      known = bytes;
      return state;
    },
    write: async (state) => {
      const next = encodeUtf8(`${JSON.stringify(state)}\n`);
      if (isSame(next, known)) return;
      if (!isSame(await find(), known)) throw writtenByOther(name);
      await writePrivateFile(io, name, next);
      known = next;
    },
  };
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

/** What two monitors saw must not be mixed: neither would know what the other had told. */
function writtenByOther(name: string): TrustError {
  return new TrustError('CONFLICT', `${name} was written by somebody else while this monitor ran`, {
    hint: 'one state file serves one monitor: name another with --state, or stop the other monitor',
  });
}

function parseState(bytes: Uint8Array): WatchState {
  const value = parseJson(bytes, { maxBytes: MAX_WATCH_BYTES });
  const wrong = check(value);
  if (wrong !== undefined) throw new TrustError('MALFORMED', `no state of a monitor: ${wrong}`);
  return value as unknown as WatchState;
}
