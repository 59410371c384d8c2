import { decodeEntryBundle, isTrustError, parseJson, TILE_WIDTH, uuidv7Time } from '@talosprotocol/protocol';
import type { Queries } from '../platform/sql.js';
import { corrupt } from './corrupt.js';
import type { Covering } from './covering.js';
import type { OpenLog } from './open-log.js';
import { eventOf } from './open-row.js';
import { goneError } from './pruning/pruned-error.js';
import type { AuditStore, EventRow } from './store.js';
import { readSpan, type Span } from './time-span.js';

/** Says of what the database does not have whether the log has it all the same: the database alone is believed neither that
 *  something was pruned nor that it never was (AUD-115, AUD-116). */
export interface Absent {
  /** Gives what the work gives. If that is PRUNED, it is on record in the log, or the answer is LOG_CORRUPT; if NOT_FOUND,
   *  no row that the log has and the database lacks is of the id or the request with that UUID, as far as its time says. */
  explained<T>(work: Promise<T>, uuid: string | undefined): Promise<T>;
  /** @throws {TrustError} LOG_CORRUPT: the log has an event of this id or request that the database does not have */
  assertNone(uuid: string): Promise<void>;
}

export interface AbsentDeps {
  readonly sql: Queries;
  readonly store: AuditStore;
  readonly opened: () => OpenLog;
  readonly covering: Covering;
}

/** An id is made some moments before its event is in the log, by another clock. */
const BEFORE_MS = 60_000;
const BEHIND_MS = 300_000;
/** Rows that are looked at. */
const MOST = 65_536;
const WAIT_MS = 1_000;

export function createAbsent(deps: AbsentDeps): Absent {
  const { sql, store, opened, covering } = deps;
  let onRecord = 0;
  /** Bodies below this index were pruned, as the newest record of a pruning says, which is proven. */
  const prunedBelow = async (): Promise<number> => {
    const said = await store.pruned();
    if (said <= onRecord) return said;
    const row = await newestPruning(sql);
    if (row !== undefined) {
      await opened().prover.prove([row], await covering.find(row.idx + 1, WAIT_MS, 'first'));
      const event = eventOf(row);
      if (event.type === 'log.pruned') onRecord = event.to;
    }
    if (said <= onRecord) return said;
    throw corrupt(
      `the database has bodies of events below ${said} as pruned, the log has on record those below ${onRecord}`,
    );
  };
  const assertNone = async (uuid: string): Promise<void> => {
    const below = await prunedBelow();
    const time = uuidv7Time(uuid);
    const near = await readSpan(sql, { since: time - BEFORE_MS, until: time + BEHIND_MS });
    const span = { from: Math.max(near.from, below), to: Math.min(near.to, near.from + MOST) };
    const hidden = await hiddenIn(sql, span, uuid);
    if (hidden !== undefined) throw corrupt(`the database does not find event ${hidden} by its id`);
    const gaps = await gapsIn(sql, span);
    // A pruning may have taken rows since.
    const now = gaps.length === 0 ? below : await prunedBelow();
    for (const index of gaps) if (index >= now) await assertOther(opened(), index, uuid);
  };
  return {
    assertNone,
    explained: async (work, uuid) => {
      try {
        return await work;
      } catch (error) {
        if (isTrustError(error) && error.code === 'PRUNED') await prunedBelow();
        if (isTrustError(error) && error.code === 'NOT_FOUND' && uuid !== undefined) await assertNone(uuid);
        throw error;
      }
    },
  };
}

async function newestPruning(sql: Queries): Promise<EventRow | undefined> {
  const [row] = await sql.query<EventRow>(
    `SELECT e.idx, e.id, e.event, e.disclosures
     FROM audit_facet f JOIN audit_index x ON x.facet = f.num JOIN audit_event e ON e.idx = x.idx
     WHERE f.type = 'log.pruned' ORDER BY e.idx DESC LIMIT 1`,
  );
  return row;
}

async function hiddenIn(sql: Queries, { from, to }: Span, uuid: string): Promise<number | undefined> {
  const [row] = await sql.query<{ idx: number }>(
    'SELECT idx FROM audit_event WHERE idx >= $1 AND idx < $2 AND id = $3',
    [from, to, uuid],
  );
  return row?.idx;
}

async function gapsIn(sql: Queries, { from, to }: Span): Promise<readonly number[]> {
  const rows = await sql.query<{ idx: number }>(
    `SELECT g.idx FROM generate_series($1::bigint, $2::bigint - 1) AS g(idx)
     WHERE NOT EXISTS (SELECT FROM audit_event e WHERE e.idx = g.idx) ORDER BY g.idx`,
    [from, to],
  );
  return rows.map(({ idx }) => idx);
}

/** What the tiles do not have either may be the one, as far as anybody can say. */
async function assertOther({ tiles, integrator }: OpenLog, index: number, uuid: string): Promise<void> {
  const first = index - (index % TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, (integrator.checkpoint?.size ?? 0) - first);
  if (index >= first + width) throw goneError(index, 0);
  const bytes = await tiles.read({ level: 'entries', index: first / TILE_WIDTH, width });
  const entry = bytes === undefined ? undefined : decodeEntryBundle(bytes, width)[index - first];
  if (entry === undefined) throw goneError(index, 0);
  const event = parseJson(entry) as { readonly id?: unknown; readonly request?: unknown };
  if (event.id === `evt_${uuid}` || event.request === `req_${uuid}`) throw goneError(index, 0);
}
