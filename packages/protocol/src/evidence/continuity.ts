import type { AuditEvent } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { BACKWARDS_MS } from './backwards.js';
import { notProven } from './not-proven.js';

/** Checks that nothing is missing between the events it is shown, in the order of the log, but the entries that are
 *  not shown. */
export interface Continuity {
  /** `index` is the entry's place in the log. @throws {TrustError} PROOF_NOT_PROVEN */
  follow(event: AuditEvent, hash: string, index: number): void;
}

interface Last {
  readonly eseq: number;
  readonly hash: string;
  /** Of its latest event: in small steps back a log would else go back as far as it likes. */
  readonly time: number;
  readonly hidden: number;
}

/** Follows every emitter's numbers and hashes, and every subject's numbers (AUD-21). A number may be missing only where
 *  an entry is: without one between two events of a subject the second has the next number, and without one before
 *  its first event that has number 1. */
export function createContinuity(): Continuity {
  const emitters = new Map<string, Last>();
  const subjects = new Map<string, { readonly pseq: number; readonly hidden: number }>();
  let shown = 0;
  return {
    follow: (event, hash, index) => {
      const hidden = index - shown;
      shown += 1;
      const time = parseTime(event.time);
      const last = emitters.get(event.emitter);
      followEmitter(event, last, time, hidden);
      const latest = Math.max(time, last?.time ?? time);
      emitters.set(event.emitter, { eseq: event.eseq, hash, time: latest, hidden });
      if (event.principal === null) return;
      const { sub, pseq } = event.principal;
      const before = subjects.get(sub) ?? { pseq: 0, hidden: 0 };
      if (!mayFollow(pseq, before.pseq, hidden - before.hidden))
        throw notProven('pseq', `event ${pseq} of ${sub} stands where ${before.pseq + 1} should`);
      subjects.set(sub, { pseq, hidden });
    },
  };
}

/** Whether a number comes next, at most as many further as there are entries between that are not shown. */
function mayFollow(number: number, last: number, between: number): boolean {
  return number > last && number <= last + 1 + between;
}

function followEmitter(event: AuditEvent, last: Last | undefined, time: number, hidden: number): void {
  const { eseq, prev, emitter } = event;
  if (!mayFollow(eseq, last?.eseq ?? 0, hidden - (last?.hidden ?? 0))) {
    const where = last === undefined ? 'is the first' : `follows ${last.eseq}`;
    throw notProven('eseq', `event ${eseq} of ${emitter} ${where}`);
  }
  if ((eseq === 1) !== (prev === null))
    throw notProven('prev', "exactly an emitter's first event has no previous one");
  if (last === undefined) return;
  if (eseq === last.eseq + 1 && prev !== last.hash)
    throw notProven('prev', "the hash of the emitter's previous event is another");
  if (time < last.time - BACKWARDS_MS) throw notProven('time', "the emitter's times run backwards");
}
