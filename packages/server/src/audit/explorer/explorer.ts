import type { EventFilter, EventOrder, EventPage, EventRecord } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  decodeCursor,
  encodeCursor,
  isTrustError,
  isUuidv7,
  parseTime,
  TrustError,
  uuidv7Time,
} from '@talosprotocol/protocol';
import { createEntrance } from '../../platform/entrance.js';
import type { Queries, Sql } from '../../platform/sql.js';
import type { Clock } from '../../platform/system.js';
import { openRow } from '../open-row.js';
import { goneError } from '../pruning/pruned-error.js';
import type { EventRow } from '../store.js';
import { type Span, spanWithin } from '../time-span.js';
import { scan } from './scan.js';
import { SCAN_LIMITS, type ScanLimits, type Scanned } from './scan-query.js';

/** Which events, how many, and from where. */
export interface EventQuery {
  readonly filter?: EventFilter;
  readonly order?: EventOrder;
  readonly limit: number;
  readonly cursor?: string;
}

/** Finds events of the log (AUD-65 to AUD-67). What is shown is the log's word; receipts and bundles prove it. */
export interface Explorer {
  /** @throws {TrustError} MALFORMED: a cursor of another log; UNAVAILABLE: too many ask, or it took too long */
  events(query: EventQuery): Promise<EventPage>;
  /** Events from index `from` on that fit, oldest first, and up to where was looked.
   *  @throws {TrustError} UNAVAILABLE */
  after(filter: EventFilter, from: number, limit: number): Promise<EventsAfter>;
  /** One event, by its index or its id (`evt_...`).
   *  @throws {TrustError} NOT_FOUND | MALFORMED | PRUNED | LOG_CORRUPT: the log has it, the database has not */
  event(name: string): Promise<EventRecord>;
}

/** What follows an index. */
export interface EventsAfter {
  readonly events: readonly EventRecord[];
  /** Where it began: later than asked for where what is older was pruned. */
  readonly from: number;
  /** Everything below was looked at. */
  readonly reached: number;
}

export interface ExplorerDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly limits?: Partial<ScanLimits>;
}

/** Longest run of one statement. */
const STATEMENT_MS = 2_000;
/** Bytes of one page, beyond its first event. */
const PAGE_BYTES = 8_388_608;
const BODIES = 64;

/** Builds the explorer over the tables of the room. */
export function createExplorer({ sql, clock, crypto, limits: changes }: ExplorerDeps): Explorer {
  const recordOf = createRecorder(crypto);
  const limits = { ...SCAN_LIMITS, ...changes };
  const { enter } = createEntrance({ inside: 4, waiting: 64 });
  const now = () => clock.monotonic();
  const look = <T>(work: Work<T>): Promise<T> =>
    sql.transaction((tx) => prepare(tx).then((log) => work(tx, log)), 'repeatable read');
  // A pruning empties tables under a transaction that began before it: what is missing then is there no more in the next.
  const ask = <T>(work: Work<T>): Promise<T> =>
    enter(() =>
      look(work).catch((error: unknown) => {
        if (!isTrustError(error) || error.code !== 'LOG_CORRUPT') throw error;
        return look(work);
      }),
    );
  return {
    events: ({ filter = {}, order = 'newest', limit, cursor }) =>
      ask(async (tx, log) => {
        const whole = await spanWithin(tx, log, timesOf(filter));
        const span = cursor === undefined ? whole : beyond(order, whole, await placeOf(tx, cursor));
        const scanned = await scan({ tx, limits, now }, { filter, order, span, limit: limit + 1 });
        return {
          ...(await pageOf({ tx, recordOf }, order, span, cutTo(limit, scanned, order, span))),
          ...prunedOf(log),
        };
      }),
    after: (filter, from, limit) =>
      ask(async (tx, log) => {
        const whole = await spanWithin(tx, log, timesOf(filter));
        const span = { from: Math.max(from, whole.from), to: whole.to };
        const scanned = await scan({ tx, limits, now }, { filter, order: 'oldest', span, limit });
        const { rows, rest } = await readBodies(tx, 'oldest', span, scanned);
        const reached = isOver(rest) ? Math.max(from, span.to) : rest.from;
        return { events: rows.map(recordOf), from: span.from, reached };
      }),
    event: (name) => ask(async (tx, log) => recordOf(await readEvent(tx, log, name))),
  };
}

/** What is asked is bounded by an index. Of facets that hang together the planner expects more rows than there are, and would read the
 *  whole table instead, or begin other processes for it. */
async function prepare(tx: Queries): Promise<Span> {
  const [log] = await tx.query<{ from: number | null; to: number | null }>(PREPARE);
  return { from: log?.from ?? 0, to: log?.to ?? 0 };
}

/** The log is read along with it: each statement of a page is a way to the database and back. */
const PREPARE = {
  name: 'audit_explore',
  text: `SELECT set_config('statement_timeout', '${STATEMENT_MS}', true), set_config('enable_seqscan', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
    (SELECT pruned FROM audit_log) AS from, (SELECT size FROM audit_log) AS to`,
};

/** What is done in one transaction; `log` are the indexes whose events it can read. */
type Work<T> = (tx: Queries, log: Span) => Promise<T>;

const isOver = ({ from, to }: Span): boolean => from >= to;

/** In Unix milliseconds. */
function timesOf({ since, until }: EventFilter) {
  return {
    since: since === undefined ? undefined : parseTime(since),
    until: until === undefined ? undefined : parseTime(until),
  };
}

