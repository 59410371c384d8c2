import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { defaultDataFolder } from '@talosprotocol/sdk/keys';
import type { Command } from 'commander';
import type { Io } from './io.js';

/** The option of every command that looks into the data folder. */
export interface PlaceOptions {
  readonly data?: string;
}

/** Adds `--data`. */
export function withPlace(command: Command): Command {
  return command.option('--data <folder>', 'the data folder (default: TALOS_DATA, or that of this user)');
}

/** The data folder, absolute; it may not exist yet.
 *  @throws {TrustError} SETTINGS_INVALID: none is named and there is no home folder */
export function dataFolder(io: Io, options: PlaceOptions): string {
  const folder = (options.data ?? io.env['TALOS_DATA']) || defaultDataFolder(io.env, io.machine);
  if (folder) return resolve(io.cwd, folder);
  throw new TrustError('SETTINGS_INVALID', 'there is no home folder to keep data in', {
    hint: 'name one with --data or TALOS_DATA',
  });
}

/** A folder inside the data folder, made with mode 0700 if it is missing. */
export async function openPrivateFolder(data: string, name: string, io: Io): Promise<string> {
  // As root the database runs as another user, who must get through to its folder.
  await mkdir(data, { recursive: true, mode: io.machine.uid === 0 ? 0o711 : 0o700 });
  const folder = join(data, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
