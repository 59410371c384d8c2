import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CryptoProvider,
  createSigner,
  createWebvhLog,
  deactivateWebvhLog,
  encodeMultikey,
  isJsonObject,
  type JsonObject,
  parseJsonObject,
  type Signer,
  TrustError,
  updateWebvhLog,
  verifyWebvhLog,
  webvhDocument,
  webvhKeyHash,
  webvhLogUrl,
} from '@talosprotocol/protocol';
import {
  decodeKeyEnvelope,
  encodeKeyEnvelope,
  readKeyFile,
  readOrCreateKeyFile,
  writeKeyFile,
} from '@talosprotocol/sdk/keys';
import type { Io } from './io.js';
import { openPrivateFolder } from './place.js';

/** A `did:webvh` kept in the data folder: its log in `<data>/webvh/<name>.jsonl`, to be published, and its keys among the
 *  identities: `<name>.key-<n>` is in its document, `<name>.update-<n>` signs version n of the log. The key that signs the
 *  next version is made one version ahead, and the log commits to it. */
export interface WebvhIdentity {
  readonly name: string;
  readonly did: string;
  /** Number of the latest version. */
  readonly version: number;
  readonly deactivated: boolean;
  /** The log's file, and where it must be published. */
  readonly log: string;
  readonly url: string;
  /** The key in its document: its name among the identities, and its file. */
  readonly key: string;
  readonly file: string;
}

/** What reading and changing one needs. */
export interface WebvhPlace {
  readonly io: Io;
  readonly data: string;
  readonly crypto: CryptoProvider;
}

const FOLDER = 'webvh';
const KEYS = 'identities';
const HELD = /\.(?:key|update)-[1-9][0-9]{0,3}$/;

/** True for the name of a key that belongs to a `did:webvh`: it is no identity by itself. */
export function isWebvhKey(name: string): boolean {
  return HELD.test(name);
}

