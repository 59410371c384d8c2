import { isTrustError, parseJsonObject, TrustError } from '@talosprotocol/protocol';
import type { Queries, Sql, SqlSession, SqlValue } from '../platform/sql.js';
import type { FinishedEvent } from './finished-event.js';

/** What the holder of the log continues from. */
export interface Head {
  readonly epoch: number;
  readonly boot: number;
  /** The next index. */
  readonly size: number;
  readonly emitter: EmitterHead;
  readonly checkpoint: { readonly size: number; readonly note: string | undefined };
}

/** Where an emitter's own chain of events ends. */
export interface EmitterHead {
  readonly eseq: number;
  readonly prev: string | null;
  readonly timeMs: number;
}

/** Events in order, and what they leave behind. */
export interface Append {
  readonly epoch: number;
  readonly size: number;
  readonly events: readonly FinishedEvent[];
  readonly emitter: EmitterHead;
  /** New counts by subject. */
  readonly subjects: ReadonlyMap<string, number>;
  readonly owed: readonly {
    readonly decision: string;
    readonly request: string;
    readonly principal: string | null;
    /** The run of the node that owes the outcome; null for this process. */
    readonly node: string | null;
  }[];
  readonly paid: readonly string[];
}

/** Whose log this is. */
export interface LogIdentity {
  readonly origin: string;
  readonly vkey: string;
  readonly emitter: string;
  readonly tenant: string;
}

/** Thrown when another holder took the log over. */
class FencedError extends Error {
  constructor() {
    super('the log has another holder');
    this.name = 'FencedError';
  }
}

/** 'audit' in ASCII: the advisory lock of the log's holder. */
const LOCK = 0x6175646974;

/** Takes the lock of the log if it is free. It lasts as long as the session. */
export async function tryLock(session: Queries): Promise<boolean> {
  const [row] = await session.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [LOCK]);
  return row?.held === true;
}

/** Prepares the session that appends: what it acknowledged survives a crash, and no statement hangs. */
export async function prepareSession(session: Queries, statementMs: number): Promise<void> {
  await session.query('SET synchronous_commit = on');
  await session.query(`SET statement_timeout = ${Math.trunc(statementMs)}`);
  await session.query(`SET lock_timeout = ${Math.trunc(statementMs)}`);
}

/** Counts the epoch up, and the boot if this is a start, in one transaction; from then on no earlier holder writes.
 *  @throws {TrustError} SETTINGS_INVALID: the database holds another log; LOG_CORRUPT: its rows contradict each other */
