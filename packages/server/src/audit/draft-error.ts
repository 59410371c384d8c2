import type { ProblemCode } from '@talosprotocol/contracts';

/** Why the log does not take an event: its form, its size, what it claims of others, or an id that another has. */
export type DraftFault = Extract<ProblemCode, 'MALFORMED' | 'TOO_LARGE' | 'FORBIDDEN' | 'CONFLICT'>;

/** A draft that would not verify, or says what it must not: a fault of whoever handed it in, and none of its caller's. */
export class DraftError extends TypeError {
  readonly code: DraftFault;
  constructor(code: DraftFault, reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = 'DraftError';
    this.code = code;
  }
}
