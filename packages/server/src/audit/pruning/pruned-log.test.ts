import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditEvent } from '@talosprotocol/contracts';
import { canonicalize } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Queries, Sql } from '../../platform/sql.js';
import { clock } from '../../platform/system.js';
import { createExplorer } from '../explorer/explorer.js';
import { type AuditWorld, newUuid, openAuditWorld } from '../testing/room.js';
import { openTileStore } from '../tile-store.js';
import { DAY, iso, type OldLog, openGrownLog } from './testing/old-log.js';

const crypto = createNodeCrypto();

let world: AuditWorld;
let log: OldLog;

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(() => log?.stop());
afterAll(() => world?.close());

async function grown(): Promise<void> {
  ({ log } = await openGrownLog(world));
}

const file = (n: number): string => join(log.tiles, 'tile', 'entries', String(n).padStart(3, '0'));
const prunings = async () => (await log.audit.events({ filter: { type: 'log.pruned' }, limit: 10 })).events;
const said = async () =>
  (await log.fsck()).faults.map(({ where, index, what }) => `${where} ${index ?? ''} ${what}`);

/** A database that fails each time it is told something that matches. */
function failing(sql: Sql, pattern: RegExp): Sql {
  const wrap = (queries: Queries): Queries => ({
    query: async (text, values) => {
      if (pattern.test(typeof text === 'string' ? text : text.text)) throw new Error('killed here');
      return queries.query(text, values);
    },
  });
  return {
    ...sql,
    ...wrap(sql),
    transaction: (work, isolation) => sql.transaction((tx) => work(wrap(tx)), isolation),
  };
}

