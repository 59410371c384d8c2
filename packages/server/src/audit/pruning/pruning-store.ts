import { setTimeout as sleep } from 'node:timers/promises';
import { formatTime, isTrustError, TILE_WIDTH } from '@talosprotocol/protocol';
import type { Queries, Sql } from '../../platform/sql.js';
import { corrupt } from '../corrupt.js';
import type { AuditDraft } from '../draft.js';
import { DIVIDED } from '../partitions.js';
import { forgetSums } from '../rollup/forget.js';

/** A pruning under way. */
export interface PruningJob {
  /** Bodies from here up to, not including, `hi` go. */
  readonly lo: number;
  readonly hi: number;
  readonly draft: AuditDraft<'log.pruned'>;
  /** Entry bundles below this index are gone already. */
  readonly done: number;
}

/** The SQL of pruning (AUD-110 to AUD-116). */
export interface PruningStore {
  /** Keeps what is going to be done, before anything is. */
  begin(job: Omit<PruningJob, 'done'>): Promise<PruningJob>;
  /** @throws {TrustError} LOG_CORRUPT: what is there is none that this program began */
  left(): Promise<PruningJob | undefined>;
  /** From now on nobody is shown what is below `hi`. */
  mark(job: PruningJob): Promise<void>;
  /** Bundles below this index are gone. */
  note(done: number): Promise<void>;
  /** How many bodies below an index stay because others refer to them. */
  countKept(hi: number): Promise<number>;
  /** Removes the rows below `hi` that nothing refers to, and what opens the others; and the sums of their minutes and hours. */
  removeRows(hi: number): Promise<void>;
  end(): Promise<void>;
  /** Lets PostgreSQL use the room for something else. */
  vacuum(): Promise<void>;
}

/** Rows of one step. */
const CHUNK = 2_048;

export function createPruningStore(sql: Sql): PruningStore {
  return {
    begin: async ({ lo, hi, draft }) => {
      await sql.query('INSERT INTO audit_pruning (lo, hi, draft, done) VALUES ($1, $2, $3, $1)', [
        lo,
        hi,
        JSON.stringify(draft),
      ]);
      return { lo, hi, draft, done: lo };
    },
    left: async () => {
      const [row] = await sql.query<JobRow>('SELECT lo, hi, draft, done FROM audit_pruning');
      return row === undefined ? undefined : toJob(row);
    },
    mark: async ({ hi }) => {
      await sql.query('UPDATE audit_log SET pruned = greatest(pruned, $1)', [hi]);
    },
    note: async (done) => {
      await sql.query('UPDATE audit_pruning SET done = $1', [done]);
    },
    countKept: async (hi) => {
      const reach = await reachOf(sql, hi);
      let count = 0;
      for await (const page of pagesOf(sql, reach, { from: 0, to: hi }))
        count += page.filter(({ kept }) => kept).length;
      return count;
    },
    removeRows: async (hi) => {
      const reach = await reachOf(sql, hi);
      const parts = await sql.query<Part>('SELECT lo, hi FROM audit_partition WHERE lo < $1 ORDER BY lo', [
        hi,
      ]);
      for (const part of parts) await removePart(sql, reach, part);
      await forgetSums(sql, reach.time);
    },
    end: async () => {
      await sql.query('DELETE FROM audit_pruning');
    },
    vacuum: () =>
      sql.session(async (session) => {
        for (const table of [...DIVIDED, 'audit_tally']) await session.query(`VACUUM ${table}`);
      }),
  };
}

type JobRow = Omit<PruningJob, 'draft'> & { readonly draft: string };

/** Bodies are removed on its word, also where the database does not reach: it must go exactly as far as is put on record. */
function toJob({ draft: text, ...range }: JobRow): PruningJob {
  const draft = readDraft(text);
  const { lo, hi, done } = range;
  const { type, members } = draft;
  const isWhole = [lo, hi, done].every((at) => at % TILE_WIDTH === 0);
  const isOrdered = 0 <= lo && lo <= done && done <= hi && lo < hi;
  if (type === 'log.pruned' && members.from === lo && members.to === hi && isWhole && isOrdered)
    return { ...range, draft };
  throw corrupt('the database tells of a pruning that is not the one it would put on record');
}

function readDraft(text: string): AuditDraft<'log.pruned'> {
  try {
    const draft = JSON.parse(text) as AuditDraft<'log.pruned'>;
    if (typeof draft.members === 'object') return draft;
  } catch (error) {
    throw corrupt('the database tells of a pruning that cannot be read', error);
  }
  throw corrupt('the database tells of a pruning that is none');
}

/** Where bodies end, and the first time of which a session is still open that events behind it may belong to. */
interface Reach {
  readonly hi: number;
  /** Of the first event behind it, in Unix milliseconds. */
  readonly time: number;
  readonly open: string;
}

/** So long after a call at most another one goes on from it, in milliseconds: as long as a provider may take, and some more. */
const GOES_ON_MS = 90_000_000;

/** A session lives on for a minute, and an event may be some seconds late (AUD-22). */
const LATE_MS = 120_000;

