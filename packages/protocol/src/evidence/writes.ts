import type { DecisionEvent } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { notProven } from './not-proven.js';

/** The writes a bundle shows as dispatched. */
export interface Writes {
  /** @throws {TrustError} PROOF_NOT_PROVEN: the same logical call twice */
  dispatch(event: DecisionEvent): void;
}

/** A write is dispatched once per `rid` within 24 h (SES-10). */
const KEPT_MS = 86_400_000;

export function createWrites(): Writes {
  const last = new Map<string, number>();
  return {
    dispatch: ({ action, credential, emitter, principal, time }) => {
      if (action.op !== 'write' || credential.rid === undefined) return;
      const key = `${principal?.sub} ${emitter} ${action.server} ${credential.rid}`;
      const now = parseTime(time);
      if (now - (last.get(key) ?? Number.NEGATIVE_INFINITY) < KEPT_MS)
        throw notProven('decision', 'a write was dispatched twice under one rid');
      last.set(key, now);
    },
  };
}
