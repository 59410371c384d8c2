import { isTrustError, TrustError } from '@talosprotocol/protocol';

/** A statement the database refused. Carries what code may branch on, never SQL text or values: a room turns the
 *  states it expects (a broken `constraint`) into its own TrustError; the rest is INTERNAL to callers. */
export class SqlError extends Error {
  /** SQLSTATE, as in appendix A of the PostgreSQL manual; `23505` is a broken unique constraint. */
  readonly state: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(state: string, constraint?: string, table?: string) {
    super(`the database refused a statement (SQLSTATE ${state}${constraint ? `, ${constraint}` : ''})`);
    this.name = 'SqlError';
    this.state = state;
    this.constraint = constraint;
    this.table = table;
  }
}

/** True if `error` says that a unique constraint (the one named, if given) is broken. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof SqlError &&
    error.state === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}

export function unavailable(reason: string, cause?: unknown): TrustError {
  return new TrustError('UNAVAILABLE', reason, {}, cause);
}

/** Turns what the driver throws into our errors. */
export function fromSqlError(error: unknown): Error {
  if (isTrustError(error) || error instanceof SqlError) return error;
  if (!(error instanceof Error)) return unavailable('the database failed');
  const state = sqlState(error);
  if (state === undefined) return fromDriverError(error);
  if (state === '53100') return new TrustError('DISK_FULL', 'the database has no room left');
  if (TRANSIENT.test(state)) return unavailable(`the database cannot serve this now (SQLSTATE ${state})`);
  const { constraint, table } = error as { constraint?: string; table?: string };
  return new SqlError(state, constraint, table);
}

/** Connection lost or refused (08), resources (53), shutting down or starting (57P), time limit (57014), and
 *  transactions that may be tried again (40001 serialization, 40P01 deadlock, 55P03 lock time limit). */
const TRANSIENT = /^(08...|53...|57P..|57014|40001|40P01|55P03)$/;

function sqlState(error: Error): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** Without a SQLSTATE it never came from the server: refused, timed out, cut. A programming error of ours (a
 *  value the driver cannot encode, an unsafe bigint) stays what it is. */
function fromDriverError(error: Error): Error {
  if (error instanceof RangeError || error instanceof TypeError) return error;
  return unavailable('the database cannot be reached', error);
}
