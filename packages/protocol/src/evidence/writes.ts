import type { DecisionEvent } from '@talosprotocol/contracts';
import { parseTime } from '../encoding/time.js';
import { notProven } from './not-proven.js';

/** The writes a bundle shows as dispatched. */
export interface Writes {
  /** Notes an allowed decision; only writes with a `rid` count. Those of one `line` go on from one another and are one call, which
   *  may come to several providers.
   *  @throws {TrustError} PROOF_NOT_PROVEN: the same logical call twice */
  dispatch(event: DecisionEvent, line: string): void;
}

/** 24 h (SES-10) in milliseconds. */
const KEPT_MS = 86_400_000;

/** Follows writes, each known by its subject, gateway, tool server or model provider, and `rid`: none is dispatched twice
 *  within 24 h (SES-10). */
export function createWrites(): Writes {
  const last = new Map<string, { readonly time: number; readonly line: string }>();
  return {
    dispatch: ({ action, credential, emitter, principal, surface, time }, line) => {
      if (action.op !== 'write' || credential.rid === undefined) return;
      const target = surface === 'llm' ? action.provider : action.server;
      const key = `${principal?.sub} ${emitter} ${target} ${credential.rid}`;
      const now = parseTime(time);
      const before = last.get(key);
      if (before !== undefined && before.line !== line && now - before.time < KEPT_MS)
        throw notProven('decision', 'a write was dispatched twice under one rid');
      last.set(key, { time: now, line });
    },
  };
}