export async function takeHead(session: SqlSession, identity: LogIdentity, start: boolean): Promise<Head> {
  await session.query('BEGIN');
  try {
    await session.query(FOUND, [identity.origin, identity.vkey]);
    await session.query('INSERT INTO audit_checkpoint (epoch, size) VALUES (0, 0) ON CONFLICT DO NOTHING');
    const head = await readHead(session, identity, start);
    await session.query('COMMIT');
    return head;
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const FOUND = `INSERT INTO audit_log (origin, vkey, epoch, boot, size, allowed, denied)
  VALUES ($1, $2, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`;

interface LogRow {
  readonly origin: string;
  readonly vkey: string;
  readonly epoch: number;
  readonly boot: number;
  readonly size: number;
}

async function readHead(session: Queries, identity: LogIdentity, start: boolean): Promise<Head> {
  const [log] = await session.query<LogRow>(
    'UPDATE audit_log SET epoch = epoch + 1, boot = boot + $1 RETURNING origin, vkey, epoch, boot, size',
    [start ? 1 : 0],
  );
  if (log === undefined) throw new TrustError('LOG_CORRUPT', 'the log has no row', { hint: RESTORE });
  assertSameLog(log, identity);
  await assertSameTenant(session, identity.tenant);
  const [checkpoint] = await session.query<{ size: number; note: string | null }>(
    'UPDATE audit_checkpoint SET epoch = $1 RETURNING size, note',
    [log.epoch],
  );
  const [last] = await session.query<{ size: number }>(
    'SELECT coalesce(max(idx), -1)::bigint + 1 AS size FROM audit_event',
  );
  assertComplete(log.size, last?.size ?? 0, checkpoint?.size ?? 0);
  return {
    epoch: log.epoch,
    boot: log.boot,
    size: log.size,
    emitter: await readEmitter(session, identity.emitter),
    checkpoint: { size: checkpoint?.size ?? 0, note: checkpoint?.note ?? undefined },
  };
}

async function readEmitter(session: Queries, did: string): Promise<EmitterHead> {
  const [row] = await session.query<{ eseq: number; prev: string; time_ms: number }>(
    'SELECT eseq, prev, time_ms FROM audit_emitter WHERE did = $1',
    [did],
  );
  if (row === undefined) return { eseq: 0, prev: null, timeMs: 0 };
  return { eseq: row.eseq, prev: row.prev, timeMs: row.time_ms };
}

export const RESTORE = 'restore the database and the data folder from the same backup';

function assertSameLog(log: LogRow, identity: LogIdentity): void {
  if (log.origin === identity.origin && log.vkey === identity.vkey) return;
  const what = log.origin === identity.origin ? 'was signed with another key' : `is of ${log.origin}`;
  throw new TrustError('SETTINGS_INVALID', `the log in this database ${what}`, {
    hint: 'start with the data folder (and its keys) that belongs to this database',
  });
}

/** A log is of the tenant of its first event (AUD-22): one event of another and no bundle of it verifies. */
async function assertSameTenant(session: Queries, tenant: string): Promise<void> {
  const [first] = await session.query<{ event: string }>('SELECT event FROM audit_event WHERE idx = 0');
  if (first === undefined) return;
  const found = tenantOf(first.event);
  if (found === tenant) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `the log in this database is of the tenant ${found}, not ${tenant}`,
    {
      hint: `give the anchors in talos.yaml the tenant ${found} again; another tenant needs a data folder of its own`,
    },
  );
}

function tenantOf(event: string): string {
  try {
    return String(parseJsonObject(event)['tenant']);
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new TrustError('LOG_CORRUPT', 'the first event of the log is damaged', { hint: RESTORE }, error);
  }
}

function assertComplete(size: number, rows: number, checkpoint: number): void {
  if (size === rows && checkpoint <= size) return;
  throw new TrustError('LOG_CORRUPT', `the database has ${rows} events of ${Math.max(size, checkpoint)}`, {
    hint: RESTORE,
  });
}

/** Appends in one statement, which is its own transaction: all of it is durable when this resolves, or none.
 *  @throws {FencedError} another holder took over; nothing was written */
export async function append(session: Queries, batch: Append, emitter: string): Promise<void> {
  const written = await session.query(APPEND, [...headValues(batch, emitter), ...rowValues(batch)]);
  if (written.length === 0) throw new FencedError();
}

const APPEND = {
  name: 'audit_append',
  text: `WITH fence AS (
      UPDATE audit_log SET size = $2::bigint + $3::bigint, allowed = allowed + $4, denied = denied + $5
      WHERE epoch = $1 AND size = $2 RETURNING 1
    ), events AS (
      INSERT INTO audit_event (idx, id, type, request, decision, cth, event)
      SELECT $2::bigint + r.n - 1, r.id, r.type, r.request, r.decision, r.cth, r.event
      FROM fence, unnest($10::uuid[], $11::text[], $12::uuid[], $13::uuid[], $14::text[], $15::text[])
        WITH ORDINALITY AS r(id, type, request, decision, cth, event, n)
    ), disclosed AS (
      INSERT INTO audit_disclosure (idx, disclosures)
      SELECT r.idx, r.disclosures FROM fence, unnest($16::bigint[], $17::text[]) AS r(idx, disclosures)
    ), subjects AS (
      INSERT INTO audit_subject (sub, pseq)
      SELECT r.sub, r.pseq FROM fence, unnest($18::text[], $19::bigint[]) AS r(sub, pseq)
      ON CONFLICT (sub) DO UPDATE SET pseq = excluded.pseq
    ), emitter AS (
      INSERT INTO audit_emitter (did, eseq, prev, time_ms) SELECT $6::text, $7::bigint, $8::text, $9::bigint FROM fence
      ON CONFLICT (did) DO UPDATE SET eseq = excluded.eseq, prev = excluded.prev, time_ms = excluded.time_ms
    ), owed AS (
      INSERT INTO audit_owed (decision, request, principal, node)
      SELECT r.decision, r.request, r.principal, r.node
      FROM fence, unnest($20::uuid[], $21::uuid[], $22::text[], $23::text[]) AS r(decision, request, principal, node)
    ), paid AS (
      DELETE FROM audit_owed USING fence WHERE decision = ANY($24::uuid[])
    )
    SELECT 1 FROM fence`,
};

function headValues(batch: Append, emitter: string): SqlValue[] {
  const { epoch, size, events } = batch;
  const { eseq, prev, timeMs } = batch.emitter;
  const count = (effect: 'allow' | 'deny') => events.filter((event) => event.effect === effect).length;
  return [epoch, size, events.length, count('allow'), count('deny'), emitter, eseq, prev, timeMs];
}

function rowValues({ size, events, subjects, owed, paid }: Append): SqlValue[] {
  const disclosed = events.flatMap(({ disclosures }, i) =>
    disclosures === undefined ? [] : [{ idx: size + i, disclosures }],
  );
  return [
    events.map((event) => event.id),
    events.map((event) => event.type),
    events.map((event) => event.request),
    events.map((event) => event.decision),
    events.map((event) => event.cth),
    events.map((event) => event.text),
    disclosed.map((row) => row.idx),
    disclosed.map((row) => row.disclosures),
    [...subjects.keys()],
    [...subjects.values()],
    owed.map((row) => row.decision),
    owed.map((row) => row.request),
    owed.map((row) => row.principal),
    owed.map((row) => row.node),
    paid,
  ];
}

/** Keeps a signed checkpoint, durably.
 *  @throws {FencedError} another holder took over, or the size would shrink */
export async function saveCheckpoint(sql: Sql, epoch: number, size: number, note: string): Promise<void> {
  await sql.transaction(async (tx) => {
    await tx.query('SET LOCAL synchronous_commit = on');
    const saved = await tx.query(
      `UPDATE audit_checkpoint SET size = $2, note = $3 WHERE epoch = $1 AND size <= $2 RETURNING 1`,
      [epoch, size, note],
    );
    if (saved.length === 0) throw new FencedError();
  });
}

/** Last counts of these subjects; absent if they have no event. */
export async function readSubjects(
  session: Queries,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query<{ sub: string; pseq: number }>(
    'SELECT sub, pseq FROM audit_subject WHERE sub = ANY($1)',
    [subjects],
  );
  return new Map(rows.map((row) => [row.sub, row.pseq]));
}

/** Decisions with these UUIDs, as they were recorded. */
export async function readDecisions(
  session: Queries,
  uuids: readonly string[],
): Promise<readonly { id: string; event: string }[]> {
  return session.query("SELECT id, event FROM audit_event WHERE type = 'decision' AND id = ANY($1::uuid[])", [
    uuids,
  ]);
}

/** Which of these chains are in the log. */
export async function readChains(session: Queries, cths: readonly string[]): Promise<readonly string[]> {
  const rows = await session.query<{ cth: string }>(
    "SELECT cth FROM audit_event WHERE type = 'chain' AND cth = ANY($1)",
    [cths],
  );
  return rows.map((row) => row.cth);
}

/** Events that are in the log under one of these ids, or as the outcome of one of these decisions. */
export async function readRecorded(
  session: Queries,
  ids: readonly string[],
  decisions: readonly string[],
): Promise<readonly { idx: number; id: string; decision: string | null }[]> {
  return session.query(
    `SELECT idx, id, decision FROM audit_event
     WHERE id = ANY($1::uuid[]) OR (type = 'outcome' AND decision = ANY($2::uuid[]))`,
    [ids, decisions],
  );
}
