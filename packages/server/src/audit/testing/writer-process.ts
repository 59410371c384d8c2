import { createNoteVerifier, createTreeHasher, encodeHex, encodeUtf8 } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { openDataFolder } from '../../platform/data-folder.js';
import { createLog } from '../../platform/log.js';
import { migrate } from '../../platform/migrations.js';
import { startPostgres } from '../../platform/postgres.js';
import { createReaper } from '../../platform/reaper.js';
import { createSql } from '../../platform/sql.js';
import { clock, random } from '../../platform/system.js';
import { examineLog } from '../archive/examine-log.js';
import { AUDIT_MIGRATIONS } from '../migrations.js';
import { createAudit } from '../service.js';
import { createAuditStore } from '../store.js';
import { openTileStore } from '../tile-store.js';
import { deadlyStore, type Point } from './deadly-store.js';
import { auditDeps, chain, chainDraft, decision, outcome } from './room.js';

/** A process that writes a log, for tests that kill it: opens the data folder of its first argument and, with the mode
 *  - `write`: records with so many producers until it is killed, and says what was acknowledged, shown and proven; with a
 *    point and a number it kills itself there, at that time;
 *  - `read`: says what the log holds and whether anything is wrong with it, and ends well. */
const [, , dataFolder = '', mode = 'write', producers = '16', point = '', times = '1'] = process.argv;

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const log = createLog({ level: 'error', format: 'short', clock });
const crypto = createNodeCrypto();
const hasher = createTreeHasher(crypto.sha256);
const reaper = createReaper();
const folder = await openDataFolder({ dataFolder, diskReserve: 0 }, clock);
const postgres = await startPostgres({ folder, reaper, clock, random, log });
const sql = createSql({ address: postgres.address });
await migrate(sql, AUDIT_MIGRATIONS);
const deps = auditDeps(sql, folder.tiles, { log });
const openTiles = async () => deadlyStore(await openTileStore(folder.tiles), point as Point, Number(times));
const audit = createAudit(point === '' ? deps : { ...deps, openTiles });
await audit.start();

if (mode === 'write') {
  const { cth, chain: text } = chain('of the writer');
  await audit.record(chainDraft(cth, text));
  say({ ready: true, vkey: audit.vkey });
  setInterval(() => say({ checkpoint: audit.checkpoint().note }), 20);
  await Promise.all(
    Array.from({ length: Number(producers) }, async (_, worker) => {
      for (let count = 0; ; count += 1) {
        const draft = decision({ op: worker % 2 === 0 ? 'write' : 'read', cth });
        const acked = await audit.record(draft);
        say({ acked });
        if (worker % 4 === 0) say({ acked: await audit.record(outcome(draft)) });
        if (worker === 1 && count % 8 === 0)
          say({ receipt: await audit.receipt(`rcp_${acked.id.slice(4)}`) });
      }
    }),
  );
}

/** The ids and leaf hashes of all rows, in order. */
async function sayRows(): Promise<void> {
  const store = createAuditStore(sql);
  const { size } = await store.counts();
  for (let from = 0; from < size; from += 4096) {
    const rows = await store.rows(from, from + 4096, 4096);
    const leaves = rows.map(({ event }) => encodeHex(hasher.leaf(encodeUtf8(event))));
    say({ from, indexes: rows.map(({ idx }) => idx), ids: rows.map(({ id }) => id), leaves });
  }
}

/** Allowed writes, their outcomes, and what is still owed. */
const OUTCOMES = `SELECT count(*) FILTER (WHERE f.type = 'decision' AND f.effect = 'allow' AND f.op = 'write') AS writes,
    (SELECT count(*) FROM audit_outcome) AS outcomes, (SELECT count(*) FROM audit_owed) AS owed
  FROM audit_index i JOIN audit_facet f ON f.num = i.facet`;

if (mode === 'read') {
  await audit.stop();
  await sayRows();
  const tiles = await openTileStore(folder.tiles);
  const faults: object[] = [];
  const { size, root } = await examineLog({
    sql,
    source: tiles.read,
    shown: await tiles.readCheckpoint(),
    origin: deps.origin,
    verifier: createNoteVerifier(crypto, audit.vkey),
    hasher,
    crypto,
    onFault: (fault) => void faults.push(fault),
    onProgress: () => undefined,
  });
  const [counts] = await sql.query(OUTCOMES);
  say({ size, root, faults: faults.slice(0, 20), ...counts });
  await sql.close();
  await postgres.stop();
  await folder.release();
  await reaper.close();
}
