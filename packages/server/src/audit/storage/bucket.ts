import { setTimeout as sleep } from 'node:timers/promises';
import type { BucketSettings } from '@talosprotocol/contracts';
import { equalBytes, isTrustError } from '@talosprotocol/protocol';
import type { BucketCredentials } from '../../platform/settings.js';
import type { Clock } from '../../platform/system.js';
import { inParallel } from '../in-parallel.js';
import { createTileStore, type TileStore } from '../tile-store.js';
import { type BucketClient, createBucketClient, type PutOptions } from './bucket-client.js';
import { bucketError, bucketFault } from './bucket-fault.js';
import type { LogFile, LogFiles } from './log-files.js';

export interface BucketDeps {
  readonly settings: BucketSettings;
  readonly credentials: BucketCredentials | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly limits?: Partial<BucketLimits>;
}

/** Times in milliseconds. */
export interface BucketLimits {
  /** Of one request. */
  readonly requestMs: number;
  /** Of one file, with all tries. */
  readonly fileMs: number;
  /** The pause after the first try; it doubles with each. */
  readonly pauseMs: number;
}

const LIMITS: BucketLimits = { requestMs: 4_000, fileMs: 12_000, pauseMs: 100 };

/** A log's tiles in a bucket. */
export async function openBucketTiles(deps: BucketDeps): Promise<TileStore> {
  return createTileStore(await openBucket(deps));
}

/** Opens a bucket as the place of a log's files. What is written is read back before it counts: a store may lose, cut
 *  or delay an upload that it acknowledged, and a checkpoint must not stand on it. */
async function openBucket(deps: BucketDeps): Promise<LogFiles> {
  const { settings, credentials } = deps;
  const limits = { ...LIMITS, ...deps.limits };
  const client = await createBucketClient(settings, credentials, limits.requestMs);
  const place: Place = {
    client,
    limits,
    clock: deps.clock,
    prefix: settings.prefix ?? '',
    conditional: true,
  };
  return {
    read: (path, maxBytes) => read(place, path, maxBytes),
    write: async (files) => {
      await Promise.all(files.map((file) => write(place, file)));
    },
    // What was read is in the store already.
    settle: async () => undefined,
    remove: (paths) =>
      removeAll(
        place,
        paths.map((path) => place.prefix + path),
      ),
    removeBelow: (path) => removeBelow(place, path),
  };
}

interface Place {
  readonly client: BucketClient;
  readonly limits: BucketLimits;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly prefix: string;
  /** Whether the store is asked to refuse a second write. */
  conditional: boolean;
}

/** Tries until it works, the fault lasts, or the time is over. */
async function persist<T>(place: Place, action: string, attempt: () => Promise<T>): Promise<T> {
  const { clock, limits } = place;
  const until = clock.monotonic() + limits.fileMs;
  for (let pause = limits.pauseMs; ; pause *= 2) {
    try {
      return await attempt();
    } catch (error) {
      if (isTrustError(error)) throw error;
      const isLast = clock.monotonic() + pause >= until;
      if (isLast || bucketFault(error) !== 'passing') throw bucketError(action, error);
      // Writers that were refused together do not come back together.
      await sleep(pause / 2 + (Math.random() * pause) / 2);
    }
  }
}

function read(place: Place, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  return persist(place, `give ${path}`, () => readOnce(place, path, maxBytes));
}

async function readOnce(place: Place, path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    return await place.client.get(place.prefix + path, maxBytes);
  } catch (error) {
    if (!isTrustError(error) && bucketFault(error) === 'absent') return undefined;
    throw error;
  }
}

async function write(place: Place, file: LogFile): Promise<void> {
  await persist(place, `take ${file.path}`, () => put(place, file));
  await persist(place, `keep ${file.path}`, () => assertKept(place, file));
}

async function put(place: Place, { path, bytes, isNew }: LogFile): Promise<void> {
  const options: PutOptions = { ...headersOf(path), onlyNew: isNew && place.conditional };
  try {
    await place.client.put(place.prefix + path, bytes, options);
  } catch (error) {
    const fault = bucketFault(error);
    // Somebody else was faster, or an earlier try of ours: the reading back says which bytes they are.
    if (fault === 'present') return;
    if (fault !== 'unconditional' || !options.onlyNew) throw error;
    place.conditional = false;
    await put(place, { path, bytes, isNew });
  }
}

/** As our own routes answer them, so that the bucket could be served as it is. */
function headersOf(path: string): Pick<PutOptions, 'contentType' | 'cacheControl'> {
  if (!path.startsWith('tile/'))
    return { contentType: 'text/plain; charset=utf-8', cacheControl: 'no-cache' };
  const whose = path.startsWith('tile/entries/') ? 'private' : 'public';
  return { contentType: 'application/octet-stream', cacheControl: `${whose}, max-age=31536000, immutable` };
}

/** Nothing there, or what was there before, may become what was written. */
async function assertKept(place: Place, { path, bytes }: LogFile): Promise<void> {
  const kept = await readOnce(place, path, Math.max(bytes.length, MAX_KEPT));
  if (kept !== undefined && equalBytes(kept, bytes)) return;
  const what = kept === undefined ? 'NotThere' : 'OtherBytes';
  throw Object.assign(new Error(what), { name: what });
}

/** Of an older checkpoint, which may be longer than the new one. */
const MAX_KEPT = 1_000_000;

const AT_A_TIME = 8;

async function removeBelow(place: Place, path: string): Promise<void> {
  const below = `${place.prefix}${path}/`;
  const listed = await persist(place, `list ${path}`, () => place.client.list(below));
  // A store that lists what it was not asked for must not make us remove that: other tiles, or another log.
  const asked = listed.filter((key) => key.startsWith(below));
  await removeAll(place, asked);
}

async function removeAll(place: Place, keys: readonly string[]): Promise<void> {
  await inParallel(keys, AT_A_TIME, (key) => persist(place, `remove ${key}`, () => removeOnce(place, key)));
}

/** Amazon's answers 204 to who removes what is not there, others 404. */
async function removeOnce({ client }: Place, key: string): Promise<void> {
  try {
    await client.remove(key);
  } catch (error) {
    if (bucketFault(error) !== 'absent') throw error;
  }
}
