import { join } from 'node:path';
import { type JsonObject, parseJsonObject, TrustError } from '@talosprotocol/protocol';
import { decodeKeyEnvelope, encodeKeyEnvelope, readKeyFile, type StoredKey } from '@talosprotocol/sdk/keys';
import { parseNamed } from './bounded-file.js';
import { type IdentityEntry, keyNames, storeKey } from './identities.js';
import type { Io } from './io.js';

/** Where in the data folder a key lies: `keys` are the platform's own, `identities` those of people and agents. */
export type KeyFolder = 'keys' | 'identities';

/** A key of a data folder. */
export interface KeyPlace {
  readonly folder: KeyFolder;
  readonly name: string;
}

const FORMAT = 'talos-key-backup-v1';
const FOLDERS: readonly string[] = ['keys', 'identities'] satisfies KeyFolder[];
const MAX_KEYS = 256;
const MAX_BYTES = 1024 * 1024;

/** Every key of a data folder. */
export async function allKeys(data: string): Promise<readonly KeyPlace[]> {
  const places = (FOLDERS as readonly KeyFolder[]).map(async (folder) =>
    (await keyNames(join(data, folder))).map((name) => ({ folder, name })),
  );
  return (await Promise.all(places)).flat();
}

/** The text of a backup, version 1: `{ "format", "keys": [ { "folder", "key": key file, encrypted } ] }` and a line
 *  feed. Each key is encrypted by itself, so a key file taken out of it is a key file. */
export async function encodeBackup(
  io: Io,
  data: string,
  places: readonly KeyPlace[],
  passphrase: string,
): Promise<string> {
  const keys: object[] = [];
  for (const { folder, name } of places) {
    const key = await readKey(io, data, { folder, name });
    keys.push({ folder, key: JSON.parse(encodeKeyEnvelope(key, passphrase)) });
  }
  return `${JSON.stringify({ format: FORMAT, keys }, null, 1)}\n`;
}

async function readKey(io: Io, data: string, { folder, name }: KeyPlace): Promise<StoredKey> {
  const text = await readKeyFile(join(data, folder), `${name}.key`);
  if (text === undefined) throw new TrustError('NOT_FOUND', `there is no key ${name} in ${folder}`);
  return decodeKeyEnvelope(text, io.env['TALOS_KEY_PASSPHRASE'] || undefined);
}

/** Reads a backup, with every key in it decrypted.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID: the passphrase is wrong, or the file was altered */
function decodeBackup(
  bytes: Uint8Array,
  passphrase: string,
): readonly { readonly folder: KeyFolder; readonly key: StoredKey }[] {
  const { format, keys, ...rest } = parseJsonObject(bytes, { maxBytes: MAX_BYTES, maxDepth: 8 });
  const known = format === FORMAT && Array.isArray(keys) && Object.keys(rest).length === 0;
  if (!known || keys.length === 0 || keys.length > MAX_KEYS) throw notBackup();
  return keys.map((entry) => decodeEntry(entry as JsonObject, passphrase));
}

function decodeEntry(entry: JsonObject, passphrase: string): { folder: KeyFolder; key: StoredKey } {
  const { folder, key, ...rest } = Object(entry) as JsonObject;
  if (typeof folder !== 'string' || !FOLDERS.includes(folder) || Object.keys(rest).length > 0)
    throw notBackup();
  return { folder: folder as KeyFolder, key: decodeKeyEnvelope(JSON.stringify(key ?? null), passphrase) };
}

function notBackup(): TrustError {
  return new TrustError('MALFORMED', 'no backup of keys');
}

/** Puts every key of a backup back where it was. No key that is there is written over: the first such one ends it,
 *  with those before it restored. `file` is what messages call it.
 *  @throws {TrustError} CONFLICT | MALFORMED | PROOF_INVALID */
export async function restoreBackup(
  io: Io,
  data: string,
  bytes: Uint8Array,
  passphrase: string,
  file: string,
): Promise<readonly (IdentityEntry & { readonly folder: KeyFolder })[]> {
  const restored: (IdentityEntry & { readonly folder: KeyFolder })[] = [];
  for (const { folder, key } of parseNamed(file, () => decodeBackup(bytes, passphrase))) {
    restored.push({ folder, ...(await storeKey(io, data, folder, key)) });
  }
  return restored;
}
