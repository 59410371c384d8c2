import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNoteVerifier, createTreeHasher, type LogFault } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from '../service.js';
import {
  type AuditWorld,
  agent,
  auditDeps,
  chain,
  chainDraft,
  decision,
  openAuditWorld,
  outcome,
} from '../testing/room.js';
import { openTileStore } from '../tile-store.js';
import { examineLog } from './examine-log.js';

const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const ORIGIN = 'talos.test/log/default';

let world: AuditWorld;
let folder: string;
let vkey: string;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const audit of open.splice(0)) await audit.stop();
});
afterAll(() => world.close());

/** A log of so many decisions, closed again. */
async function closedLog(events = 600): Promise<void> {
  folder = await world.fresh();
  const audit = createAudit(auditDeps(world.sql, folder));
  await audit.start();
  const { cth, chain: text } = chain('of the agent');
  await audit.record(chainDraft(cth, text));
  const draft = decision({ op: 'write', cth });
  await audit.record(draft);
  const rest = Array.from({ length: events }, (_, i) =>
    decision({ effect: i % 3 === 0 ? 'deny' : 'allow', cth }),
  );
  await Promise.all([audit.record(outcome(draft)), ...rest.map((one) => audit.record(one))]);
  vkey = audit.vkey;
  await audit.stop();
}

async function examine() {
  const tiles = await openTileStore(folder);
  const faults: LogFault[] = [];
  const progress: number[] = [];
  const found = await examineLog({
    sql: world.sql,
    source: tiles.read,
    shown: await tiles.readCheckpoint(),
    origin: ORIGIN,
    verifier: createNoteVerifier(crypto, vkey),
    hasher,
    crypto,
    onFault: (fault) => void faults.push(fault),
    onProgress: (done, total) => void progress.push(done / total),
  });
  return { found, faults, progress };
}
const faultsOf = async () => (await examine()).faults;

async function flip(path: string, at: number): Promise<void> {
  const file = join(folder, path);
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(file, bytes);
}

