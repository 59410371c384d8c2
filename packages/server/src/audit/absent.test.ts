import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DAY, iso, openGrownLog } from './pruning/testing/old-log.js';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, decision, newUuid, openAuditWorld, outcome } from './testing/room.js';

let world: AuditWorld;
const open: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});
afterAll(() => world?.close());

/** A log of three calls, each with its outcome, from index 1 on; index 3 or 4 is of the second. */
async function called() {
  const audit: Audit = createAudit(auditDeps(world.sql, await world.fresh()));
  open.push(audit);
  await audit.start();
  const drafts = Array.from({ length: 3 }, () => decision());
  for (const draft of drafts) {
    await audit.record(draft);
    await audit.record(outcome(draft));
  }
  await audit.reach(7, 30_000);
  const [, draft] = drafts as [unknown, ReturnType<typeof decision>];
  const { index } = await audit.event(draft.id);
  return { audit, draft, index, uuid: draft.id.slice(4) };
}

const lost = { code: 'LOG_CORRUPT', data: { reason: expect.stringContaining('the database has no event') } };

describe('a row that the database lost (AUD-116)', () => {
  it('is no row that was pruned, and none that never was', async () => {
    const { audit, draft, index, uuid } = await called();
    await world.sql.query('DELETE FROM audit_event WHERE idx = $1', [index]);
    await expect(audit.receipt(`rcp_${uuid}`)).rejects.toMatchObject(lost);
    await expect(audit.event(String(index))).rejects.toMatchObject(lost);
    await expect(audit.event(draft.id)).rejects.toMatchObject(lost);
    await expect(audit.findRequest(draft.members.request)).rejects.toMatchObject(lost);
    await expect(audit.events({ limit: 10 })).rejects.toMatchObject(lost);
    // Of others nothing is missing.
    expect(await audit.findRequest(`req_${newUuid()}`)).toBeUndefined();
    await expect(audit.receipt(`rcp_${newUuid()}`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(audit.event('7')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is found in the tiles where what finds it was removed as well', async () => {
    const { audit, draft, index, uuid } = await called();
    await world.sql.query('DELETE FROM audit_id WHERE idx = $1', [index]);
    const hidden = { code: 'LOG_CORRUPT', data: { reason: expect.stringContaining('does not find event') } };
    await expect(audit.receipt(`rcp_${uuid}`)).rejects.toMatchObject(hidden);
    await world.sql.query('DELETE FROM audit_event WHERE idx = $1', [index]);
    await expect(audit.receipt(`rcp_${uuid}`)).rejects.toMatchObject(lost);
    await expect(audit.event(draft.id)).rejects.toMatchObject(lost);
  });

  it('is missed as the outcome of a call, too', async () => {
    const { audit, draft } = await called();
    await world.sql.query(
      'DELETE FROM audit_event WHERE idx = (SELECT idx FROM audit_outcome WHERE decision = $1)',
      [draft.id.slice(4)],
    );
    await expect(audit.findRequest(draft.members.request)).rejects.toMatchObject(lost);
  });

  it('may be any one while it is in no tile that was signed', async () => {
    const { audit, index } = await called();
    const unknown = `rcp_${newUuid()}`;
    await world.sql.query('UPDATE audit_log SET size = 8');
    await world.sql.query(
      'INSERT INTO audit_index (idx, time_ms, facet) SELECT 7, time_ms, facet FROM audit_index WHERE idx = 6',
    );
    await expect(audit.receipt(unknown)).rejects.toMatchObject(lost);
    await world.sql.query('UPDATE audit_log SET size = 7');
    await expect(audit.receipt(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await world.sql.query('DELETE FROM audit_event WHERE idx = $1', [index]);
    await expect(audit.receipt(unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('what was pruned (AUD-115, AUD-116)', () => {
  it('is so by a record that is proven, not by the word of the database', async () => {
    const { log } = await openGrownLog(world);
    open.push(log);
    const [row] = await world.sql.query<{ id: string }>('SELECT id FROM audit_event WHERE idx = 9');
    const asked = [
      () => log.audit.receipt(`rcp_${row?.id}`),
      () => log.audit.event('9'),
      () => log.audit.event(`evt_${row?.id}`),
      () => log.audit.tile({ level: 'entries', index: 0, width: 256 }),
    ];
    await world.sql.query('UPDATE audit_log SET pruned = 512; DELETE FROM audit_event WHERE idx < 512');
    const reason =
      'the database has bodies of events below 512 as pruned, the log has on record those below 0';
    for (const ask of asked)
      await expect(ask()).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { reason } });
  });

  it('is said to be, below the boundary and not above', async () => {
    const { log } = await openGrownLog(world);
    open.push(log);
    const [row] = await world.sql.query<{ id: string }>('SELECT id FROM audit_event WHERE idx = 9');
    await log.prune(iso(log.now() - 2 * DAY));
    const asked = [
      () => log.audit.receipt(`rcp_${row?.id}`),
      () => log.audit.event('9'),
      () => log.audit.tile({ level: 'entries', index: 0, width: 256 }),
    ];
    for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'PRUNED' });
    await world.sql.query('DELETE FROM audit_event WHERE idx = 600');
    await expect(log.audit.event('600')).rejects.toMatchObject(lost);
    await world.sql.query('UPDATE audit_log SET pruned = 768');
    await expect(log.audit.event('600')).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
      data: { reason: expect.stringContaining('below 768 as pruned, the log has on record those below 512') },
    });
  });
});
