import { createTreeHasher, EMPTY_EDGE, encodeUtf8, growLog, isTrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSecret } from '../../platform/secret.js';
import { type HostileBucket, type Mischief, startHostileBucket } from '../testing/hostile-bucket.js';
import { bucketDeps, bucketPlaces } from '../testing/places.js';
import type { TileStore } from '../tile-store.js';
import { openBucketTiles } from './bucket.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);
const LIMITS = { requestMs: 200, fileMs: 700, pauseMs: 10 };
const [bundle, hashes] = growLog(
  hasher,
  EMPTY_EDGE,
  Array.from({ length: 100 }, (_, i) => encodeUtf8(`entry ${i}`)),
).writes;
const tile = hashes!;
const other = { ...tile, bytes: tile.bytes.map((byte) => byte ^ 1) };

let bucket: HostileBucket;
let store: TileStore;
beforeAll(async () => {
  bucket = await startHostileBucket();
  store = await openBucketTiles(bucketDeps(bucket.endpoint, {}, LIMITS));
});
afterEach(() => {
  bucket.objects.clear();
  bucket.requests.length = 0;
  bucket.mischief = () => undefined;
  bucket.keepsConditions = false;
});
afterAll(() => bucket.close());

const always = (what: Mischief, method?: string): void => {
  bucket.mischief = (request) => (method === undefined || request.method === method ? what : undefined);
};
const first = (times: number, what: Mischief, method?: string): void => {
  let left = times;
  bucket.mischief = (request) => {
    if (method !== undefined && request.method !== method) return undefined;
    left -= 1;
    return left >= 0 ? what : undefined;
  };
};

/** How it ended, as whoever runs the log reads it. */
const endOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => {
      if (!isTrustError(error)) throw error;
      return `${error.code} ${error.data.reason}${error.data.hint === undefined ? '' : `; ${error.data.hint}`}`;
    },
  );

// AUD-75, AUD-76
describe('a bucket that fails for a moment', () => {
  it.each<[Mischief, string | undefined]>([
    ['busy', undefined],
    ['hang', undefined],
    ['break off', 'GET'],
  ])('%s at %s is tried again, and nothing is lost', async (what, method) => {
    bucket.objects.set(bundle!.path, Buffer.from(bundle!.bytes));
    first(2, what, method);
    await store.write([bundle!, tile]);
    expect(await store.read(tile.tile)).toEqual(tile.bytes);
  });

  it('answers what was there before, and is asked until it answers what was written', async () => {
    bucket.objects.set('checkpoint', Buffer.from('older\n'));
    first(3, 'old bytes', 'GET');
    await store.writeCheckpoint('newer\n');
    expect(await store.readCheckpoint()).toBe('newer\n');
    expect(bucket.requests.filter(({ method }) => method === 'GET').length).toBeGreaterThan(3);
  });
});

