import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, decision, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
const open: Audit[] = [];

beforeAll(async () => {
  world = await openAuditWorld();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});
afterAll(() => world?.close());

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of parts) text += part;
  return text;
}

// AUD-63, AUD-116
describe('what is disclosed of an event', () => {
  it.each([
    ['says something else', `replace(disclosures, 'method:read', 'method:wipe')`],
    ['is of another member', `replace(disclosures, '/items', '/refusal')`],
    ['is no JSON', `'x'`],
  ])('is told to nobody once the database %s', async (_, change) => {
    const audit = createAudit(auditDeps(world.sql, await world.fresh()));
    open.push(audit);
    await audit.start();
    const draft = decision();
    const { index } = (await audit.record(draft))!;
    await audit.reach(index + 1, 30_000);
    const receipt = `rcp_${draft.id.slice(4)}`;
    expect((await audit.receipt(receipt)).disclosures).toHaveLength(1);
    await world.sql.query(`UPDATE audit_event SET disclosures = ${change} WHERE idx = $1`, [index]);
    const reason = expect.stringContaining(`what is disclosed of event ${index} is not`);
    const damaged = { code: 'LOG_CORRUPT', data: { reason } };
    await expect(audit.receipt(receipt)).rejects.toMatchObject(damaged);
    await expect(audit.event(draft.id)).rejects.toMatchObject(damaged);
    await expect(audit.events({ limit: 10 })).rejects.toMatchObject(damaged);
    await expect(audit.findRequest(draft.members.request)).rejects.toMatchObject(damaged);
    await expect(audit.bundle().then(textOf)).rejects.toMatchObject(damaged);
    await expect(textOf(audit.disclosures(0))).rejects.toMatchObject(damaged);
  });
});
