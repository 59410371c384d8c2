import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeUtf8, TrustError } from '@talosprotocol/protocol';
import { lock } from 'proper-lockfile';
import { readBoundedFile, writePrivateFile } from './bounded-file.js';
import type { Io } from './io.js';
import { parseTalosYaml, type TalosYaml } from './talos-yaml.js';

const MAX_BYTES = 1024 * 1024;

/** Reads a talos.yaml.
 *  @throws {TrustError} NOT_FOUND | SETTINGS_INVALID */
export async function readTalosYaml(io: Io, path: string): Promise<TalosYaml> {
  return parseTalosYaml(await readText(io, path), path);
}

const readText = async (io: Io, path: string): Promise<string> =>
  decodeUtf8(await readBoundedFile(io, path, MAX_BYTES));

/** Changes a talos.yaml, comments kept: whole or not at all, mode 0600. A link to it stays a link. Commands that change it at the same
 *  time come one after the other. Gives the way back, which does nothing once somebody changed the file further.
 *  @throws {TrustError} CONFLICT: another one has it for long | NOT_FOUND | SETTINGS_INVALID */
export async function editTalosYaml(
  io: Io,
  path: string,
  change: (yaml: TalosYaml) => void,
): Promise<() => Promise<void>> {
  const changed = await alone(io, path, (file) => rewrite(io, file, change));
  return () => alone(io, path, (file) => takeBack(io, file, changed));
}

/** The same, kept only if `accept` takes it: else it is as it was again, and nobody has changed it meanwhile.
 *  @throws what `accept` throws, and as `editTalosYaml` */
export async function tryTalosYaml(
  io: Io,
  path: string,
  change: (yaml: TalosYaml) => void,
  accept: () => Promise<unknown>,
): Promise<void> {
  await alone(io, path, async (file) => {
    const changed = await rewrite(io, file, change);
    try {
      await accept();
    } catch (error) {
      await takeBack(io, file, changed);
      throw error;
    }
  });
}

interface Rewritten {
  readonly before: string;
  readonly after: string;
}

async function rewrite(io: Io, file: string, change: (yaml: TalosYaml) => void): Promise<Rewritten> {
  const before = await readText(io, file);
  const yaml = parseTalosYaml(before, file);
  change(yaml);
  const after = yaml.text();
  await writePrivateFile(io, file, after);
  return { before, after };
}

/** An editor heeds no lock: what a person wrote meanwhile stays. */
async function takeBack(io: Io, file: string, { before, after }: Rewritten): Promise<void> {
  if ((await readText(io, file)) === after) await writePrivateFile(io, file, before);
}

/** Some ten seconds; a lock whose owner has not touched it for as long is nobody's. */
const RETRIES = { retries: 40, factor: 1.2, minTimeout: 50, maxTimeout: 400, randomize: true };

async function alone<T>({ cwd }: Io, path: string, use: (file: string) => Promise<T>): Promise<T> {
  const named = resolve(cwd, path);
  // What is not there is said by who reads it.
  const file = await realpath(named).catch(() => named);
  const release = await lock(file, { retries: RETRIES, realpath: false }).catch((cause: unknown) => {
    if (Object(cause).code !== 'ELOCKED') throw cause;
    throw new TrustError('CONFLICT', `another command changes ${file}`, {
      hint: 'try again when it has ended',
    });
  });
  try {
    return await use(file);
  } finally {
    await release();
  }
}
