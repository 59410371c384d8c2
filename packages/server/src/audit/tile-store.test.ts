import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTreeHasher,
  decodeEntryBundle,
  EMPTY_EDGE,
  edgeTiles,
  encodeUtf8,
  growLog,
  type LogGrowth,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bucketPlaces, folderPlaces, hostilePlaces, namedPlaces, type Places } from './testing/places.js';
import { mountSmallDisk } from './testing/small-disk.js';
import { openTileStore } from './tile-store.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);

function grown(count: number, bytes = 10): LogGrowth {
  return growLog(
    hasher,
    EMPTY_EDGE,
    Array.from({ length: count }, (_, i) => encodeUtf8(`${i}`.padEnd(bytes))),
  );
}

const PLACES: readonly { readonly name: string; readonly openPlaces: () => Promise<Places> }[] = [
  { name: 'a folder', openPlaces: folderPlaces },
  { name: 'a bucket of s3rver', openPlaces: bucketPlaces },
  { name: 'a bucket of a server that ignores conditions', openPlaces: hostilePlaces },
  ...(process.env['TALOS_TEST_S3'] === undefined
    ? []
    : [{ name: 'the bucket of TALOS_TEST_S3', openPlaces: namedPlaces }]),
];

// AUD-75
describe.each(PLACES)('a tile store in $name', ({ openPlaces }) => {
  let places: Places;
  beforeAll(async () => {
    places = await openPlaces();
  });
  afterAll(() => places.close());

  it('gives back what it wrote, and a part of a full tile where the partial one is gone', async () => {
    const store = await (await places.fresh())();
    const small = grown(100);
    await store.write(small.writes);
    const before = await Promise.all(edgeTiles(100).map((tile) => store.read(tile)));
    const full = grown(256);
    await store.write(full.writes);
    await store.dropPartials(full.writes);
    const after = await Promise.all(edgeTiles(100).map((tile) => store.read(tile)));
    expect(after).toEqual(before);
    expect(after.every((bytes) => bytes !== undefined)).toBe(true);
    expect(await store.read({ level: 0, index: 1, width: 256 })).toBeUndefined();
    expect(await store.read({ level: 1, index: 0, width: 1 })).toHaveLength(32);
  });

  // AUD-111
  it('forgets entries, also what was left of partial ones, and keeps hashes', async () => {
    const store = await (await places.fresh())();
    await store.write(grown(100).writes);
    await store.write(grown(600).writes);
    await store.dropEntries(0, 2);
    await store.dropEntries(0, 2);
    const entries = (index: number, width: number) => store.read({ level: 'entries', index, width });
    expect(await Promise.all([entries(0, 256), entries(0, 100), entries(1, 256)])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const left = decodeEntryBundle((await entries(2, 88)) as Uint8Array, 88);
    expect(left.map((entry) => Buffer.from(entry).toString().trim())).toEqual(
      Array.from({ length: 88 }, (_, i) => `${512 + i}`),
    );
    expect(await store.read({ level: 0, index: 0, width: 256 })).toHaveLength(8192);
  });

  it('never replaces a tile by other bytes, also not when it was opened anew', async () => {
    const open = await places.fresh();
    const { writes } = grown(300);
    await (await open()).write(writes);
    await (await open()).write(writes);
    const store = await open();
    for (const write of writes) {
      const other = { ...write, bytes: write.bytes.map((byte) => byte ^ 1) };
      await expect(store.write([other])).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      expect(await store.read(write.tile)).toEqual(write.bytes);
    }
  });

  it('writes again what is there in part only', async () => {
    const store = await (await places.fresh())();
    const [bundle, hashes] = grown(200).writes;
    const part = { ...hashes!, bytes: hashes!.bytes.subarray(0, 100) };
    await store.write([part]);
    expect(await store.read(hashes!.tile)).toEqual(part.bytes);
    await store.write([bundle!, hashes!]);
    expect(await store.read(hashes!.tile)).toEqual(hashes!.bytes);
    await expect(store.write([part])).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });

  it('replaces the checkpoint, also by a shorter one', async () => {
    const open = await places.fresh();
    const store = await open();
    expect(await store.readCheckpoint()).toBeUndefined();
    for (const note of ['first\n', 'a longer second one\n', 'third\n']) {
      await store.writeCheckpoint(note);
      expect(await store.readCheckpoint()).toBe(note);
      expect(await (await open()).readCheckpoint()).toBe(note);
    }
  });

  it('reads no more than a tile may have', async () => {
    const store = await (await places.fresh())();
    const [, hashes] = grown(200).writes;
    await store.write([{ ...hashes!, bytes: new Uint8Array(32 * 200 + 1) }]).catch(() => undefined);
    await expect(store.read(hashes!.tile)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});

describe('a tile store in a folder', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });
  const newFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'talos-tiles-'));
    folders.push(folder);
    return folder;
  };

  it('removes what a kill left half written', async () => {
    const folder = await newFolder();
    await openTileStore(folder);
    await writeFile(join(folder, '.drafts', 'half'), 'x');
    await openTileStore(folder);
    expect(await readdir(join(folder, '.drafts'))).toEqual([]);
  });

  it('says of a full bundle that was cut that it is malformed', async () => {
    const folder = await newFolder();
    const store = await openTileStore(folder);
    await store.write(grown(256).writes);
    await truncate(join(folder, 'tile', 'entries', '000'), 100);
    const part = store.read({ level: 'entries', index: 0, width: 100 });
    await expect(part).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      data: { reason: 'tile/entries/000 is malformed' },
    });
  });

  it('leaves no half tile on a full disk, and goes on when there is room', async (context) => {
    const disk = await mountSmallDisk(256 * 1024);
    if (disk === undefined) return context.skip('mounting is not permitted here');
    try {
      const store = await openTileStore(disk.path);
      await writeFile(join(disk.path, 'ballast'), new Uint8Array(150_000));
      const { writes } = grown(256, 1000);
      await expect(store.write(writes)).rejects.toMatchObject({ code: 'ENOSPC' });
      for (const { tile, bytes } of writes) expect([undefined, bytes]).toContainEqual(await store.read(tile));
      await rm(join(disk.path, 'ballast'));
      const room = grown(100, 1000).writes;
      await store.write(room);
      expect(await readdir(join(disk.path, '.drafts'))).toEqual([]);
      for (const { tile, bytes } of room) expect(await store.read(tile)).toEqual(bytes);
    } finally {
      await disk.remove();
    }
  });
});
