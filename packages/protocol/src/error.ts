import { type Finding, PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';

/** Facts about a refusal that are safe to show to the caller: which link (0 = trust anchor, 1 = root link, ...),
 *  which caveat of it, which item of the call, and what would help. */
export interface TrustErrorData {
  readonly link?: number;
  readonly caveat?: string;
  readonly item?: string;
  readonly hint?: string;
  readonly reason?: string;
  /** All ways in which a link would exceed what stands above it. */
  readonly findings?: readonly Finding[];
}

/** Thrown when untrusted input is refused: a closed `code` from the error table, never a stack for the caller.
 *  A caller's own bug is a `TypeError` or `RangeError` instead. */
export class TrustError extends Error {
  readonly code: ProblemCode;
  readonly data: TrustErrorData;

  constructor(code: ProblemCode, reason: string, data: TrustErrorData = {}, cause?: unknown) {
    super(`${PROBLEMS[code].title}: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'TrustError';
    this.code = code;
    this.data = { reason, ...data };
  }
}

/** True if `error` is a TrustError, also one of another copy of this package. */
export function isTrustError(error: unknown): error is TrustError {
  return (
    error instanceof Error &&
    error.name === 'TrustError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    Object.hasOwn(PROBLEMS, error.code)
  );
}

/** The error every parser of this package throws: code MALFORMED, with a reason that repeats no input. */
export function malformed(reason: string, cause?: unknown): TrustError {
  return new TrustError('MALFORMED', reason, {}, cause);
}
