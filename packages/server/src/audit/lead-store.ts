import type { Cost } from '@talosprotocol/contracts';
import { isTrustError, parseJsonObject, TILE_WIDTH, TrustError } from '@talosprotocol/protocol';
import type { Queries, Sql, SqlSession } from '../platform/sql.js';
import { type EmitterHead, FencedError } from './append.js';
import type { AllowedDecision, LoggedChain } from './claims.js';
import type { DraftPrincipal } from './draft.js';
import { FACET_COLUMNS, type Facet } from './facet.js';
import { EVENT_VERSION } from './finished-event.js';

/** What the holder of the log continues from. */
export interface Head {
  readonly epoch: number;
  readonly boot: number;
  /** The next index. */
  readonly size: number;
  /** Bodies below this index are gone. */
  readonly pruned: number;
  readonly emitter: EmitterHead;
  readonly checkpoint: { readonly size: number; readonly note: string | undefined };
}

/** Whose log this is. */
export interface LogIdentity {
  readonly origin: string;
  readonly vkey: string;
  readonly emitter: string;
  readonly tenant: string;
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
  readonly pruned: number;
}

async function readHead(session: Queries, identity: LogIdentity, start: boolean): Promise<Head> {
  const [log] = await session.query<LogRow>(
    'UPDATE audit_log SET epoch = epoch + 1, boot = boot + $1 RETURNING origin, vkey, epoch, boot, size, pruned',
    [start ? 1 : 0],
  );
  if (log === undefined) throw new TrustError('LOG_CORRUPT', 'the log has no row', { hint: RESTORE });
  assertSameLog(log, identity);
  await assertSameTenant(session, identity.tenant);
  await assertKnownVersion(session);
  const [checkpoint] = await session.query<{ size: number; note: string | null }>(
    'UPDATE audit_checkpoint SET epoch = $1 RETURNING size, note',
    [log.epoch],
  );
  const [last] = await session.query<{ size: number }>(
    'SELECT coalesce(max(idx), -1)::bigint + 1 AS size FROM audit_event',
  );
  assertComplete(log.size, Math.max(last?.size ?? 0, log.pruned), checkpoint?.size ?? 0);
  assertPruned(log.pruned);
  return {
    epoch: log.epoch,
    boot: log.boot,
    size: log.size,
    pruned: log.pruned,
    emitter: await readEmitter(session, identity.emitter),
    checkpoint: { size: checkpoint?.size ?? 0, note: checkpoint?.note ?? undefined },
  };
}

/** Times run on from the last event of any emitter, so that they can be searched by halving (AUD-66). */
async function readEmitter(session: Queries, did: string): Promise<EmitterHead> {
  const [row] = await session.query<{ eseq: number | null; prev: string | null; time_ms: number | null }>(
    `SELECT max(time_ms) AS time_ms, max(eseq) FILTER (WHERE did = $1) AS eseq, max(prev) FILTER (WHERE did = $1) AS prev
     FROM audit_emitter`,
    [did],
  );
  return { eseq: row?.eseq ?? 0, prev: row?.prev ?? null, timeMs: row?.time_ms ?? 0 };
}

export const RESTORE =
  'talos audit fsck names what is damaged; restore the database and the data folder from the same backup';

function assertSameLog(log: LogRow, identity: LogIdentity): void {
  if (log.origin === identity.origin && log.vkey === identity.vkey) return;
  const what = log.origin === identity.origin ? 'was signed with another key' : `is of ${log.origin}`;
  throw new TrustError('SETTINGS_INVALID', `the log in this database ${what}`, {
    hint: 'start with the data folder (and its keys) that belongs to this database',
  });
}

/** A log is of the tenant of its first event (AUD-22): one event of another and no bundle of it verifies. */
async function assertSameTenant(session: Queries, tenant: string): Promise<void> {
  const [first] = await session.query<{ event: string }>(
    'SELECT event FROM audit_event ORDER BY idx LIMIT 1',
  );
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
  return String(memberOf(event, 'tenant'));
}