// AUD-111
describe('a pruning that is killed', () => {
  it.each([
    ['before anybody is told', /UPDATE audit_log SET pruned/, 0],
    ['when some bundles are gone', /UPDATE audit_pruning SET done/, 512],
    ['before the rows are gone', /DELETE FROM audit_event|TRUNCATE/, 512],
    ['at its very end', /DELETE FROM audit_pruning/, 512],
  ])('%s is ended by the next start, and stands in the log once', async (_, pattern, pruned) => {
    await grown();
    await log.stop();
    const broken = failing(world.sql, pattern);
    await log.start({ sql: broken } as never);
    await expect(log.prune(iso(log.now() - 2 * DAY))).rejects.toThrow();
    await log.stop();
    const { faults } = await log.fsck();
    expect(faults).toEqual([]);
    const [row] = await world.sql.query<{ pruned: number }>('SELECT pruned FROM audit_log');
    expect(row?.pruned).toBe(pruned);
    await log.start();
    const left = () => world.sql.query('SELECT 1 FROM audit_pruning');
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
    expect(await prunings()).toHaveLength(1);
    expect(await log.fsck()).toEqual({ faults: [], pruned: 512 });
    const rows = await world.sql.query('SELECT idx FROM audit_event WHERE idx < 512');
    expect(rows).toHaveLength(3);
  });

  it('does not begin where what would go is not what was signed', async () => {
    await grown();
    await world.sql.query(`UPDATE audit_event SET event = replace(event, '"allow"', '"deny"') WHERE idx = 9`);
    await expect(log.prune()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    expect(await prunings()).toEqual([]);
    await world.sql.query('DELETE FROM audit_event WHERE idx = 9');
    await expect(log.prune()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});

// AUD-111
describe('what the database alone says of a pruning', () => {
  const id = () => `evt_${newUuid()}`;
  const pruned = (from: number, to: number) =>
    JSON.stringify({
      id: id(),
      type: 'log.pruned',
      tenant: 'default',
      principal: null,
      members: { of: 'age', from, to, before: iso(0), size: 700, root: 'ab'.repeat(32) },
      disclosures: [],
    });

  it.each([
    ['goes farther than its record', 768, pruned(0, 256)],
    [
      'would put another event on record',
      512,
      JSON.stringify({ type: 'decision', members: { from: 0, to: 512 } }),
    ],
    ['has no members', 512, JSON.stringify({ type: 'log.pruned' })],
    ['ends within a bundle', 300, pruned(0, 300)],
    ['cannot be read', 512, '{'],
  ])('is not done if it %s', async (_, hi, draft) => {
    await grown();
    await world.sql.query('INSERT INTO audit_pruning (lo, hi, draft, done) VALUES (0, $1, $2, 0)', [
      hi,
      draft,
    ]);
    await expect(log.prune()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await log.stop();
    await log.start();
    await expect(log.prune()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    expect(await log.fsck()).toEqual({ faults: [], pruned: 0 });
  });

  it.each([-256, 100, 257])('is not believed where no bundle ends: %i', async (at) => {
    await grown();
    await log.stop();
    await world.sql.query('UPDATE audit_log SET pruned = $1', [at]);
    await expect(log.start()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});

// AUD-115
describe('a look at a log that was pruned', () => {
  it('names bodies that are gone without a record as missing', async () => {
    await grown();
    await world.sql.query('DELETE FROM audit_event WHERE idx < 256');
    await rm(file(0));
    const found = await said();
    expect(found).toContain('tile/entries/000  is missing');
    expect(found).toContain('row 0 is missing');
  });

  it('believes no record that stands in the database alone', async () => {
    await grown();
    await world.sql.query('UPDATE audit_log SET pruned = 512');
    await world.sql.query('DELETE FROM audit_event WHERE idx < 512');
    for (const n of [0, 1]) await rm(file(n));
    const found = await said();
    expect(found).toContain('table audit_log  has bodies below 512 as pruned, the log below 0');
    expect(found).toContain('tile/entries/001  is missing');
  });

  it.each([
    ['in the place of another event', 600],
    ['behind what is signed', 1004],
  ])('believes no record that was put %s', async (_, index) => {
    await grown();
    const [row] = await world.sql.query<{ event: string }>('SELECT event FROM audit_event WHERE idx = 600');
    const { v, id, time, origin, tenant, emitter, eseq, prev } = JSON.parse(row!.event) as AuditEvent;
    const own = { v, id, time, origin, tenant, emitter, eseq, prev, principal: null };
    const members = { of: 'age', from: 0, to: 512, before: time, size: 512, root: 'ab'.repeat(32) };
    await world.sql.query('DELETE FROM audit_event WHERE idx = $1', [index]);
    await world.sql.query('INSERT INTO audit_event (idx, id, event) VALUES ($1, $2, $3)', [
      index,
      id.slice(4),
      canonicalize({ ...own, ...members, type: 'log.pruned' }),
    ]);
    await world.sql.query(`UPDATE audit_log SET pruned = 512, size = greatest(size, ${index + 1})`);
    await world.sql.query('DELETE FROM audit_event WHERE idx < 512');
    for (const n of [0, 1]) await rm(file(n));
    expect(await said()).toContain('tile/entries/000  is missing');
    expect((await log.fsck()).pruned).toBe(0);
  });

  it('finds a body that was put back, if it is another', async () => {
    await grown();
    const bytes = await readFile(file(0));
    const [row] = await world.sql.query<{ event: string }>('SELECT event FROM audit_event WHERE idx = 9');
    await log.prune();
    await writeFile(file(0), bytes);
    expect(await said()).toEqual([]);
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await writeFile(file(0), bytes);
    expect(await said()).toContain('tile/entries/000 0 the entry is not the one that was hashed');
    await rm(file(0));
    const forged = row!.event.replace('"allow"', '"deny"');
    await world.sql.query('INSERT INTO audit_event (idx, id, event) VALUES (9, gen_random_uuid(), $1)', [
      forged,
    ]);
    expect(await said()).toContain('row 9 is not the entry that was signed');
  });

  it('misses a chain that later events name, and names a boundary that was moved back', async () => {
    await grown();
    await log.prune();
    await world.sql.query('UPDATE audit_log SET pruned = 0');
    expect(await said()).toContain('table audit_log  has bodies below 0 as pruned, the log below 512');
    await world.sql.query('UPDATE audit_log SET pruned = 512; DELETE FROM audit_event WHERE idx = 1');
    expect(await said()).toEqual(['row 1 is missing: events name this chain']);
  });
});

// AUD-114
describe('a question that was begun before a pruning', () => {
  /** A database of which so many transactions do not see yet that bodies are gone. */
  function behind(sql: Sql, times: number): Sql {
    let left = times;
    return {
      ...sql,
      transaction: (work, isolation) =>
        sql.transaction((tx) => {
          const isBehind = left > 0;
          left -= 1;
          const query: Queries['query'] = async (text, values) => {
            const rows = await tx.query(text, values);
            const isPlace = typeof text === 'object' && text.name === 'audit_explore';
            return (isPlace && isBehind ? rows.map((row) => ({ ...row, from: 0 })) : rows) as never;
          };
          return work({ query });
        }, isolation),
    };
  }

  it('is answered from what is left, and only what is missing then is missing', async () => {
    await grown();
    await log.prune();
    const until = iso(log.now() + DAY);
    const ask = (times: number) =>
      createExplorer({ sql: behind(world.sql, times), clock, crypto }).events({
        filter: { until },
        limit: 5,
      });
    const right = await ask(0);
    expect(right.events).toHaveLength(5);
    expect(await ask(1)).toEqual(right);
    await expect(ask(2)).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
  });
});

// AUD-115
describe('a start over a log that was pruned', () => {
  it('makes what is missing of the rest again, and refuses where it cannot', async () => {
    await grown();
    await log.prune();
    await log.stop();
    for (const path of ['tile/entries/002', 'tile/0/002']) await rm(join(log.tiles, path));
    await log.start();
    await log.calls(1);
    await log.signed();
    expect(await log.fsck()).toEqual({ faults: [], pruned: 512 });
    await log.stop();
    await rm(join(log.tiles, 'tile/0/000'));
    await expect(log.start()).rejects.toMatchObject({ code: 'LOG_CORRUPT' });
    await log.stop();
    const store = await openTileStore(log.tiles);
    expect(await store.read({ level: 0, index: 0, width: 256 })).toBeUndefined();
  });
});
