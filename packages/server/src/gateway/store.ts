import { isUuidv7, type JsonObject, parseJsonObject, TrustError, uuidv7Time } from '@talosprotocol/protocol';
import type { Sql } from '../platform/sql.js';
import { createSteadiness } from '../platform/steady-clock.js';
import type { Clock } from '../platform/system.js';

/** Names a write: who calls whom, and which logical call it is. */
export interface CallName {
  readonly subject: string;
  readonly audience: string;
  readonly rid: string;
}

/** What is kept of a write that was tried before. */
export interface KeptAnswer {
  readonly receipt: string;
  readonly answer: JsonObject;
}

/** Keeps each named write for 24 hours, so that it is dispatched at most once (SES-10). */
export interface CallJournal {
  /** Durably claims the name, or gives the answer that is kept under it.
   *  @throws {TrustError} IN_PROGRESS | REPLAY (another request under this rid, or one older than is kept) |
   *  UNAVAILABLE */
  claim(name: CallName, requestHash: string, receipt: string): Promise<KeptAnswer | undefined>;
  /** Gives up a claim whose call was not dispatched. */
  release(name: CallName): Promise<void>;
  /** Keeps the answer, and the receipt of the call that it is of; of a large one, which may be undefined, only its hash. */
  finish(name: CallName, receipt: string, answer: JsonObject | undefined, answerHash: string): Promise<void>;
  /** Forgets what is older than 24 hours, while the clock is steady, and nothing that is younger by that of the database: what was
   *  forgotten by one that is wrong would be done again once it is right. */
  purge(): Promise<void>;
}

interface Row {
  readonly request_hash: string;
  readonly receipt: string;
  readonly state: 'running' | 'done';
  readonly outcome: string | null;
  readonly outcome_hash: string | null;
}

const KEPT_MS = 86_400_000;
/** Rows outlive what is still accepted, so that no rid is accepted without its row. */
const PURGE_MS = KEPT_MS + 3_600_000;
const MAX_AHEAD_MS = 300_000;
const MAX_KEPT_ANSWER = 65_536;

const CLAIM = {
  name: 'gateway_call_claim',
  text: `INSERT INTO gateway_call (subject, audience, rid, request_hash, receipt, state, created_at)
    VALUES ($1, $2, $3, $4, $5, 'running', $6) ON CONFLICT DO NOTHING RETURNING true AS claimed`,
};
const WHERE = 'WHERE subject = $1 AND audience = $2 AND rid = $3';
const FIND = {
  name: 'gateway_call_find',
  text: `SELECT request_hash, receipt, state, outcome, outcome_hash FROM gateway_call ${WHERE}`,
};
const FINISH = {
  name: 'gateway_call_finish',
  text: `UPDATE gateway_call SET state = 'done', receipt = $4, outcome = $5, outcome_hash = $6 ${WHERE}`,
};

/** Builds the journal over the tables of `GATEWAY_MIGRATIONS`. `now` is the moment by the clock of the database, in SQL. */
export function createCallJournal(sql: Sql, clock: Clock, now = 'now()'): CallJournal {
  const isSteady = createSteadiness(clock);
  const key = ({ subject, audience, rid }: CallName) => [subject, audience, rid] as const;
  return {
    async claim(name, requestHash, receipt) {
      assertRecent(name.rid, clock.now());
      const values = [...key(name), requestHash, receipt, new Date(clock.now())];
      if ((await sql.query(CLAIM, values)).length > 0) return undefined;
      const [row] = await sql.query<Row>(FIND, key(name));
      if (row === undefined) throw new TrustError('UNAVAILABLE', 'the first try is just being given up');
      return keptAnswer(row, requestHash);
    },
    release: async (name) => {
      await sql.query(`DELETE FROM gateway_call ${WHERE} AND state = 'running'`, key(name));
    },
    finish: async (name, receipt, answer, answerHash) => {
      const text = answer === undefined ? undefined : JSON.stringify(answer);
      const kept = text !== undefined && Buffer.byteLength(text) <= MAX_KEPT_ANSWER ? text : null;
      await sql.query(FINISH, [...key(name), receipt, kept, answerHash]);
    },
    purge: async () => {
      if (!isSteady()) return;
      const before = new Date(clock.now() - PURGE_MS);
      await sql.query(
        `DELETE FROM gateway_call WHERE created_at < least($1, ${now} - $2 * interval '1 millisecond')`,
        [before, PURGE_MS],
      );
    },
  };
}

/** A rid carries its time: one older than its row would live is never taken for a new call. */
function assertRecent(rid: string, now: number): void {
  const age = isUuidv7(rid) ? now - uuidv7Time(rid) : Number.NaN;
  if (age < KEPT_MS && age > -MAX_AHEAD_MS) return;
  throw new TrustError('REPLAY', 'the time in the rid is not within the last 24 hours', {
    hint: 'make a new rid (UUIDv7) for a new call, and check the clock of the client',
  });
}

function keptAnswer(row: Row, requestHash: string): KeptAnswer {
  if (row.request_hash !== requestHash) {
    throw new TrustError('REPLAY', 'the rid was used for another request', {
      hint: 'make a new rid (UUIDv7) for each call; keep it only when the same call is tried again',
    });
  }
  if (row.state === 'running') throw new TrustError('IN_PROGRESS', 'the call with this rid was not finished');
  if (row.outcome !== null) {
    return { receipt: row.receipt, answer: parseJsonObject(row.outcome, { floats: true }) };
  }
  throw new TrustError('REPLAY', 'the call was done; its answer was too large to be kept', {
    hint: `it was not done again; the SHA-256 of its answer is ${row.outcome_hash ?? 'not known'}`,
  });
}
