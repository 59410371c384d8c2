import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoProvider, createSigner, type Signer, TrustError } from '@talosprotocol/protocol';
import {
  decodeKeyEnvelope,
  encodeKeyEnvelope,
  isSealedEnvelope,
  readKeyFile,
  readOrCreateKeyFile,
  type StoredKey,
} from '@talosprotocol/sdk/keys';
import type { Io } from './io.js';
import { openPrivateFolder } from './place.js';
import { UsageError } from './usage-error.js';
import { findWebvhIdentity, isWebvhKey, type WebvhPlace, webvhNames, webvhSigner } from './webvh-identity.js';

/** The identities a person keeps: `<data>/identities/<name>.key`, mode 0600, encrypted if TALOS_KEY_PASSPHRASE is
 *  set. No seed leaves this file but through `backup`, encrypted. */
export interface Identities {
  /** @throws {TrustError} CONFLICT: there is one of that name */
  create(name: string): Promise<IdentityEntry>;
  /** @throws {TrustError} NOT_FOUND */
  show(name: string): Promise<IdentityEntry>;
  /** Sorted by name. */
  list(): Promise<readonly IdentityEntry[]>;
  /** Signs in the name of an identity. @throws {TrustError} NOT_FOUND | PROOF_INVALID: the passphrase is wrong */
  signer(name: string): Promise<Signer>;
}

/** What is public about an identity. */
export interface IdentityEntry {
  readonly name: string;
  readonly did: string;
  readonly file: string;
  readonly encrypted: boolean;
}

const FOLDER = 'identities';
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @throws {UsageError} not a name an identity can have */
export function parseIdentityName(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(
    'this is no name of an identity',
    'up to 64 of a-z 0-9 . _ - that start with a letter or digit',
  );
}

/** The identities of a data folder; nothing is created before `create`. */
export function createIdentities(io: Io, data: string, crypto: CryptoProvider): Identities {
  const folder = join(data, FOLDER);
  const place: WebvhPlace = { io, data, crypto };
  const read = async (name: string): Promise<string> => {
    const text = await readKeyFile(folder, `${parseIdentityName(name)}.key`);
    if (text !== undefined) return text;
    throw new TrustError('NOT_FOUND', `there is no identity ${name} in ${folder}`, {
      hint: `talos id create ${name} makes one, talos id list shows those there are`,
    });
  };
  const show = async (name: string): Promise<IdentityEntry> => {
    const webvh = await findWebvhIdentity(place, parseIdentityName(name));
    const text = await read(webvh?.key ?? name);
    if (webvh !== undefined)
      return { name, did: webvh.did, file: webvh.file, encrypted: isSealedEnvelope(text) };
    return entryOf(folder, name, text, didOf(text));
  };
  return {
    show,
    create: async (name) => {
      if ((await findWebvhIdentity(place, parseIdentityName(name))) !== undefined)
        throw takenName(name, folder);
      const seed = io.random(32);
      const { did } = createSigner(seed, crypto);
      return storeKey(io, data, FOLDER, { name: parseIdentityName(name), did, seed });
    },
    list: async () => {
      const own = (await keyNames(folder)).filter((name) => !isWebvhKey(name));
      return Promise.all([...own, ...(await webvhNames(data))].sort().map(show));
    },
    signer: async (name) => {
      if ((await findWebvhIdentity(place, parseIdentityName(name))) !== undefined)
        return webvhSigner(place, name);
      const key = decodeKeyEnvelope(await read(name), io.env['TALOS_KEY_PASSPHRASE']);
      const signer = createSigner(key.seed, crypto);
      if (key.did === signer.did) return signer;
      throw new TrustError('PROOF_INVALID', `the key file of ${name} names another DID than its key has`);
    },
  };
}

/** Names of the key files in a folder, sorted; none if the folder is not there. */
export async function keyNames(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = files.filter((file) => file.endsWith('.key')).map((file) => file.slice(0, -'.key'.length));
  return names.filter((name) => NAME.test(name)).sort();
}

/** Keeps a key under its name, which must be free, encrypted if TALOS_KEY_PASSPHRASE is set.
 *  @throws {TrustError} CONFLICT */
export async function storeKey(
  io: Io,
  data: string,
  folderName: string,
  key: StoredKey,
): Promise<IdentityEntry> {
  const folder = await openPrivateFolder(data, folderName, io);
  const text = encodeKeyEnvelope(key, io.env['TALOS_KEY_PASSPHRASE'] || undefined);
  if ((await readOrCreateKeyFile(folder, `${key.name}.key`, () => text)) === text)
    return entryOf(folder, key.name, text, key.did);
  throw takenName(key.name, folder);
}

function takenName(name: string, folder: string): TrustError {
  return new TrustError('CONFLICT', `there is a key ${name} in ${folder} already`, {
    hint: 'choose another name, or move the file away first: it is the only copy of that key',
  });
}

function entryOf(folder: string, name: string, text: string, did: string): IdentityEntry {
  return { name, did, file: join(folder, `${name}.key`), encrypted: isSealedEnvelope(text) };
}

/** The DID stands in the open part; the passphrase is not needed. Read strictly by isSealedEnvelope before. */
function didOf(text: string): string {
  isSealedEnvelope(text);
  return (JSON.parse(text) as { did: string }).did;
}
