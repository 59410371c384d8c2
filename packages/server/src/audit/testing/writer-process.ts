import { encodeHex } from '@talosprotocol/protocol';
import { openDataFolder } from '../../platform/data-folder.js';
import { createLog } from '../../platform/log.js';
import { migrate } from '../../platform/migrations.js';
import { startPostgres } from '../../platform/postgres.js';
import { createReaper } from '../../platform/reaper.js';
import { createSql } from '../../platform/sql.js';
import { clock, random } from '../../platform/system.js';
import { AUDIT_MIGRATIONS } from '../migrations.js';
import { createAudit } from '../service.js';
import { auditDeps, decision, outcome } from './room.js';

/** A process that writes a log, for tests that kill it: opens the data folder of its first argument and, with the mode
 *  - `write`: records with so many producers until it is killed, and says what was acknowledged;
 *  - `measure`: records so many events and says how long it took;
 *  - `read`: says what the log holds, and ends well. */
const [, , dataFolder = '', mode = 'write', producers = '64', events = '20000'] = process.argv;

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const log = createLog({ level: 'error', format: 'short', clock });
const reaper = createReaper();
const folder = await openDataFolder({ dataFolder, diskReserve: 0 }, clock);
const postgres = await startPostgres({ folder, reaper, clock, random, log });
const sql = createSql({ address: postgres.address });
await migrate(sql, AUDIT_MIGRATIONS);
const audit = createAudit(auditDeps(sql, folder.tiles, { log }));
await audit.start();
const workers = Array.from({ length: Number(producers) });

if (mode === 'write') {
  say({ ready: true });
  setInterval(() => say({ checkpoint: audit.checkpoint().note }), 20);
  await Promise.all(
    workers.map(async (_, worker) => {
      for (;;) {
        const draft = decision({ op: worker % 2 === 0 ? 'write' : 'read' });
        say({ acked: await audit.record(draft) });
        if (worker % 4 === 0) say({ acked: await audit.record(outcome(draft)) });
      }
    }),
  );
}

if (mode === 'measure') {
  const perWorker = Math.ceil(Number(events) / workers.length);
  const before = clock.monotonic();
  await Promise.all(
    workers.map(async () => {
      for (let i = 0; i < perWorker; i += 1) await audit.record(decision());
    }),
  );
  const seconds = (clock.monotonic() - before) / 1000;
  const latencies: number[] = [];
  for (let i = 0; i < 200; i += 1) {
    const { id } = await audit.record(decision());
    const from = clock.monotonic();
    await audit.receipt(`rcp_${id.slice(4)}`);
    latencies.push(clock.monotonic() - from);
  }
  latencies.sort((a, b) => a - b);
  const perSecond = Math.round((perWorker * workers.length) / seconds);
  say({ perSecond, receiptMs: { median: latencies[100], p99: latencies[197] } });
}

if (mode === 'read') {
  const rows = await sql.query<{ id: string }>(
    `SELECT idx, id, event::json->>'type' AS type, event FROM audit_event ORDER BY idx`,
  );
  // Outcomes that the start itself wrote are under a checkpoint a moment later.
  const last = rows.at(-1);
  if (last !== undefined) await audit.receipt(`rcp_${last.id}`);
  const { size, root } = audit.checkpoint();
  say({ rows, size, root: encodeHex(root) });
}

if (mode !== 'write') {
  await audit.stop();
  await sql.close();
  await postgres.stop();
  await folder.release();
  await reaper.close();
}
