import { createHash } from 'node:crypto';
import { TrustError } from '@talosprotocol/protocol';
import type { Queries, Sql, SqlSession } from './sql.js';

/** One step of a room's schema. Numbers count 1, 2, 3, ... within a room; an applied step is never edited. */
export interface Migration {
  readonly room: string;
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

interface Applied {
  readonly room: string;
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

/** 'talos' in ASCII: serialises every process that migrates this database. */
const LOCK = 0x74616c6f73;

/** Brings the database up to date, each step in one transaction, and gives the steps it ran (`room/number-name`).
 *  Refuses with SETTINGS_INVALID, before touching anything: an applied step that was edited, and a database that
 *  knows steps this program does not (it was used by a newer version). */
export async function migrate(sql: Sql, migrations: readonly Migration[]): Promise<string[]> {
  assertNumbered(migrations);
  return sql.session(async (session) => {
    await session.query("SET lock_timeout = '60s'");
    await session.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await session.query(TABLE);
    const applied = await session.query<Applied>('SELECT room, number, name, checksum FROM talos_migration');
    assertKnown(migrations, applied);
    const done = new Set(applied.map((step) => `${step.room}/${step.number}`));
    const missing = migrations.filter((step) => !done.has(`${step.room}/${step.number}`));
    for (const step of missing) await apply(session, step);
    return missing.map(label);
  });
}

const TABLE = `CREATE TABLE IF NOT EXISTS talos_migration (
  room text NOT NULL,
  number integer NOT NULL,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (room, number)
)`;

async function apply(session: SqlSession, step: Migration): Promise<void> {
  await session.query('BEGIN');
  try {
    await session.query(step.sql);
    await record(session, step);
    await session.query('COMMIT');
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw new Error(`migration ${label(step)} failed`, { cause: error });
  }
}

async function record(tx: Queries, step: Migration): Promise<void> {
  await tx.query('INSERT INTO talos_migration (room, number, name, checksum) VALUES ($1, $2, $3, $4)', [
    step.room,
    step.number,
    step.name,
    checksum(step),
  ]);
}

function assertKnown(migrations: readonly Migration[], applied: readonly Applied[]): void {
  const known = new Map(migrations.map((step) => [`${step.room}/${step.number}`, step]));
  const rooms = new Set(migrations.map((step) => step.room));
  for (const step of applied) {
    const ours = known.get(`${step.room}/${step.number}`);
    // A role that runs alone brings its own rooms only; the steps of other rooms are not its business.
    if (ours === undefined && rooms.has(step.room)) throw newer(step);
    if (ours !== undefined && checksum(ours) !== step.checksum) throw edited(step);
  }
}

function newer(step: Applied): TrustError {
  return new TrustError('SETTINGS_INVALID', `the database is newer than this program (${label(step)})`, {
    hint: 'start the newer version of talos again, or restore a backup made before the upgrade',
  });
}

function edited(step: Applied): TrustError {
  return new TrustError('SETTINGS_INVALID', `migration ${label(step)} was edited after it ran`, {
    hint: 'restore its text and put the change into a new migration',
  });
}

function assertNumbered(migrations: readonly Migration[]): void {
  const next = new Map<string, number>();
  for (const step of migrations) {
    const expected = next.get(step.room) ?? 1;
    if (step.number !== expected)
      throw new RangeError(`migration ${label(step)}: expected number ${expected}`);
    next.set(step.room, expected + 1);
  }
}

function label(step: Pick<Migration, 'room' | 'number' | 'name'>): string {
  return `${step.room}/${String(step.number).padStart(4, '0')}-${step.name}`;
}

function checksum(step: Migration): string {
  return createHash('sha256').update(step.sql.trim()).digest('hex');
}
