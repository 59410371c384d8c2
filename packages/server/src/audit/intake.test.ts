import type { AuditBatch } from '@talosprotocol/contracts';
import { createUuidv7 } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clock, random } from '../platform/system.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { createIntake, type Intake } from './intake.js';
import { type Audit, createAudit } from './service.js';
import { type AuditWorld, auditDeps, type Changes, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
beforeAll(async () => {
  world = await openAuditWorld();
});
afterAll(() => world?.close());

async function open(changes: Changes = {}): Promise<{ audit: Audit; intake: Intake }> {
  const audit = createAudit(auditDeps(world.sql, await world.fresh(), changes));
  await audit.start();
  return { audit, intake: createIntake(audit, createTestLog()) };
}

const id = (): string => `evt_${createUuidv7(clock.now(), random(16))}`;
/** An event without private members. */
const revocation = (name = id()): AuditBatch['entries'][number] => ({
  draft: {
    id: name,
    type: 'revocation',
    tenant: 'default',
    principal: null,
    members: { lid: 'A'.repeat(43), by: 'administrator', revocation: null, chain_hash: null },
    disclosures: [],
  },
});

describe('events that nodes hand in (AUD-25)', () => {
  it('are durable in order, and each result says where', async () => {
    const { audit, intake } = await open();
    const entries = [revocation(), revocation(), revocation()];
    const { results, state } = await intake.take('2.1', { batch: 1, entries });
    const places = results.map((result) => ('event' in result ? result.event?.index : undefined));
    expect(places).toEqual([1, 2, 3]);
    expect(state).toEqual({ read: null, write: null, ready: true });
    await audit.stop();
  });

  it('are taken once: by the number of their batch, and by their ids when the process was started again', async () => {
    const { audit, intake } = await open();
    const batch = { batch: 1, entries: [revocation(), revocation()] };
    const [first, again] = await Promise.all([intake.take('2.1', batch), intake.take('2.1', batch)]);
    expect(again.results).toEqual(first.results);
    const restarted = createIntake(audit, createTestLog());
    expect((await restarted.take('2.1', batch)).results).toEqual(first.results);
    expect((await audit.stats()).sequenced).toBe(3);
    await audit.stop();
  });

  it('of a batch before the last one are refused; another node counts for itself', async () => {
    const { audit, intake } = await open();
    await intake.take('2.1', { batch: 5, entries: [revocation()] });
    const late = intake.take('2.1', { batch: 4, entries: [revocation()] });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    await intake.take('3.1', { batch: 1, entries: [revocation()] });
    await audit.stop();
  });

  it('are refused alone where they are not valid, and what only the log says is never taken', async () => {
    const { audit, intake } = await open();
    const foreign = { draft: { ...revocation().draft, tenant: 'other' } };
    const { results } = await intake.take('2.1', { batch: 1, entries: [foreign, revocation()] });
    expect(results).toMatchObject([{ error: { code: 'FORBIDDEN', unsure: false } }, { event: { index: 1 } }]);
    for (const type of ['log.opened', 'log.counted', 'denials', 'disclosures.erased']) {
      const draft = { ...revocation().draft, type };
      await expect(intake.take('2.1', { batch: 9, entries: [{ draft }] })).rejects.toMatchObject({
        code: 'MALFORMED',
      });
    }
    await audit.stop();
  });

  it('are refused with the same code as in one process when the log cannot take them', async () => {
    const { audit, intake } = await open();
    await audit.stop();
    const { results, state } = await intake.take('2.1', { batch: 1, entries: [revocation()] });
    expect(results).toMatchObject([{ error: { code: 'UNAVAILABLE', unsure: false } }]);
    expect(state).toMatchObject({
      read: { code: 'UNAVAILABLE' },
      write: { code: 'UNAVAILABLE' },
      ready: false,
    });
  });
});

describe('what a node owes (AUD-7)', () => {
  const owe = (node: string | null) =>
    world.sql.query('INSERT INTO audit_owed (decision, request, principal, node) VALUES ($1, $2, NULL, $3)', [
      createUuidv7(clock.now(), random(16)),
      createUuidv7(clock.now(), random(16)),
      node,
    ]);

  it('is looked for only of nodes that are gone, and at a start of the process itself', async () => {
    const { audit } = await open();
    await audit.stop();
    await owe('2.1');
    await owe('3.1');
    await owe(null);
    const { createAuditStore } = await import('./store.js');
    const store = createAuditStore(world.sql);
    expect(await store.owed(10, ['2.1'], false)).toHaveLength(1);
    expect(await store.owed(10, ['2.1'], true)).toHaveLength(2);
    expect(await store.owed(10, [], true)).toHaveLength(3);
  });
});
