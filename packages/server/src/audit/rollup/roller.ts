import type { Log } from '../../platform/log.js';
import type { Queries, Sql } from '../../platform/sql.js';
import { TALLY } from './tally.js';

/** Keeps the sums of the log up to date, each event once, whoever counts and however often that is interrupted. */
export interface Roller {
  /** Counts some of what is not counted yet; resolves to whether all of it is. */
  step(): Promise<boolean>;
  /** Counts from now on, soon after events are recorded. */
  start(): void;
  stop(): Promise<void>;
}

/** Bounds; `pauseMs` in milliseconds. */
export interface RollerLimits {
  /** Events that are counted in one transaction. */
  readonly chunk: number;
  /** Values that are named in one bucket, and how many of them may be values that no allowed call had. */
  readonly named: number;
  readonly unproven: number;
  /** How long counting rests once it has caught up. */
  readonly pauseMs: number;
}

export const ROLLER_LIMITS: RollerLimits = { chunk: 4_096, named: 256, unproven: 64, pauseMs: 1_000 };

export interface RollerDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly limits?: Partial<RollerLimits>;
}

/** Builds the roller over the tables of `ROLLUP_MIGRATIONS`. */
export function createRoller({ sql, log, limits: changes }: RollerDeps): Roller {
  const limits = { ...ROLLER_LIMITS, ...changes };
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isStopped = false;
  const step = (): Promise<boolean> => sql.transaction((tx) => countSome(tx, limits));
  const round = async (): Promise<void> => {
    while (!isStopped && !(await step()));
  };
  const plan = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = round()
        .catch((err: unknown) => log.warn('events were not counted; it is tried again', { err }))
        .then(plan);
    }, limits.pauseMs).unref();
  };
  return {
    step,
    start: plan,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

interface Place {
  readonly began: number;
  readonly counted: number;
  readonly size: number;
  /** Whether the sums are those of the events from where they began, without a gap. */
  readonly sound: boolean;
}

/** One transaction: its row is locked, so that two processes never count an event twice. */
async function countSome(tx: Queries, { chunk, named, unproven }: RollerLimits): Promise<boolean> {
  // Mostly there is nothing to do: to lock the row would be a write.
  const [known] = await tx.query<Place>(PLACE);
  if (known?.sound === true && known.counted === known.size) return true;
  const place = await lockPlace(tx);
  if (place === undefined || place.counted >= place.size) return true;
  const to = Math.min(place.counted + chunk, place.size);
  await tx.query(TALLY, [place.counted, to, named, unproven]);
  await tx.query('UPDATE audit_rollup SET counted = $1', [to]);
  if (hasDoubled(place.counted - place.began, to - place.began)) await tx.query('ANALYZE audit_tally');
  return to === place.size;
}

/** Whether there are twice as many as there were when that was so the last time. Of a young table that grows fast the planner knows
 *  nothing until it is told, and reads all of it for each value. */
function hasDoubled(before: number, after: number): boolean {
  return Math.floor(Math.log2(after)) > Math.floor(Math.log2(before));
}

const PLACE = `SELECT r.began, r.counted, l.size, r.counted BETWEEN l.pruned AND l.size
    AND (r.counted = r.began OR EXISTS (SELECT 1 FROM audit_tally)) AS sound
  FROM audit_rollup r, audit_log l`;
const LOCKED_PLACE = `${PLACE} FOR UPDATE OF r`;

/** Where counting goes on; undefined if there is no log. Sums of which nothing says what is in them, that are gone, or that
 *  would have a gap, are made again. */
async function lockPlace(tx: Queries): Promise<Place | undefined> {
  const [place] = await tx.query<Place>(LOCKED_PLACE);
  if (place?.sound === true) return place;
  await tx.query('DELETE FROM audit_rollup');
  const made = await tx.query(
    'INSERT INTO audit_rollup (began, counted) SELECT pruned, pruned FROM audit_log ON CONFLICT DO NOTHING RETURNING 1',
  );
  // Whoever inserted the row begins anew; another process waited for that, and goes on behind it.
  if (made.length > 0) await tx.query('DELETE FROM audit_tally');
  return (await tx.query<Place>(LOCKED_PLACE))[0];
}
