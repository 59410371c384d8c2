import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTreeHasher,
  EMPTY_EDGE,
  edgeTiles,
  encodeUtf8,
  growLog,
  type LogGrowth,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, describe, expect, it } from 'vitest';
import { mountSmallDisk } from './testing/small-disk.js';
import { openTileStore } from './tile-store.js';

const hasher = createTreeHasher(createNodeCrypto().sha256);
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'talos-tiles-'));
  folders.push(folder);
  return folder;
}

function grown(count: number, bytes = 10): LogGrowth {
  return growLog(
    hasher,
    EMPTY_EDGE,
    Array.from({ length: count }, (_, i) => encodeUtf8(`${i}`.padEnd(bytes))),
  );
}

describe('tile store', () => {
  it('gives back what it wrote, and a part of a full tile where the partial one is gone', async () => {
    const store = await openTileStore(await newFolder());
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
  });

  it('never replaces a tile by other bytes', async () => {
    const store = await openTileStore(await newFolder());
    const { writes } = grown(300);
    await store.write(writes);
    await store.write(writes);
    for (const write of writes) {
      const other = { ...write, bytes: write.bytes.map((byte) => byte ^ 1) };
      await expect(store.write([other])).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
      expect(await store.read(write.tile)).toEqual(write.bytes);
    }
  });

  it('removes what a kill left half written', async () => {
    const folder = await newFolder();
    await openTileStore(folder);
    await writeFile(join(folder, '.drafts', 'half'), 'x');
    await openTileStore(folder);
    expect(await readdir(join(folder, '.drafts'))).toEqual([]);
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
