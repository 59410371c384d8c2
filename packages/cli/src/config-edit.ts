import { realpath } from 'node:fs/promises';
import { decodeUtf8 } from '@talosprotocol/protocol';
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

/** Changes a talos.yaml, comments kept: whole or not at all, mode 0600. A link to it stays a link. Gives the way back,
 *  which does nothing once somebody changed the file further. */
export async function editTalosYaml(
  io: Io,
  path: string,
  change: (yaml: TalosYaml) => void,
): Promise<() => Promise<void>> {
  const before = await readText(io, path);
  const yaml = parseTalosYaml(before, path);
  change(yaml);
  const after = yaml.text();
  await writePrivateFile(io, await realpath(path), after);
  return async () => {
    if ((await readText(io, path)) === after) await writePrivateFile(io, await realpath(path), before);
  };
}
