import { openDataFolder } from '../../../platform/data-folder.js';
import { createLog } from '../../../platform/log.js';
import { migrate } from '../../../platform/migrations.js';
import { startPostgres } from '../../../platform/postgres.js';
import { createReaper } from '../../../platform/reaper.js';
import { createSql, type Sql } from '../../../platform/sql.js';
import { clock, random } from '../../../platform/system.js';
import type { AuditDeps } from '../../deps.js';
import { AUDIT_MIGRATIONS } from '../../migrations.js';
import { type Audit, createAudit } from '../../service.js';
import { auditDeps, chain, chainDraft } from '../room.js';

/** A database that is as durable as a platform's, with what a log over it needs. */
export interface LoadPlace {
  readonly sql: Sql;
  readonly deps: AuditDeps;
  close(): Promise<void>;
}

export async function openLoadPlace(dataFolder: string): Promise<LoadPlace> {
  const log = createLog({ level: 'error', format: 'short', clock });
  const reaper = createReaper();
  const folder = await openDataFolder({ dataFolder, diskReserve: 0 }, clock);
  const postgres = await startPostgres({ folder, reaper, clock, random, log });
  // The plain inserts wait in the pool, as many as there are producers.
  const sql = createSql({ address: postgres.address, maxWaiting: 2_048 });
  await migrate(sql, AUDIT_MIGRATIONS);
  const close = async (): Promise<void> => {
    await sql.close();
    await postgres.stop();
    await folder.release();
    await reaper.close();
  };
  return { sql, deps: auditDeps(sql, folder.tiles, { log }), close };
}

/** An audit room over such a database, for measurements. */
export interface LoadLog extends LoadPlace {
  readonly audit: Audit;
  /** A chain that is in the log, for the decisions of its holder. */
  readonly cth: string;
  /** Milliseconds that the room took to open: the log recovered, its first receipt verified. */
  readonly startMs: number;
}

export async function openLoadLog(dataFolder: string): Promise<LoadLog> {
  const place = await openLoadPlace(dataFolder);
  const audit = createAudit(place.deps);
  const begun = clock.monotonic();
  await audit.start();
  const startMs = clock.monotonic() - begun;
  const { cth, chain: text } = chain('of the load');
  await audit.record(chainDraft(cth, text));
  const close = async (): Promise<void> => {
    await audit.stop();
    await place.close();
  };
  return { ...place, audit, cth, startMs, close };
}
