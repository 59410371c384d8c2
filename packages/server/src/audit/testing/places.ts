import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { createSecret } from '../../platform/secret.js';
import { clock } from '../../platform/system.js';
import { type BucketDeps, openBucketTiles } from '../storage/bucket.js';
import { openTileStore, type TileStore } from '../tile-store.js';
import { startHostileBucket } from './hostile-bucket.js';

/** A kind of place for tiles, and new empty ones of it. */
export interface Places {
  /** Opens a new place; opening it again gives what is there. */
  fresh(): Promise<() => Promise<TileStore>>;
  close(): Promise<void>;
}

/** What s3rver takes. */
export const TEST_KEYS = {
  accessKeyId: createSecret('S3RVER'),
  secretAccessKey: createSecret('S3RVER'),
  sessionToken: undefined,
};

export async function folderPlaces(): Promise<Places> {
  const folders: string[] = [];
  return {
    fresh: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'talos-tiles-'));
      folders.push(folder);
      return () => openTileStore(folder);
    },
    close: async () => {
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Buckets of an S3-compatible server that others wrote. */
export async function bucketPlaces(): Promise<Places & { readonly endpoint: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'talos-s3-'));
  const options = { address: '127.0.0.1', port: 0, silent: true, directory };
  const server = new S3rver({ ...options, configureBuckets: [{ name: 'logs' }] });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  let count = 0;
  return {
    endpoint,
    fresh: async () => {
      count += 1;
      const prefix = `log-${count}/`;
      return () => openBucketTiles(bucketDeps(endpoint, { prefix }));
    },
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A bucket of whatever server `TALOS_TEST_S3` names (`http://key:secret@host:port/bucket`), for a run by hand. */
export async function namedPlaces(): Promise<Places> {
  const { origin, protocol, host, username, password, pathname } = new URL(
    process.env['TALOS_TEST_S3'] ?? '',
  );
  const credentials = {
    accessKeyId: createSecret(username),
    secretAccessKey: createSecret(password),
    sessionToken: undefined,
  };
  const endpoint = origin === 'null' ? `${protocol}//${host}` : origin;
  const run = clock.now();
  let count = 0;
  return {
    fresh: async () => {
      count += 1;
      const { settings, ...deps } = bucketDeps(endpoint, {
        bucket: pathname.slice(1),
        prefix: `${run}/${count}/`,
      });
      return () => openBucketTiles({ ...deps, settings, credentials });
    },
    close: async () => undefined,
  };
}

/** Buckets of the server that may be told to misbehave. */
export async function hostilePlaces(): Promise<Places> {
  const bucket = await startHostileBucket();
  let count = 0;
  return {
    fresh: async () => {
      count += 1;
      const prefix = `log-${count}/`;
      return () => openBucketTiles(bucketDeps(bucket.endpoint, { prefix }));
    },
    close: () => bucket.close(),
  };
}

/** A bucket by the name of `logs`. */
export function bucketDeps(
  endpoint: string,
  changes: Partial<BucketDeps['settings']> = {},
  limits: NonNullable<BucketDeps['limits']> = {},
): BucketDeps {
  return { settings: { endpoint, bucket: 'logs', ...changes }, credentials: TEST_KEYS, clock, limits };
}