// AUD-79
describe('a look at the whole log', () => {
  it('finds nothing wrong with one that is sound, also with one that has not begun', async () => {
    await closedLog();
    const { found, faults, progress } = await examine();
    expect(faults).toEqual([]);
    expect(found).toMatchObject({ origin: ORIGIN, size: 604, sequenced: 604, pruned: 0, rows: 604 });
    expect(progress.at(-1)).toBe(1);
    folder = await world.fresh();
    expect(await examine()).toMatchObject({ faults: [], found: { size: 0, sequenced: 0 } });
  });

  it('names one bit in each kind of file, its place, and nothing else', async () => {
    await closedLog();
    const cases: [string, number, Partial<LogFault>][] = [
      ['tile/0/001', 32 * 5 + 1, { where: 'tile/0/001', index: 261 }],
      ['tile/0/002.p/92', 32 * 5 + 1, { where: 'tile/0/002.p/92', index: 517 }],
      ['tile/1/000.p/2', 33, { where: 'tile/1/000.p/2', index: 256 }],
      ['checkpoint', 30, { where: 'checkpoint' }],
    ];
    for (const [path, at, fault] of cases) {
      await flip(path, at);
      expect([path, await faultsOf()]).toEqual([path, [expect.objectContaining(fault)]]);
      await flip(path, at);
    }
    await flip('tile/entries/001', 40);
    const said = (await faultsOf()).map(({ where, index }) => [where, index]);
    expect(said).toContainEqual(['tile/entries/001', 256]);
    expect(said).toContainEqual(['row', 256]);
    await flip('tile/entries/001', 40);
    await rm(join(folder, 'tile', 'entries', '000'));
    expect(await faultsOf()).toEqual([{ where: 'tile/entries/000', what: 'is missing' }]);
  });

  it('names rows that were edited, are gone, or were added', async () => {
    await closedLog(300);
    const edit = (from: string, to: string) =>
      world.sql.query('UPDATE audit_event SET event = replace(event, $1, $2) WHERE idx = 9', [from, to]);
    await edit('"allow"', '"deny"');
    expect(await faultsOf()).toEqual([{ where: 'row', index: 9, what: 'is not the entry that was signed' }]);
    await edit('"deny"', '"allow"');
    expect(await faultsOf()).toEqual([]);
    await world.sql.query('DELETE FROM audit_event WHERE idx = 290');
    expect(await faultsOf()).toEqual([{ where: 'row', index: 290, what: 'is missing' }]);
    await closedLog(3);
    await world.sql.query('UPDATE audit_log SET size = size - 1');
    expect(await faultsOf()).toContainEqual({
      where: 'row',
      index: 6,
      what: 'lies beyond the 6 of the log',
    });
  });

  it('names events that are durable and not signed, if they do not follow', async () => {
    await closedLog(3);
    await world.sql.query(`UPDATE audit_log SET size = size + 1;
      INSERT INTO audit_event (idx, id, event) SELECT 7, gen_random_uuid(), event FROM audit_event WHERE idx = 6`);
    const said = (await faultsOf()).map(({ where, index, what }) => `${where} ${index} ${what}`);
    expect(said).toContain('event 7 eseq 7 of its emitter follows 7');
    expect(said).toContain('row 7 has another id than its event');
  });

  it('names what the database remembers otherwise', async () => {
    await closedLog(10);
    const cases: [string, string, RegExp][] = [
      [
        'UPDATE audit_emitter SET eseq = eseq - 1',
        'UPDATE audit_emitter SET eseq = eseq + 1',
        /audit_emitter ends with/,
      ],
      [
        "UPDATE audit_emitter SET did = 'x' || did",
        'UPDATE audit_emitter SET did = substr(did, 2)',
        /does not know did/,
      ],
      [
        'UPDATE audit_subject SET pseq = pseq + 1',
        'UPDATE audit_subject SET pseq = pseq - 1',
        /audit_subject counts 13 .* are 12/,
      ],
      [
        'UPDATE audit_log SET allowed = allowed + 1',
        'UPDATE audit_log SET allowed = allowed - 1',
        /audit_log counts/,
      ],
      [
        'UPDATE audit_id SET idx = 99 WHERE idx = 7',
        'UPDATE audit_id SET idx = 7 WHERE idx = 99',
        /audit_id does not find/,
      ],
    ];
    for (const [change, mend, said] of cases) {
      await world.sql.query(change);
      const faults = await faultsOf();
      expect(faults.map(({ where, what }) => `${where.replace('table ', '')} ${what}`)).toEqual([
        expect.stringMatching(said),
      ]);
      await world.sql.query(mend);
    }
    expect(await faultsOf()).toEqual([]);
  });

  it('names what the database would not find: in the explorer, for an erasure, for evidence', async () => {
    await closedLog(10);
    const cases: [string, string, LogFault][] = [
      [
        `UPDATE audit_index SET facet = (SELECT facet FROM audit_index WHERE idx = 0) WHERE idx = 7`,
        `UPDATE audit_index SET facet = (SELECT facet FROM audit_index WHERE idx = 10) WHERE idx = 7`,
        { where: 'table audit_index', index: 7, what: 'does not find the event (type) by what it is' },
      ],
      [
        'UPDATE audit_index SET time_ms = time_ms + 1 WHERE idx = 7',
        'UPDATE audit_index SET time_ms = time_ms - 1 WHERE idx = 7',
        { where: 'table audit_index', index: 7, what: 'does not find the event (time) by what it is' },
      ],
      [
        `UPDATE audit_facet SET sub = 'x' || sub WHERE type = 'outcome'`,
        `UPDATE audit_facet SET sub = substr(sub, 2) WHERE type = 'outcome'`,
        { where: 'table audit_index', index: 3, what: 'does not find the event (sub) by what it is' },
      ],
      [
        `UPDATE audit_facet SET tool = tool || 'x' WHERE type = 'outcome'`,
        `UPDATE audit_facet SET tool = rtrim(tool, 'x') WHERE type = 'outcome'`,
        { where: 'table audit_index', index: 3, what: 'does not find the event (tool) by what it is' },
      ],
      [
        'UPDATE audit_outcome SET idx = 99',
        'UPDATE audit_outcome SET idx = 3',
        { where: 'table audit_index', index: 3, what: 'does not find its decision by what it is' },
      ],
      [
        'UPDATE audit_index SET idx = 999999 WHERE idx = 5',
        'UPDATE audit_index SET idx = 5 WHERE idx = 999999',
        { where: 'table audit_index', index: 5, what: 'does not find the event by what it is' },
      ],
    ];
    for (const [change, mend, fault] of cases) {
      await world.sql.query(change);
      expect([change, await faultsOf()]).toEqual([change, [fault]]);
      await world.sql.query(mend);
      expect([mend, await faultsOf()]).toEqual([mend, []]);
    }
    await world.sql.query('UPDATE audit_event SET request = gen_random_uuid() WHERE idx = 7');
    expect(await faultsOf()).toEqual([
      { where: 'table audit_index', index: 7, what: 'does not find its request by what it is' },
    ]);
  });

  it('names a chain that nobody would find by what it is, and a call whose price nobody would', async () => {
    await closedLog(10);
    const where = { chain: 'table audit_chain', link: 'table audit_link', index: 'table audit_index' };
    const at = (await world.sql.query<{ idx: number }>('SELECT idx FROM audit_chain'))[0]!.idx;
    const cases: [string, string, LogFault][] = [
      [
        `UPDATE audit_chain SET cth = 'x' || cth`,
        'UPDATE audit_chain SET cth = substr(cth, 2)',
        { where: where.chain, index: at, what: 'does not find the chain by what it is' },
      ],
      [
        `UPDATE audit_chain SET sub = 'x' || sub`,
        'UPDATE audit_chain SET sub = substr(sub, 2)',
        { where: where.chain, index: at, what: 'does not find the chain by what it is' },
      ],
      [
        `UPDATE audit_chain SET prn = 'somebody'`,
        'UPDATE audit_chain SET prn = NULL',
        { where: where.chain, index: at, what: 'does not find the chain by what it is' },
      ],
      [
        `UPDATE audit_link SET lid = 'x' || lid`,
        'UPDATE audit_link SET lid = substr(lid, 2)',
        { where: where.link, index: at, what: 'does not find the chain by each of its links' },
      ],
      [
        'UPDATE audit_index SET cost = 7 WHERE idx = 3',
        'UPDATE audit_index SET cost = NULL WHERE idx = 3',
        { where: where.index, index: 3, what: 'does not find its cost by what it is' },
      ],
      [
        `UPDATE audit_facet SET digits = 3 WHERE type = 'outcome'`,
        `UPDATE audit_facet SET digits = NULL WHERE type = 'outcome'`,
        { where: where.index, index: 3, what: 'does not find the event (digits) by what it is' },
      ],
    ];
    for (const [change, mend, fault] of cases) {
      await world.sql.query(change);
      expect([change, await faultsOf()]).toEqual([change, [fault]]);
      await world.sql.query(mend);
      expect([mend, await faultsOf()]).toEqual([mend, []]);
    }
    await world.sql.query('DELETE FROM audit_link');
    await world.sql.query('DELETE FROM audit_chain');
    expect((await faultsOf()).map((fault) => fault.where)).toEqual([where.chain, where.link]);
  });

  it('names disclosures that open nothing', async () => {
    await closedLog(10);
    const [row] = await world.sql.query<{ idx: number; disclosures: string }>(
      'SELECT idx, disclosures FROM audit_event WHERE disclosures IS NOT NULL LIMIT 1',
    );
    const other = row!.disclosures.replace('tool:files', 'tool:mails');
    await world.sql.query('UPDATE audit_event SET disclosures = $2 WHERE idx = $1', [row!.idx, other]);
    expect(await faultsOf()).toEqual([
      { where: 'disclosure', index: row!.idx, what: expect.stringContaining('does not open') },
    ]);
    // Erased is not wrong.
    await world.sql.query('UPDATE audit_event SET disclosures = NULL WHERE idx = $1', [row!.idx]);
    expect(await faultsOf()).toEqual([]);
  });

  it('names a database that went back, and a checkpoint of another history', async () => {
    await closedLog(10);
    const [old] = await world.sql.query<{ size: number; note: string }>(
      'SELECT size, note FROM audit_checkpoint',
    );
    const audit = createAudit(auditDeps(world.sql, folder));
    await audit.start();
    await audit.stop();
    await world.sql.query('UPDATE audit_checkpoint SET size = $1, note = $2', [old!.size, old!.note]);
    expect(await faultsOf()).toEqual([
      { where: 'checkpoint', what: expect.stringContaining('the database went back') },
    ]);
    await closedLog(10);
    const other = await readFile(join(folder, 'checkpoint'), 'utf8');
    await closedLog(10);
    await writeFile(join(folder, 'checkpoint'), other);
    expect(await faultsOf()).toEqual([
      { where: 'checkpoint', what: 'has another root than that of the database' },
    ]);
    await rm(join(folder, 'checkpoint'));
    expect(await faultsOf()).toEqual([{ where: 'checkpoint', what: 'is missing' }]);
  });

  it('believes no key but the one it was given', async () => {
    await closedLog(3);
    const stranger = createAudit(auditDeps(world.otherSql(), folder, { logKey: agent }));
    vkey = stranger.vkey;
    const said = (await faultsOf()).map(({ where }) => where);
    expect(said).toEqual(['checkpoint of the database', 'checkpoint']);
  });
});
