import { spawn } from 'node:child_process';
import { openDataFolder } from '../data-folder.js';
import { createLog } from '../log.js';
import { startPostgres } from '../postgres.js';
import { createReaper } from '../reaper.js';
import { createSql } from '../sql.js';
import { clock, random } from '../system.js';

/** A process that owns a data folder, for tests that kill it: opens the folder named by its first argument, starts
 *  the database and a child with a grandchild, says so on standard output, and stays. With `no-reaper` as the
 *  second argument nothing cleans up after it. */
const [, , dataFolder = '', mode = 'reaper', diskReserve = '0'] = process.argv;

const log = createLog({ level: 'error', format: 'short', clock });
const real = createReaper();
const none = { ...real, addProcess: () => undefined, addGroup: () => undefined };
const reaper = mode === 'no-reaper' ? none : real;
const folder = await openDataFolder({ dataFolder, diskReserve: Number(diskReserve) }, clock);
const before = clock.monotonic();
const postgres = await startPostgres({ folder, reaper, clock, random, log });
const startMs = clock.monotonic() - before;

const sql = createSql({ address: postgres.address });
await sql.query('CREATE TABLE IF NOT EXISTS kept (n bigint PRIMARY KEY)');
const child = spawn('/bin/sh', ['-c', 'sleep 600 & wait'], { detached: true, stdio: 'ignore' });
if (child.pid !== undefined) reaper.addGroup(child.pid);

const rows = await sql.query('INSERT INTO kept SELECT count(*) + 1 FROM kept RETURNING n');
const ready = { ready: true, pid: process.pid, postgres: postgres.pid, group: child.pid, startMs, rows };
process.stdout.write(`${JSON.stringify(ready)}\n`);

process.stdin.on('end', async () => {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  await sql.close();
  await postgres.stop();
  await folder.release();
  await real.close();
  process.exit(0);
});
process.stdin.resume();