async function reachOf(sql: Queries, hi: number): Promise<Reach> {
  const [row] = await sql.query<{ time_ms: number }>('SELECT time_ms FROM audit_index WHERE idx = $1', [hi]);
  // Before its own record nothing may stand there yet.
  const time = row?.time_ms ?? 0;
  return { hi, time, open: formatTime(Math.max(0, time - LATE_MS)) };
}

interface Part {
  readonly lo: number;
  readonly hi: number;
}

interface Row {
  readonly idx: number;
  /** Later events refer to it. */
  readonly kept: boolean;
}

// One index look-up for each call: of an EXISTS the planner may make a hash of all that is left, and that again for every page.
const GONE_ON_FROM =
  '(SELECT n.idx FROM audit_event n WHERE n.request = e.request AND n.idx >= $1 LIMIT 1) IS NOT NULL';

/** What later events refer to, and a verifier asks for with them: chains, what ended them, sessions that are open, allowed
 *  calls whose outcome is to come or from which a later one goes on, and the records of what was pruned (AUD-113). */
const KEPT = `f.type IN ('chain', 'revocation', 'revocation.below', 'identity.rotated', 'identity.deactivated', 'log.pruned')
  OR (f.type = 'session.opened' AND e.event::json->>'exp' >= $2)
  OR (f.type = 'decision' AND f.effect = 'allow'
      AND NOT EXISTS (SELECT 1 FROM audit_outcome o WHERE o.decision = e.id AND o.idx < $1))
  OR (f.type = 'decision' AND f.effect = 'allow' AND f.surface = 'llm' AND x.time_ms >= $5
      AND ${GONE_ON_FROM})`;

const PAGE = `SELECT e.idx, (${KEPT}) AS kept
  FROM audit_event e JOIN audit_index x USING (idx) JOIN audit_facet f ON f.num = x.facet
  WHERE e.idx >= $3 AND e.idx < $4 ORDER BY e.idx LIMIT ${CHUNK}`;

/** Rows that are there, in order. */
async function* pagesOf(
  sql: Queries,
  { hi, open, time }: Reach,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<readonly Row[]> {
  for (let at = from; ; ) {
    const page = await sql.query<Row>(PAGE, [hi, open, at, to, time - GOES_ON_MS]);
    if (page.length > 0) yield page;
    if (page.length < CHUNK) return;
    at = (page.at(-1) as Row).idx + 1;
  }
}

async function removePart(sql: Sql, reach: Reach, part: Part): Promise<void> {
  if (part.hi <= reach.hi && (await replacePart(sql, reach, part))) return;
  for await (const page of pagesOf(sql, reach, { from: part.lo, to: Math.min(part.hi, reach.hi) })) {
    const of = (kept: boolean) => page.filter((row) => row.kept === kept).map(({ idx }) => idx);
    await sql.transaction(async (tx) => {
      for (const table of DIVIDED) await tx.query(`DELETE FROM ${table} WHERE idx = ANY($1)`, [of(false)]);
      await tx.query(FORGET, [of(true)]);
    });
  }
}

/** Once a body is pruned, what opened it is too, whoever refers to it. */
const FORGET = 'UPDATE audit_event SET disclosures = NULL WHERE idx = ANY($1) AND disclosures IS NOT NULL';

/** Empties the tables of a part of which all goes, and puts back what stays: that is a matter of what stays and not of what goes.
 *  False if somebody read them for too long. */
async function replacePart(sql: Sql, reach: Reach, { lo, hi }: Part): Promise<boolean> {
  const kept: number[] = [];
  let gone = 0;
  for await (const page of pagesOf(sql, reach, { from: lo, to: hi }))
    for (const row of page) {
      if (row.kept) kept.push(row.idx);
      else gone += 1;
    }
  if (gone === 0) {
    await sql.query(FORGET, [kept]);
    return true;
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (await tryReplace(sql, lo, kept)) return true;
    await sleep(PAUSE_MS);
  }
  return false;
}

const ATTEMPTS = 20;
const PAUSE_MS = 100;

/** False if a lock is not to be had now. It waits for none: whoever waits for one keeps everybody behind it waiting. */
async function tryReplace(sql: Sql, lo: number, kept: readonly number[]): Promise<boolean> {
  try {
    await sql.transaction(async (tx) => {
      const parts = DIVIDED.map((table) => `${table}_${lo}`);
      await tx.query(`LOCK TABLE ${parts.join(', ')} IN ACCESS EXCLUSIVE MODE NOWAIT`);
      for (const part of parts) {
        await tx.query(
          `CREATE TEMP TABLE kept_of_${part} ON COMMIT DROP AS SELECT * FROM ${part} WHERE idx = ANY($1)`,
          [kept],
        );
        await tx.query(`TRUNCATE ${part}`);
        await tx.query(`INSERT INTO ${part} SELECT * FROM kept_of_${part}`);
      }
      await tx.query(FORGET, [kept]);
    });
    return true;
  } catch (error) {
    if (isTrustError(error) && error.code === 'UNAVAILABLE') return false;
    throw error;
  }
}
