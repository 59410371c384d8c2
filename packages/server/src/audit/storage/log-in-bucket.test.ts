import { createNoteVerifier, verifyCheckpoint } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from '../service.js';
import { type HostileBucket, startHostileBucket } from '../testing/hostile-bucket.js';
import { bucketDeps, bucketPlaces, type Places } from '../testing/places.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from '../testing/room.js';
import type { TileStore } from '../tile-store.js';
import { openBucketTiles } from './bucket.js';

const crypto = createNodeCrypto();
let world: AuditWorld;
let places: Places;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
  places = await bucketPlaces();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(async () => {
  await places.close();
  await world.close();
});

async function start(folder: string, openTiles?: () => Promise<TileStore>): Promise<Audit> {
  const deps = auditDeps(world.sql, folder);
  const audit = createAudit(openTiles === undefined ? deps : { ...deps, openTiles });
  open.push(audit);
  await audit.start();
  return audit;
}

async function record(audit: Audit, count: number): Promise<string> {
  const recorded = await Promise.all(Array.from({ length: count }, () => audit.record(decision())));
  return `rcp_${recorded.at(-1)!.id.slice(4)}`;
}

const close = (audit: Audit): Promise<void> => {
  open.splice(open.indexOf(audit), 1);
  return audit.stop();
};

// AUD-75
describe('a log in a bucket', () => {
  it('grows, gives receipts, and goes on after a start', async () => {
    const folder = await world.fresh();
    const bucket = await places.fresh();
    const first = await start(folder, bucket);
    const receipt = await record(first, 600);
    expect((await first.receipt(receipt, 10_000)).id).toBe(receipt);
    await close(first);
    const again = await start(folder, bucket);
    await record(again, 10);
    expect((await again.receipt(receipt, 10_000)).id).toBe(receipt);
    const log = { origin: 'talos.test/log/default', keys: [createNoteVerifier(crypto, again.vkey)] };
    const note = await (await bucket()).readCheckpoint();
    expect(verifyCheckpoint(note ?? '', log).size).toBeGreaterThan(600);
  });

  it('moves there from a folder, and back: the tiles are made again from the rows', async () => {
    const folder = await world.fresh();
    const before = await start(folder);
    const receipt = await record(before, 300);
    await before.receipt(receipt, 10_000);
    await close(before);
    const bucket = await places.fresh();
    const moved = await start(folder, bucket);
    expect((await moved.receipt(receipt, 10_000)).id).toBe(receipt);
    await record(moved, 300);
    await close(moved);
    // The folder of before was left behind, and is brought up to date.
    const back = await start(folder);
    expect((await back.receipt(receipt, 10_000)).id).toBe(receipt);
  });
});

// AUD-75, AUD-77
describe('a tile that another process replaced, in a store that ignores conditions', () => {
  let bucket: HostileBucket;
  beforeAll(async () => {
    bucket = await startHostileBucket();
  });
  afterAll(() => bucket.close());

  it('is found by whoever needs it: no proof rests on it, and no start goes over it', async () => {
    const folder = await world.fresh();
    const tiles = () => openBucketTiles(bucketDeps(bucket.endpoint));
    const audit = await start(folder, tiles);
    const early = await record(audit, 10);
    const receipt = await record(audit, 300);
    await audit.receipt(receipt, 10_000);
    const path = 'tile/0/000';
    const bytes = bucket.objects.get(path) ?? Buffer.alloc(0);
    bucket.objects.set(path, Buffer.from(bytes.map((byte) => byte ^ 1)));
    const corrupt = { code: 'LOG_CORRUPT' };
    await expect(audit.receipt(early, 10_000)).rejects.toMatchObject(corrupt);
    await close(audit);
    await expect(start(folder, tiles)).rejects.toMatchObject({
      ...corrupt,
      data: { reason: expect.stringContaining(path) },
    });
    // What was replaced and is deleted is made again from the rows.
    bucket.objects.delete(path);
    const mended = await start(folder, tiles);
    expect((await mended.receipt(early, 10_000)).id).toBe(early);
    expect(bucket.objects.get(path)).toEqual(bytes);
  });
});

// AUD-76
describe('a bucket that fails while a log grows', () => {
  let bucket: HostileBucket;
  const limits = { requestMs: 150, fileMs: 300, pauseMs: 10 };
  beforeAll(async () => {
    bucket = await startHostileBucket();
  });
  afterAll(() => bucket.close());

  it('keeps every event, says that none can be proven, and proves them when it is back', async () => {
    const audit = await start(await world.fresh(), () =>
      openBucketTiles(bucketDeps(bucket.endpoint, {}, limits)),
    );
    bucket.mischief = () => 'busy';
    const receipt = await record(audit, 50);
    await expect(audit.receipt(receipt, 800)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect.poll(() => endOf(() => audit.assertReady()), { timeout: 5_000 }).toMatch(/object store/);
    bucket.mischief = () => undefined;
    expect((await audit.receipt(receipt, 10_000)).id).toBe(receipt);
    audit.assertReady();
  });

  it('loses no more than room when what is superfluous cannot be removed', async () => {
    const own = bucketDeps(bucket.endpoint, { prefix: 'sticky/' }, limits);
    const audit = await start(await world.fresh(), () => openBucketTiles(own));
    bucket.mischief = ({ method }) => (method === 'DELETE' ? 'busy' : undefined);
    await audit.receipt(await record(audit, 100), 10_000);
    const receipt = await record(audit, 300);
    expect((await audit.receipt(receipt, 10_000)).id).toBe(receipt);
    audit.assertReady();
    bucket.mischief = () => undefined;
  });
});

function endOf(work: () => void): string {
  try {
    work();
    return 'sound';
  } catch (error) {
    return String((error as Error).message);
  }
}
