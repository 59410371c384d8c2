import type { Sql } from '../../../platform/sql.js';
import { append } from '../../append.js';
import { buildBatch } from '../../batch.js';
import { AUDIT_LIMITS, type AuditDeps } from '../../deps.js';
import type { AuditDraft } from '../../draft.js';
import { createFinisher } from '../../finished-event.js';
import { createMemory } from '../../known.js';
import { takeLead } from '../../lead.js';
import { createPartitions } from '../../partitions.js';

/** Events of one statement: more than a platform writes at a time, so that a million of them take minutes. */
const BATCH = 2_000;

export interface Filling {
  readonly sql: Sql;
  readonly deps: AuditDeps;
  readonly vkey: string;
}

/** Fills the tables of a log with drafts, by the code by which the room writes them: checked, numbered, found by the
 *  same facets. Only tiles and checkpoints are left out, which nobody reads who asks for events. `next` gives drafts until
 *  there are none; `timeOf` the time of the event at an index. */
export async function fillLog(
  { sql, deps, vkey }: Filling,
  next: () => readonly AuditDraft[],
  timeOf: (index: number) => number,
): Promise<void> {
  const { clock, crypto, origin, emitter, tenant } = deps;
  const identity = { origin, vkey, emitter, tenant };
  const lead = await takeLead({ sql, clock, identity, start: true, waitMs: 0 });
  const memory = createMemory(crypto);
  const finish = createFinisher({ ...deps, sourceOf: () => 'ab'.repeat(16) });
  const partitions = createPartitions(sql, AUDIT_LIMITS.partition, deps.log);
  let tip = { epoch: lead.head.epoch, size: lead.head.size, emitter: lead.head.emitter };
  try {
    for (let drafts = next(); drafts.length > 0; drafts = next()) {
      for (let at = 0; at < drafts.length; at += BATCH) {
        const some = drafts.slice(at, at + BATCH);
        let index = tip.size;
        const known = await memory.read(lead, some, false);
        const batch = buildBatch(some, tip, known, { finish, timeOf: () => timeOf(index++) });
        const fault = batch.settled.find((end) => 'fault' in end);
        if (fault !== undefined) throw fault.fault;
        await partitions.makeRoom(batch.size + batch.events.length);
        const places = await memory.place(lead, batch);
        await append(lead.session, { ...batch, ...places }, emitter);
        memory.learn(batch, places.newFacets);
        tip = { ...tip, size: batch.size + batch.events.length, emitter: batch.emitter };
      }
    }
  } finally {
    await lead.close();
  }
}
