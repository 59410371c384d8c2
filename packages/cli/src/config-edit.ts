import { realpath } from 'node:fs/promises';
import { decodeUtf8 } from '@talosprotocol/protocol';
import { readBoundedFile, writePrivateFile } from './bounded-file.js';
import type { Io } from './io.js';
import { parseTalosYaml, type TalosYaml } from './talos-yaml.js';

const MAX_BYTES = 1024 * 1024;

/** Reads a talos.yaml.
 *  @throws {TrustError} NOT_FOUND | SETTINGS_INVALID */
export async function readTalosYaml(io: Io, path: string): Promise<TalosYaml> {
  return parseTalosYaml(decodeUtf8(await readBoundedFile(io, path, MAX_BYTES)), path);
}

/** Changes a talos.yaml, comments kept: whole or not at all, mode 0600. A link to it stays a link. */
export async function editTalosYaml(io: Io, path: string, change: (yaml: TalosYaml) => void): Promise<void> {
  const yaml = await readTalosYaml(io, path);
  change(yaml);
  await writePrivateFile(io, await realpath(path), yaml.text());
}
