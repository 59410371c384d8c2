import type { CallName } from '../store.js';

/** A rid under which a call was dispatched whose target had no answer: the last call that is dispatched under it keeps its answer
 *  for whoever tries again (SES-10). */
export interface Handover {
  readonly name: CallName;
  /** Settles, and never rejects, once it is known whether another call was dispatched under the rid. */
  readonly isTaken: Promise<boolean>;
  /** Another one is dispatched. */
  take(): void;
  /** No other is any more. After `take` it changes nothing. */
  end(): void;
}

export function createHandover(name: CallName): Handover {
  let tell: (isTaken: boolean) => void = () => undefined;
  const isTaken = new Promise<boolean>((resolve) => {
    tell = resolve;
  });
  return { name, isTaken, take: () => tell(true), end: () => tell(false) };
}
