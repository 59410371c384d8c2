import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataFolder, openDataFolder } from '../data-folder.js';
import { createLog } from '../log.js';
import { startPostgres } from '../postgres.js';
import { createReaper } from '../reaper.js';
import { createSql, type Sql, type SqlAddress } from '../sql.js';
import { clock, random } from '../system.js';

/** A real database for a test file, in a data folder of its own. */
export interface TestDatabase {
  readonly sql: Sql;
  readonly address: SqlAddress;
  readonly folder: DataFolder;
  /** Stops everything and removes the folder. */
  close(): Promise<void>;
}

/** Starts an embedded PostgreSQL (under a second). Call it in `beforeAll`, `close` in `afterAll`; if the test
 *  process is killed, the reaper ends the database. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const path = await mkdtemp(join(tmpdir(), 'talos-test-'));
  const log = createLog({ level: 'error', format: 'short', clock });
  const reaper = createReaper();
  const folder = await openDataFolder({ dataFolder: path, diskReserve: 0 }, clock);
  const postgres = await startPostgres({ folder, reaper, clock, random, log });
  const sql = createSql({ address: postgres.address });
  const close = async (): Promise<void> => {
    await sql.close();
    await postgres.stop(2_000);
    await folder.release();
    await reaper.close();
    await rm(path, { recursive: true, force: true });
  };
  return { sql, address: postgres.address, folder, close };
}
