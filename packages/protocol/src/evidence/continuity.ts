import type { AuditEvent } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { notProven } from './not-proven.js';

/** Checks that nothing is missing between the events it is shown, in the order of the log. */
export interface Continuity {
  /** @throws {TrustError} PROOF_NOT_PROVEN */
  follow(event: AuditEvent, hash: string): void;
}

interface Last {
  readonly eseq: number;
  readonly hash: string;
  readonly time: number;
}

/** Clocks are set back a little now and then; more than this is a log that was put together later. */
const BACKWARDS_MS = 5_000;

/** Follows every emitter's numbers and hashes, and every subject's numbers (AUD-21). If the events start with the
 *  log's first, every count must start with 1. */
export function createContinuity(fromStart: boolean): Continuity {
  const emitters = new Map<string, Last>();
  const subjects = new Map<string, number>();
  return {
    follow: (event, hash) => {
      const time = parseTime(event.time);
      followEmitter(event, emitters.get(event.emitter), time, fromStart);
      emitters.set(event.emitter, { eseq: event.eseq, hash, time });
      if (event.principal === null) return;
      const { sub, pseq } = event.principal;
      const next = (subjects.get(sub) ?? (fromStart ? 0 : pseq - 1)) + 1;
      if (pseq !== next) throw notProven('pseq', `event ${pseq} of ${sub} stands where ${next} should`);
      subjects.set(sub, pseq);
    },
  };
}

function followEmitter(event: AuditEvent, last: Last | undefined, time: number, fromStart: boolean): void {
  if (last === undefined) {
    if (fromStart && event.eseq !== 1)
      throw notProven('eseq', `the first event of ${event.emitter} is not its number 1`);
    if ((event.eseq === 1) !== (event.prev === null))
      throw notProven('prev', "exactly an emitter's first event has no previous one");
    return;
  }
  if (event.eseq !== last.eseq + 1)
    throw notProven('eseq', `event ${event.eseq} of ${event.emitter} follows ${last.eseq}`);
  if (event.prev !== last.hash)
    throw notProven('prev', "the hash of the emitter's previous event is another");
  if (time < last.time - BACKWARDS_MS) throw notProven('time', "the emitter's times run backwards");
}
