import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TrustError } from '@talosprotocol/protocol';
import { decodeKeyEnvelope, encodeKeyEnvelope, isSealedEnvelope } from '@talosprotocol/sdk/keys';
import { readKeyFile, readOrCreateKeyFile, syncEntry, writeKeyFile } from './key-file.js';
import { createSecret, type Secret } from './secret.js';
import type { Random } from './system.js';

export interface KeyStoreDeps {
  /** `<data>/keys`. */
  readonly folder: string;
  readonly random: Random;
  /** Encrypts at rest; without it the mode of the files is their only protection. */
  readonly passphrase?: Secret<string> | undefined;
}

/** The seeds of this process's identities: `<keys>/<name>.key`. */
export interface KeyStore {
  /** The 32-byte seed of that name, made at the first call. With a passphrase, a file that was plain is
   *  encrypted on the way. @throws {TrustError} SETTINGS_INVALID | MALFORMED | PROOF_INVALID */
  loadOrCreateSeed(name: string): Promise<Secret<Uint8Array>>;
  /** The seed of that name; undefined if there is none. */
  load(name: string): Promise<Secret<Uint8Array> | undefined>;
  /** The text of a key file for a backup, encrypted with `passphrase`. @throws {TrustError} NOT_FOUND */
  exportKey(name: string, passphrase: Secret<string>): Promise<string>;
  /** Takes a backup in under its own name, which must be free. @throws {TrustError} CONFLICT */
  importKey(text: string, passphrase: Secret<string>): Promise<string>;
  /** The names there are, sorted. */
  names(): Promise<string[]>;
  /** Destroys the key of that name, as far as a file system destroys what is removed. */
  remove(name: string): Promise<void>;
}

/** The DID is left to the rooms: the store keeps seeds and does not know what they become. */
export function createKeyStore(deps: KeyStoreDeps): KeyStore {
  const { folder } = deps;
  const passphrase = deps.passphrase?.reveal();
  const open = (text: string): Secret<Uint8Array> => createSecret(decodeKeyEnvelope(text, passphrase).seed);
  const close = (name: string, seed: Uint8Array, secret = passphrase): string =>
    encodeKeyEnvelope({ name, did: '', seed }, secret);
  const load = async (name: string): Promise<Secret<Uint8Array> | undefined> => {
    const text = await readKeyFile(folder, fileOf(name));
    return text === undefined ? undefined : open(text);
  };
  return {
    load,
    loadOrCreateSeed: async (name) => {
      const text = await readOrCreateKeyFile(folder, fileOf(name), () => close(name, deps.random(32)));
      const seed = open(text);
      const plain = passphrase !== undefined && !isSealedEnvelope(text);
      if (plain) await writeKeyFile(folder, fileOf(name), close(name, seed.reveal()));
      return seed;
    },
    exportKey: async (name, secret) => {
      const seed = await load(name);
      if (seed === undefined) throw new TrustError('NOT_FOUND', `there is no key ${name}`);
      return close(name, seed.reveal(), secret.reveal());
    },
    importKey: async (text, secret) => {
      const { name, seed } = decodeKeyEnvelope(text, secret.reveal());
      const wanted = close(name, seed);
      if ((await readOrCreateKeyFile(folder, fileOf(name), () => wanted)) === wanted) return name;
      throw new TrustError('CONFLICT', `there is a key ${name} already`, { hint: 'move it away first' });
    },
    names: async () =>
      (await readdir(folder))
        .filter((file) => FILE.test(file))
        .map((file) => file.slice(0, -'.key'.length))
        .sort(),
    remove: async (name) => {
      const path = join(folder, fileOf(name));
      await rm(path, { force: true });
      await syncEntry(path);
    },
  };
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const FILE = /^[a-z0-9][a-z0-9._-]{0,63}\.key$/;

function fileOf(name: string): string {
  if (!NAME.test(name)) throw new RangeError('not the name of a key');
  return `${name}.key`;
}