/** Where a cursor stands (ENC-12): at an event of this log, whether it was pruned or not. */
async function placeOf(tx: Queries, cursor: string): Promise<number> {
  const { id, seconds } = decodeCursor(cursor);
  const place = await findPlace(tx, id);
  if (place !== undefined && seconds === secondsOf(id)) return place;
  throw new TrustError('MALFORMED', 'the cursor is not of this log', {
    hint: 'start again without a cursor',
  });
}

async function findPlace(tx: Queries, uuid: string): Promise<number | undefined> {
  const [row] = await tx.query<{ idx: number }>('SELECT idx FROM audit_id WHERE id = $1', [uuid]);
  return row?.idx;
}

function beyond(order: EventOrder, { from, to }: Span, place: number): Span {
  return order === 'newest' ? { from, to: Math.min(to, place) } : { from: Math.max(from, place + 1), to };
}

/** Where bodies begin, once some were pruned. */
function prunedOf({ from }: Span): Pick<EventPage, 'pruned'> {
  return from === 0 ? {} : { pruned: from };
}

/** One more than asked for was looked for, to know whether there is more. */
function cutTo(limit: number, scanned: Scanned, order: EventOrder, span: Span): Scanned {
  const next = scanned.indexes[limit];
  if (next === undefined) return scanned;
  return { indexes: scanned.indexes.slice(0, limit), rest: startingAt(next, order, span) };
}

/** What of a span is left if everything before `index` was looked at. */
function startingAt(index: number, order: EventOrder, span: Span): Span {
  return order === 'newest' ? { ...span, to: index + 1 } : { ...span, from: index };
}

async function pageOf(
  { tx, recordOf }: { readonly tx: Queries; readonly recordOf: RecordOf },
  order: EventOrder,
  span: Span,
  scanned: Scanned,
): Promise<EventPage> {
  const { rows, rest } = await readBodies(tx, order, span, scanned);
  if (isOver(rest)) return { events: rows.map(recordOf), next: null };
  // The next page goes on behind the last event that was looked at, whether it fitted or not.
  const last = order === 'newest' ? rest.to : rest.from - 1;
  const id = rows.find(({ idx }) => idx === last)?.id ?? (await idAt(tx, last));
  return { events: rows.map(recordOf), next: encodeCursor({ seconds: secondsOf(id), id }) };
}

/** The rows of the events found; fewer if they are large, and then the rest begins with the first that is not there. */
async function readBodies(
  tx: Queries,
  order: EventOrder,
  span: Span,
  { indexes, rest }: Scanned,
): Promise<{ rows: EventRow[]; rest: Span }> {
  const rows: EventRow[] = [];
  let bytes = 0;
  for (let at = 0; at < indexes.length; at += BODIES) {
    const wanted = indexes.slice(at, at + BODIES);
    const found = await readRows(tx, order, wanted);
    assertAll(wanted, found);
    for (const row of found) {
      bytes += row.event.length + (row.disclosures?.length ?? 0);
      if (bytes > PAGE_BYTES && rows.length > 0) return { rows, rest: startingAt(row.idx, order, span) };
      rows.push(row);
    }
  }
  return { rows, rest };
}

/** Only what has a body is looked for: one that lacks it would be left out as if it had never been. */
function assertAll(wanted: readonly number[], found: readonly EventRow[]): void {
  if (found.length === wanted.length) return;
  const there = new Set(found.map(({ idx }) => idx));
  for (const index of wanted) if (!there.has(index)) throw goneError(index, 0);
}

function readRows(tx: Queries, order: EventOrder, indexes: readonly number[]): Promise<EventRow[]> {
  return tx.query(
    `SELECT idx, id, event, disclosures FROM audit_event WHERE idx = ANY($1)
     ORDER BY idx ${order === 'newest' ? 'DESC' : 'ASC'}`,
    [indexes],
  );
}

async function idAt(tx: Queries, idx: number): Promise<string> {
  const [row] = await tx.query<{ id: string }>('SELECT id FROM audit_event WHERE idx = $1', [idx]);
  if (row === undefined) throw goneError(idx, 0);
  return row.id;
}

async function readEvent(tx: Queries, log: Span, name: string): Promise<EventRow> {
  const uuid = name.startsWith('evt_') ? name.slice(4) : undefined;
  if (uuid === undefined ? !/^(?:0|[1-9][0-9]{0,14})$/.test(name) : !isUuidv7(uuid))
    throw new TrustError('MALFORMED', 'an event is named by its index or its id (evt_...)');
  const [row] = await tx.query<EventRow>(
    uuid === undefined
      ? 'SELECT idx, id, event, disclosures FROM audit_event WHERE idx = $1'
      : `SELECT e.idx, e.id, e.event, e.disclosures FROM audit_id i JOIN audit_event e USING (idx) WHERE i.id = $1`,
    [uuid ?? Number(name)],
  );
  if (row !== undefined) return row;
  const index = uuid === undefined ? Number(name) : await findPlace(tx, uuid);
  if (index === undefined || index >= log.to) throw new TrustError('NOT_FOUND', 'there is no such event');
  throw goneError(index, log.from);
}

type RecordOf = (row: EventRow) => EventRecord;

const createRecorder =
  (crypto: CryptoProvider): RecordOf =>
  (row) => ({ index: row.idx, receipt: `rcp_${row.id}`, ...openRow(row, crypto) });

function secondsOf(uuid: string): number {
  return Math.floor(uuidv7Time(uuid) / 1000);
}
