import { setTimeout as sleep } from 'node:timers/promises';
import type { AnchorProof } from '@talosprotocol/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clock } from '../../platform/system.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { type AuditWorld, openAuditWorld } from '../testing/room.js';
import { createAnchorLoop } from './anchor-loop.js';
import { type AnchorStore, createAnchorStore, importAnchor } from './anchor-store.js';
import type { Anchorer } from './anchorer.js';

const PLACE = 'opentimestamps';
const root = 'ab'.repeat(32);
const proof = (size: number): AnchorProof => ({
  kind: 'opentimestamps',
  origin: 'talos.test/log',
  size,
  root,
  ots: 'AAAA',
});

const lines: string[] = [];
let world: AuditWorld;
let store: AnchorStore;

beforeAll(async () => {
  world = await openAuditWorld();
  store = createAnchorStore(world.sql, createTestLog(lines));
});
afterAll(() => world?.close());
beforeEach(() => world.sql.query('TRUNCATE audit_anchor'));

describe('the anchors of a database', () => {
  it('keeps what is begun until it is proven, and then the proof', async () => {
    const begun = await store.begin(PLACE, { size: 5, root }, 1_000);
    const kept = await store.keep(PLACE, begun, 'state');
    expect(await store.open(PLACE)).toEqual([{ size: 5, root, begunMs: 1_000, state: 'state', version: 2 }]);
    expect(await store.lastBegun(PLACE)).toMatchObject({ size: 5, begunMs: 1_000 });
    expect(await store.newestAt(PLACE)).toBeUndefined();
    await store.prove(PLACE, kept, proof(5));
    expect(await store.open(PLACE)).toEqual([]);
    expect(await store.newestAt(PLACE)).toMatchObject({ size: 5, begunMs: 1_000, proof: proof(5) });
    expect(await store.newestAt('evm x')).toBeUndefined();
  });

  it('gives the smallest that covers what is asked for', async () => {
    for (const size of [5, 9, 12])
      await store.prove(PLACE, await store.begin(PLACE, { size, root }, 1), proof(size));
    await store.begin(PLACE, { size: 7, root }, 1);
    expect(await store.covering(6, 100, undefined)).toMatchObject({ size: 9 });
    expect(await store.covering(10, 11, undefined)).toBeUndefined();
    expect(await store.covering(1, 100, 'opentimestamps')).toMatchObject({ size: 5 });
    expect(await store.covering(1, 100, 'evm')).toBeUndefined();
    expect(await store.newest(undefined)).toMatchObject({ size: 12 });
    expect(await store.newest('evm')).toBeUndefined();
  });

  it('tells apart which rest on the word of calendars alone', async () => {
    const header = 'A'.repeat(107);
    for (const size of [5, 9, 12]) {
      const one = { ...proof(size), ...(size === 5 ? { header } : {}) };
      await store.prove(PLACE, await store.begin(PLACE, { size, root }, 1), one);
    }
    expect(await store.newest(undefined)).toMatchObject({ size: 12 });
    expect(await store.confirmed(undefined)).toMatchObject({ size: 5 });
    expect(await store.confirmed(PLACE)).toMatchObject({ size: 5 });
    expect(await store.confirmed('evm x')).toBeUndefined();
  });

  // AUD-133
  it('has what was imported as evidence, and as confirmed once the chain has it', async () => {
    const header = 'A'.repeat(107);
    for (const size of [5, 9]) await importAnchor(world.sql, { ...proof(size), header } as AnchorProof, 1);
    await importAnchor(world.sql, proof(12), 1);
    expect(await store.newest(undefined)).toMatchObject({ size: 12, imported: true });
    expect(await store.confirmed(undefined)).toBeUndefined();
    expect(await store.newestAt(PLACE)).toBeUndefined();
    const newest = (await store.newestImported(PLACE, undefined))!;
    expect([newest.size, await store.newestImported('evm x', undefined)]).toEqual([9, undefined]);
    expect(await store.newestImported(PLACE, 9)).toMatchObject({ size: 5 });
    expect(await store.newestImported(PLACE, 5)).toBeUndefined();
    await store.accept(newest);
    expect(await store.confirmed(PLACE)).toMatchObject({ size: 9, imported: false });
    expect(await store.newestAt(PLACE)).toMatchObject({ size: 9 });
    // It is one of our own now.
    await store.forget(newest);
    expect(await store.covering(6, 11, undefined)).toMatchObject({ size: 9 });
    await store.forget((await store.newestImported(PLACE, undefined))!);
    expect(await store.covering(1, 5, undefined)).toBeUndefined();
    expect(await store.newestImported(PLACE, undefined)).toBeUndefined();
  });

  // AUD-133
  it('gives what was imported, and of which no chain was asked, only where there is nothing else', async () => {
    for (const size of [5, 20]) await importAnchor(world.sql, proof(size), 1);
    const own = 'evm x';
    await store.prove(own, await store.begin(own, { size: 9, root }, 1), proof(9));
    expect(await store.covering(1, 100, undefined)).toMatchObject({ size: 9, place: own });
    expect(await store.newest(undefined)).toMatchObject({ size: 9, place: own });
    // None of our own is of that kind, or covers so much.
    expect(await store.covering(1, 100, PLACE)).toMatchObject({ size: 5, imported: true });
    expect(await store.covering(10, 100, undefined)).toMatchObject({ size: 20, imported: true });
    expect(await store.newest(PLACE)).toMatchObject({ size: 20, imported: true });
    await importAnchor(world.sql, { ...proof(7), header: 'A'.repeat(107) } as AnchorProof, 1);
    await store.accept((await store.newestImported(PLACE, undefined))!);
    expect(await store.covering(1, 100, undefined)).toMatchObject({ size: 7, imported: false });
  });

  // AUD-133
  it('gives those that are proven page by page, each once, by size and then by place', async () => {
    for (const [place, size] of [
      ['opentimestamps', 7],
      ['evm b', 7],
      ['evm B', 7],
      ['evm b', 3],
      ['evm b', 9],
    ] as const)
      await store.prove(place, await store.begin(place, { size, root }, 1), proof(size));
    await store.begin('evm b', { size: 8, root }, 1);
    const seen: [number, string][] = [];
    for (let at: { after: number; place: string } | undefined = { after: 0, place: '' }; at !== undefined; ) {
      const { proofs, next } = await store.page(8, at, 1);
      expect(proofs.length).toBeLessThanOrEqual(1);
      if (next !== undefined) seen.push([next.after, next.place]);
      at = next;
    }
    expect(seen).toEqual([
      [3, 'evm b'],
      [7, 'evm B'],
      [7, 'evm b'],
      [7, 'opentimestamps'],
    ]);
  });

  it('lets two processes not write over each other: whoever is behind is told so', async () => {
    const begun = await store.begin(PLACE, { size: 5, root }, 1);
    await store.keep(PLACE, begun, 'of the one');
    const conflict = expect.objectContaining({ code: 'CONFLICT' });
    await expect(store.keep(PLACE, begun, 'of the other')).rejects.toThrow(conflict);
    await expect(store.prove(PLACE, begun, proof(5))).rejects.toThrow(conflict);
    await expect(store.giveUp(PLACE, begun)).rejects.toThrow(conflict);
    expect((await store.open(PLACE))[0]?.state).toBe('of the one');
  });

  it('opens one again whose proof holds no more, with what was kept of it', async () => {
    const kept = await store.keep(PLACE, await store.begin(PLACE, { size: 5, root }, 1), 'state');
    await store.prove(PLACE, kept, proof(5));
    await store.reopen(PLACE, 5);
    expect(await store.newestAt(PLACE)).toBeUndefined();
    expect((await store.open(PLACE))[0]).toMatchObject({ size: 5, state: 'state' });
  });

  it('begins one of the same size anew, and forgets one that is given up', async () => {
    await store.keep(PLACE, await store.begin(PLACE, { size: 5, root }, 1), 'state');
    const anew = await store.begin(PLACE, { size: 5, root }, 2);
    expect(anew).toMatchObject({ state: undefined, begunMs: 2 });
    await store.giveUp(PLACE, anew);
    expect(await store.lastBegun(PLACE)).toBeUndefined();
  });

  // AUD-40
  it('keeps what was proven, and begins nothing anew, once a clock that had run ahead is set right', async () => {
    let [now, size] = [Date.parse('2036-01-01T00:00:00.000Z'), 5];
    const begun: number[] = [];
    const anchorer: Anchorer = {
      place: PLACE,
      kind: 'opentimestamps',
      everyMs: 20,
      pollMs: 3_600_000,
      maxOpen: 24,
      follow: async (anchor) => {
        begun.push(anchor.size);
        return { kind: 'proven', proof: proof(anchor.size) };
      },
      holds: async () => true,
      knows: async () => undefined,
      look: async () => ({ alarms: [], blind: undefined, unseen: 0 }),
    };
    const loop = createAnchorLoop(anchorer, {
      anchored: { origin: 'talos.test/log', size: () => size, rootAt: async () => root },
      store,
      clock: { ...clock, now: () => now },
      log: createTestLog(),
      timeOf: async () => 0,
    });
    loop.start();
    try {
      await expect.poll(() => begun, { timeout: 5_000 }).toEqual([5]);
      [now, size] = [Date.parse('2026-01-01T00:00:00.000Z'), 9];
      await expect.poll(() => begun.includes(9), { timeout: 5_000 }).toBe(true);
      now += 1_000;
      await sleep(300);
      expect(begun).toEqual([5, 9]);
      expect(await store.newestAt(PLACE)).toMatchObject({ size: 9 });
      size = 12;
      await expect.poll(() => begun, { timeout: 5_000 }).toEqual([5, 9, 12]);
    } finally {
      await loop.stop();
    }
  });

  it('writes no proof that it could not read, and passes over one that is there', async () => {
    const begun = await store.begin(PLACE, { size: 5, root }, 1);
    const tooLong = { ...proof(5), ots: 'A'.repeat(22_000) } as AnchorProof;
    await expect(store.prove(PLACE, begun, tooLong)).rejects.toMatchObject({ code: 'MALFORMED' });
    for (const size of [4, 5, 7, 9])
      await store.prove(PLACE, await store.begin(PLACE, { size, root }, 1), proof(size));
    const spoil = 'UPDATE audit_anchor SET proof = $1 WHERE size IN (5, 9)';
    await world.sql.query(spoil, [JSON.stringify(tooLong)]);
    expect(await store.covering(5, 100, 'opentimestamps')).toMatchObject({ size: 7 });
    expect(await store.covering(8, 100, undefined)).toBeUndefined();
    expect(await store.newestAt(PLACE)).toMatchObject({ size: 7 });
    expect(await store.newest(undefined)).toMatchObject({ size: 7 });
    const said = lines.filter((line) => line.includes('cannot be read'));
    expect(said.map((line) => JSON.parse(line).size).sort()).toEqual([5, 9]);
  });
});