/** Versions only rise in a log: whoever wrote an older event behind a newer one could choose the rules it is held to (AUD-91). */
async function assertKnownVersion(session: Queries): Promise<void> {
  const [last] = await session.query<{ event: string }>(
    'SELECT event FROM audit_event ORDER BY idx DESC LIMIT 1',
  );
  const version = last === undefined ? EVENT_VERSION : memberOf(last.event, 'v');
  if (version === EVENT_VERSION) return;
  throw new TrustError(
    'SETTINGS_INVALID',
    `the log has events of version ${version}, and this program writes version ${EVENT_VERSION}`,
    { hint: 'start the newer version of talos again, or restore a backup made before the upgrade' },
  );
}

function memberOf(event: string, name: string): unknown {
  try {
    return parseJsonObject(event)[name];
  } catch (error) {
    if (!isTrustError(error)) throw error;
    throw new TrustError('LOG_CORRUPT', 'an event of the log is damaged', { hint: RESTORE }, error);
  }
}

function assertComplete(size: number, rows: number, checkpoint: number): void {
  if (size === rows && checkpoint <= size) return;
  throw new TrustError('LOG_CORRUPT', `the database has ${rows} events of ${Math.max(size, checkpoint)}`, {
    hint: RESTORE,
  });
}

/** Whole bundles are pruned. */
function assertPruned(pruned: number): void {
  if (pruned >= 0 && pruned % TILE_WIDTH === 0) return;
  throw new TrustError('LOG_CORRUPT', `the database has bodies below ${pruned} as pruned`, { hint: RESTORE });
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

/** The allowed ones among the decisions with these UUIDs. */
export async function readAllowed(
  session: Queries,
  uuids: readonly string[],
): Promise<ReadonlyMap<string, AllowedDecision>> {
  const rows = await session.query<
    Facet & { id: string; request: string; prn: string | null; held: Cost | null }
  >(
    `SELECT i.id, e.request, e.event::json->'principal'->>'prn' AS prn, e.event::json->'held' AS held, ${FACET_COLUMNS.map((name) => `f.${name}`).join(', ')}
     FROM audit_id i JOIN audit_event e USING (idx) JOIN audit_index x USING (idx) JOIN audit_facet f ON f.num = x.facet
     WHERE i.id = ANY($1::uuid[]) AND f.type = 'decision' AND f.effect = 'allow'`,
    [uuids],
  );
  return new Map(
    rows.map(({ id, request, prn, held, ...facet }) => [
      id,
      { request, principal: principalOf(facet.sub, prn), facet, held: held ?? undefined },
    ]),
  );
}

function principalOf(sub: string | null, prn: string | null): DraftPrincipal | null {
  if (sub === null) return null;
  return prn === null ? { sub } : { sub, prn };
}

/** Those of these chains that are in the log. */
export async function readChains(
  session: Queries,
  cths: readonly string[],
): Promise<ReadonlyMap<string, LoggedChain>> {
  const rows = await session.query<{ cth: string; idx: number; sub: string; prn: string | null }>(
    'SELECT cth, idx, sub, prn FROM audit_chain WHERE cth = ANY($1)',
    [cths],
  );
  return new Map(
    rows.map(({ cth, idx, sub, prn }) => [cth, { at: idx, holder: prn === null ? { sub } : { sub, prn } }]),
  );
}

/** Where those of these facets stand that events have; by key, in hex. */
export async function readFacets(
  session: Queries,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query<{ key: string; num: number }>(
    `SELECT encode(key, 'hex') AS key, num FROM audit_facet
     WHERE key = ANY(SELECT decode(k, 'hex') FROM unnest($1::text[]) AS k)`,
    [keys],
  );
  return new Map(rows.map((row) => [row.key, row.num]));
}

/** Events that are in the log under one of these ids, or as the outcome of one of these decisions. `event` is null once it
 *  is pruned. */
export async function readRecorded(
  session: Queries,
  ids: readonly string[],
  decisions: readonly string[],
): Promise<readonly { idx: number; id: string; decision: string | null; event: string | null }[]> {
  return session.query(
    `SELECT k.idx, k.id, k.decision, e.event FROM (
       SELECT i.idx, i.id, o.decision FROM audit_id i LEFT JOIN audit_outcome o ON o.id = i.id
       WHERE i.id = ANY($1::uuid[])
       UNION SELECT idx, id, decision FROM audit_outcome WHERE decision = ANY($2::uuid[])) k
     LEFT JOIN audit_event e USING (idx)`,
    [ids, decisions],
  );
}