describe('a bucket that goes on failing', () => {
  it.each<[Mischief, string, RegExp]>([
    ['busy', 'GET', /^UNAVAILABLE .*did not give tile\/0\/000\.p\/100 \(503 SlowDown\)/],
    ['busy', 'PUT', /^UNAVAILABLE .*did not take tile\/0\/000\.p\/100 \(503 SlowDown\)/],
    ['hang', 'PUT', /^UNAVAILABLE .*did not take tile\/0\/000\.p\/100/],
    ['forget', 'PUT', /^UNAVAILABLE .*did not keep tile\/0\/000\.p\/100 \(NotThere\)/],
    ['tear', 'PUT', /^UNAVAILABLE .*did not keep tile\/0\/000\.p\/100 \(OtherBytes\)/],
    ['refuse', 'GET', /^UNAVAILABLE .*403 AccessDenied.*ListBucket/],
    ['refuse', 'PUT', /^UNAVAILABLE .*did not take .*403 AccessDenied/],
    ['no bucket', 'GET', /^UNAVAILABLE .*404 NoSuchBucket.*make the bucket/],
  ])('%s at %s ends in time, and is named', async (what, method, said) => {
    always(what, method);
    const begun = performance.now();
    expect(await endOf(store.write([tile]))).toMatch(said);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  it('holds nobody up whose request can never succeed', async () => {
    always('refuse');
    await endOf(store.read(tile.tile));
    expect(bucket.requests).toHaveLength(1);
  });

  it('cannot pass half a tile, or another one, off as it', async () => {
    await store.write([tile]);
    always('shorten', 'GET');
    expect((await store.read(tile.tile))?.length).toBe(tile.bytes.length >> 1);
    always('flip', 'GET');
    expect(await endOf(store.write([tile]))).toMatch(/^LOG_CORRUPT .*with other bytes/);
    always('endless', 'GET');
    expect(await endOf(store.read(tile.tile))).toMatch(/^LOG_CORRUPT .*more than it may have/);
    always('break off', 'GET');
    expect(await endOf(store.read(tile.tile))).toMatch(/^UNAVAILABLE/);
  });
});

describe('what is removed', () => {
  const full = { ...tile, tile: { ...tile.tile, width: 256 }, path: 'tile/0/000' };

  it('is what was asked for, whatever a bucket lists', async () => {
    const kept = ['checkpoint', 'tile/0/000', 'tile/0/000.p', 'tile/0/001.p/7', 'other-log/tile/0/000.p/5'];
    for (const path of [...kept, 'tile/0/000.p/5', 'tile/0/000.p/9'])
      bucket.objects.set(path, Buffer.from(path));
    always('list all', 'GET');
    await store.dropPartials([full]);
    expect([...bucket.objects.keys()]).toEqual(kept);
  });

  it('is gone where it was gone before, also if a bucket answers that it is not there', async () => {
    bucket.objects.set('tile/entries/001', Buffer.from('bodies'));
    always('miss', 'DELETE');
    expect(await endOf(store.dropEntries(0, 3))).toBe('done');
    expect([...bucket.objects.keys()]).toEqual([]);
  });
});

describe('an upload that broke off', () => {
  it('leaves a part that the next round writes again', async () => {
    first(1, 'tear', 'PUT');
    expect(await endOf(store.write([tile]))).toMatch(/OtherBytes/);
    expect(bucket.objects.get(tile.path)?.length).toBe(tile.bytes.length >> 1);
    await store.write([tile]);
    expect(await store.read(tile.tile)).toEqual(tile.bytes);
  });
});

describe('immutability', () => {
  it('does not rest on conditional writes: what is there is read first', async () => {
    await store.write([tile]);
    expect(await endOf(store.write([other]))).toMatch(/^LOG_CORRUPT/);
    expect(bucket.objects.get(tile.path)).toEqual(Buffer.from(tile.bytes));
    expect(bucket.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  it('finds out that a tile changed behind its back', async () => {
    await store.write([tile]);
    bucket.objects.set(tile.path, Buffer.from(other.bytes));
    expect(await endOf(store.write([tile]))).toMatch(/^LOG_CORRUPT .*with other bytes/);
  });

  /** Two look, and find nothing; one writes, and then the other. Gives how the other ended, and it. */
  async function writeLate(late: typeof tile): Promise<{ readonly end: string; readonly second: TileStore }> {
    const second = await openBucketTiles(bucketDeps(bucket.endpoint, {}, LIMITS));
    await store.write([tile]);
    first(1, 'old bytes', 'GET');
    return { end: await endOf(second.write([late])), second };
  }

  it('holds against one who looked before where the store keeps conditions', async () => {
    bucket.keepsConditions = true;
    const { end } = await writeLate(other);
    expect(end).toMatch(/^UNAVAILABLE .*OtherBytes/);
    expect(bucket.objects.get(tile.path)).toEqual(Buffer.from(tile.bytes));
  });

  it('does not where the store ignores them: whose tile was replaced is told at the next look', async () => {
    const { end, second } = await writeLate(other);
    expect(end).toBe('done');
    expect(bucket.objects.get(tile.path)).toEqual(Buffer.from(other.bytes));
    expect(await endOf(store.write([tile]))).toMatch(/^LOG_CORRUPT .*with other bytes/);
    // It is not written back and forth.
    expect(await endOf(second.write([other]))).toBe('done');
  });

  it.each([true, false])(
    'is not needed by equal rows: their bytes are equal (conditions kept: %s)',
    async (kept) => {
      bucket.keepsConditions = kept;
      expect((await writeLate(tile)).end).toBe('done');
      expect(bucket.objects.get(tile.path)).toEqual(Buffer.from(tile.bytes));
      expect(await endOf(store.write([tile]))).toBe('done');
    },
  );

  it('asks for a condition where one is understood, and does without where it is not', async () => {
    always('no conditions', 'PUT');
    await store.write([tile]);
    expect(bucket.objects.get(tile.path)).toEqual(Buffer.from(tile.bytes));
    bucket.requests.length = 0;
    await store.write([bundle!]);
    expect(bucket.requests.some(({ headers }) => headers['if-none-match'] !== undefined)).toBe(false);
  });
});

describe('what is written', () => {
  it('could be served as it is, and none but hashes to everybody', async () => {
    await store.write([bundle!, tile]);
    await store.writeCheckpoint('note\n');
    const headers = new Map(
      bucket.requests.flatMap(({ method, key, headers }) => (method === 'PUT' ? [[key, headers]] : [])),
    );
    expect(headers.get(tile.path)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(headers.get(bundle!.path)?.['cache-control']).toMatch(/^private/);
    expect(headers.get('checkpoint')).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
    });
  });
});

describe('credentials', () => {
  const SECRET = 'sEcReT-of-the-bucket';
  it('are in no error, and a wrong one says what to correct', async () => {
    const places = await bucketPlaces();
    try {
      const wrong = {
        accessKeyId: createSecret('AKIAUNKNOWN'),
        secretAccessKey: createSecret(SECRET),
        sessionToken: undefined,
      };
      const refused = await openBucketTiles({ ...bucketDeps(places.endpoint), credentials: wrong });
      const error = await refused.readCheckpoint().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'UNAVAILABLE',
        data: { hint: expect.stringContaining('TALOS_S3_SECRET_ACCESS_KEY') },
      });
      const { stack, message, data, cause } = error as {
        stack: string;
        message: string;
        data: object;
        cause: unknown;
      };
      expect(`${stack}${message}${JSON.stringify(data)}`).not.toMatch(/sEcReT|AKIAUNKNOWN|Signature=/);
      expect(cause).toBeUndefined();
    } finally {
      await places.close();
    }
  });

  it('of a session travel with each request', async () => {
    const sessionToken = createSecret('the-session');
    const keys = { accessKeyId: createSecret('A'), secretAccessKey: createSecret('B'), sessionToken };
    const own = await openBucketTiles({ ...bucketDeps(bucket.endpoint), credentials: keys });
    await own.readCheckpoint();
    expect(bucket.requests.at(-1)?.headers['x-amz-security-token']).toBe('the-session');
  });
});
