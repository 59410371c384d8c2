import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import { formatTime, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import type { Queries } from '../platform/sql.js';
import type { Clock } from '../platform/system.js';
import type { Check } from './check.js';

/** Beyond what a clock is corrected by. */
const MOST_AHEAD_MS = 300_000;
const TOLD_MS = 5_000;
const MEND = 'set the clocks of this machine and of the database by NTP';

/** To be called before anything is recorded: the times of a log never run backwards, so one event of a clock that is far
 *  ahead gives its time to all that follow (AUD-124). Smaller differences are logged.
 *  @throws {TrustError} UNAVAILABLE: the clock is more than 300 s ahead of that of the database */
export async function assertClock(sql: Queries, clock: Clock, log: Log): Promise<void> {
  const ahead = await aheadOfDatabase(sql, clock);
  if (ahead > MOST_AHEAD_MS) throw new TrustError('UNAVAILABLE', differing(ahead), { hint: MEND });
  if (Math.abs(ahead) <= TOLD_MS) return;
  log.warn(
    ahead > 0
      ? 'the clock of this machine is ahead of that of the database'
      : 'the clock of this machine is behind that of the database',
    { durationMs: Math.abs(ahead), hint: MEND },
  );
}

/** What `doctor` says of the clock: beside that of the database, and of the newest event of a log that is there. */
export async function examineClock(sql: Queries, clock: Clock): Promise<Check> {
  const name = 'clock';
  const ahead = await aheadOfDatabase(sql, clock);
  if (ahead > MOST_AHEAD_MS) return { name, ok: false, detail: differing(ahead), mend: MEND };
  const newest = await newestEvent(sql);
  if (newest - clock.now() > CHAIN_LIMITS.skewSeconds * 1_000) {
    const mend =
      'set the clock if it is wrong; if it was ahead, what must be recorded in time is refused until then';
    const detail = `${formatTime(clock.now())} is before the newest event of the log, of ${formatTime(newest)}`;
    return { name, ok: false, detail, mend };
  }
  if (Math.abs(ahead) > TOLD_MS) return { name, ok: true, detail: differing(ahead), mend: MEND };
  return { name, ok: true, detail: 'as that of the database, and not behind the log' };
}

/** Milliseconds that this clock is ahead of the database's, below 0 if behind; the time that the question took is no
 *  difference. */
async function aheadOfDatabase(sql: Queries, clock: Clock): Promise<number> {
  const asked = clock.now();
  const [row] = await sql.query<{ now_ms: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms',
  );
  const told = row?.now_ms ?? asked;
  return asked > told ? asked - told : Math.min(0, clock.now() - told);
}

/** In Unix milliseconds; 0 where there is no log yet. */
async function newestEvent(sql: Queries): Promise<number> {
  const [there] = await sql.query<{ name: string | null }>(
    "SELECT to_regclass('audit_emitter')::text AS name",
  );
  if (there?.name == null) return 0;
  const [row] = await sql.query<{ time_ms: number | null }>(
    'SELECT max(time_ms) AS time_ms FROM audit_emitter',
  );
  return row?.time_ms ?? 0;
}

function differing(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return `the clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the database`;
}
