import { TrustError } from '@talosprotocol/protocol';
import type { DataFolder } from '../platform/data-folder.js';
import type { Log } from '../platform/log.js';
import { type Postgres, startPostgres } from '../platform/postgres.js';
import type { Reaper } from '../platform/reaper.js';
import type { Settings } from '../platform/settings.js';
import { createSql, type Sql } from '../platform/sql.js';
import { SqlError } from '../platform/sql-error.js';
import { clock, random } from '../platform/system.js';

/** The database in use, and how to end what we started of it. */
export interface Database {
  readonly sql: Sql;
  /** Settles if the embedded database ends by itself; never, for one of the operator's own. */
  readonly lost: Promise<void>;
  close(): Promise<void>;
}

/** Connects to the operator's own PostgreSQL, or starts the embedded one.
 *  @throws {TrustError} SETTINGS_INVALID | UNAVAILABLE */
export async function openDatabase(options: {
  readonly settings: Settings;
  readonly folder: DataFolder;
  readonly reaper: Reaper;
  readonly log: Log;
}): Promise<Database> {
  const { settings, folder, reaper, log } = options;
  const onIdleError = (err: unknown): void => log.warn('an idle database connection failed', { err });
  if (settings.databaseUrl !== undefined) {
    const sql = createSql({ address: { url: settings.databaseUrl }, onIdleError });
    await sql.query('SELECT 1').catch(async (error: unknown) => {
      await sql.close();
      throw isRefused(error) ? refused(error) : error;
    });
    return { sql, lost: new Promise(() => undefined), close: () => sql.close() };
  }
  const user = settings.postgresUser;
  const postgres = await startPostgres({ folder, user, reaper, clock, random, log });
  const sql = createSql({ address: postgres.address, onIdleError });
  return {
    sql,
    lost: lostOf(postgres),
    close: async () => {
      await sql.close();
      await postgres.stop();
    },
  };
}

/** Classes of SQLSTATE: 28 is who we are, 3D which database; a password that is wrong does not mend itself. */
const isRefused = (error: unknown): error is SqlError =>
  error instanceof SqlError && /^(?:28|3D)/.test(error.state);

function refused(cause: SqlError): TrustError {
  const what = cause.state.startsWith('3D') ? 'has no such database' : 'refuses this user or password';
  const reason = `the PostgreSQL of TALOS_DATABASE_URL ${what} (SQLSTATE ${cause.state})`;
  return new TrustError(
    'SETTINGS_INVALID',
    reason,
    { hint: 'put TALOS_DATABASE_URL right; psql takes the same URL' },
    cause,
  );
}

function lostOf(postgres: Postgres): Promise<void> {
  return new Promise((resolve) => {
    void postgres.ended.then(({ expected }) => {
      if (!expected) resolve();
    });
  });
}