/** The names of those there are. */
export async function webvhNames(data: string): Promise<readonly string[]> {
  const files = await readdir(join(data, FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return files.filter((file) => file.endsWith('.jsonl')).map((file) => file.slice(0, -'.jsonl'.length));
}

/** The `did:webvh` of that name; undefined if there is none.
 *  @throws {TrustError} as verifyWebvhLog: its log was altered */
export async function findWebvhIdentity(place: WebvhPlace, name: string): Promise<WebvhIdentity | undefined> {
  const log = await readLog(place, name);
  return log === undefined ? undefined : describe(place, name, log);
}

/** Makes one: two update keys, a document key, and the first entry of its log.
 *  @throws {TrustError} CONFLICT: there is one of that name; MALFORMED: no place a log can lie at */
export async function createWebvhIdentity(
  place: WebvhPlace,
  name: string,
  { location, portable }: { readonly location: string; readonly portable: boolean },
): Promise<WebvhIdentity> {
  if ((await readLog(place, name)) !== undefined || (await readKey(place, name)) !== undefined)
    throw taken(name);
  const { io, crypto } = place;
  const update = await ownKey(place, `${name}.update-1`);
  const next = await ownKey(place, `${name}.update-2`);
  const key = await ownKey(place, `${name}.key-1`);
  const log = createWebvhLog(
    {
      location,
      portable,
      nextKeyHashes: [webvhKeyHash(next.publicKey, crypto)],
      document: (did) => documentOf(did, key, 1),
    },
    update,
    { now: io.now(), crypto },
  );
  await writeLog(place, name, log);
  return describe(place, name, log);
}

/** Gives it a new document key, signed by the update key that was committed to.
 *  @throws {TrustError} as updateWebvhLog */
export async function rotateWebvhIdentity(place: WebvhPlace, name: string): Promise<WebvhIdentity> {
  const log = await requireLog(place, name);
  const { io, crypto } = place;
  const { did, number } = latestOf(place, log);
  const version = number + 1;
  const update = await loadKey(place, `${name}.update-${version}`);
  const next = await ownKey(place, `${name}.update-${version + 1}`);
  const key = await ownKey(place, `${name}.key-${version}`);
  const rotated = updateWebvhLog(
    log,
    {
      document: documentOf(did, key, version),
      updateKeys: [encodeMultikey(update.publicKey)],
      nextKeyHashes: [webvhKeyHash(next.publicKey, crypto)],
    },
    update,
    { now: io.now(), crypto },
  );
  await writeLog(place, name, rotated);
  return describe(place, name, rotated);
}

/** Ends it for good.
 *  @throws {TrustError} as deactivateWebvhLog */
export async function deactivateWebvhIdentity(place: WebvhPlace, name: string): Promise<WebvhIdentity> {
  const log = await requireLog(place, name);
  const { io, crypto } = place;
  const update = await loadKey(place, `${name}.update-${latestOf(place, log).number + 1}`);
  const ended = deactivateWebvhLog(log, update, { now: io.now(), crypto });
  await writeLog(place, name, ended);
  return describe(place, name, ended);
}

/** Signs in the name of the DID, with the key that is in its document now. */
export async function webvhSigner(place: WebvhPlace, name: string): Promise<Signer> {
  const latest = latestOf(place, await requireLog(place, name));
  const fragment = `key-${keyNumber(latest.document)}`;
  const { publicKey, sign } = await loadKey(place, `${name}.${fragment}`);
  return { did: latest.did, kid: `${latest.did}#${fragment}`, publicKey, sign };
}

/** The document of a version: as `webvhDocument`, its key named by the version that brought it. */
function documentOf(did: string, key: Signer, version: number): JsonObject {
  const text = JSON.stringify(webvhDocument(did, key.publicKey));
  return parseJsonObject(text.replaceAll(`${did}#key-1`, `${did}#key-${version}`));
}

function keyNumber({ verificationMethod }: JsonObject): number {
  const [method] = Array.isArray(verificationMethod) ? verificationMethod : [];
  const id = isJsonObject(method) ? method['id'] : undefined;
  const number = typeof id === 'string' ? /#key-([1-9][0-9]*)$/.exec(id)?.[1] : undefined;
  if (number === undefined) throw new TrustError('MALFORMED', 'a document whose key was not made here');
  return Number(number);
}

function latestOf({ io, crypto }: WebvhPlace, log: Uint8Array) {
  return verifyWebvhLog({ log }, { now: io.now(), crypto }).latest;
}

function describe(place: WebvhPlace, name: string, log: Uint8Array): WebvhIdentity {
  const { did, number, document, parameters } = latestOf(place, log);
  const key = `${name}.key-${keyNumber(document)}`;
  return {
    name,
    did,
    version: number,
    deactivated: parameters.deactivated,
    log: logFile(place, name),
    url: webvhLogUrl(did),
    key,
    file: join(place.data, KEYS, `${key}.key`),
  };
}

/** The key of that name; a new one if there is none. One left over by a run that was interrupted is used. */
async function ownKey(place: WebvhPlace, name: string): Promise<Signer> {
  const { io, data, crypto } = place;
  const folder = await openPrivateFolder(data, KEYS, io);
  await readOrCreateKeyFile(folder, `${name}.key`, () => {
    const seed = io.random(32);
    const { did } = createSigner(seed, crypto);
    return encodeKeyEnvelope({ name, did, seed }, io.env['TALOS_KEY_PASSPHRASE'] || undefined);
  });
  return loadKey(place, name);
}

function readKey({ data }: WebvhPlace, name: string): Promise<string | undefined> {
  return readKeyFile(join(data, KEYS), `${name}.key`);
}

async function loadKey(place: WebvhPlace, name: string): Promise<Signer> {
  const text = await readKey(place, name);
  if (text !== undefined) {
    const { seed } = decodeKeyEnvelope(text, place.io.env['TALOS_KEY_PASSPHRASE']);
    return createSigner(seed, place.crypto);
  }
  throw new TrustError('NOT_FOUND', `there is no key ${name} in ${join(place.data, KEYS)}`, {
    hint: 'restore it from a backup: talos id restore <file>',
  });
}

function logFile({ data }: WebvhPlace, name: string): string {
  return join(data, FOLDER, `${name}.jsonl`);
}

async function readLog(place: WebvhPlace, name: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(logFile(place, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function requireLog(place: WebvhPlace, name: string): Promise<Uint8Array> {
  const log = await readLog(place, name);
  if (log !== undefined) return log;
  throw new TrustError('NOT_FOUND', `there is no did:webvh ${name} in ${join(place.data, FOLDER)}`, {
    hint: `talos id create ${name} --method webvh --domain <host> makes one`,
  });
}

async function writeLog(place: WebvhPlace, name: string, log: Uint8Array): Promise<void> {
  const folder = await openPrivateFolder(place.data, FOLDER, place.io);
  await writeKeyFile(folder, `${name}.jsonl`, Buffer.from(log).toString());
}

function taken(name: string): TrustError {
  return new TrustError('CONFLICT', `there is an identity ${name} already`, { hint: 'choose another name' });
}
