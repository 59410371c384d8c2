import { setTimeout as sleep } from 'node:timers/promises';
import { createIdentity } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { callOnce } from '../support/mcp-clients.js';
import { journalLines, operateOn, useNodes } from '../support/nodes.js';
import { wholeLog } from '../support/own-platforms.js';
import type { RolesProcess } from '../support/platform-process.js';
import { castOf, crypto, type Operator, seconds } from '../support/world.js';

const { startThree } = useNodes();

const ODD = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];

/** Stops a process where it is, so that it answers nothing and notices nothing, until it is told to go on. */
function freeze({ pid }: RolesProcess): () => void {
  process.kill(pid, 'SIGSTOP');
  return () => void process.kill(pid, 'SIGCONT');
}

const waiting = async (place: Awaited<ReturnType<typeof startThree>>['place']): Promise<number> =>
  (await place.database.sql.query('SELECT 1 FROM kernel_outbox')).length;

const issue = ({ kernel, ready }: Operator) =>
  kernel.issueCapability({
    sub: createIdentity({ crypto }).did,
    aud: [ready.gatewayDid],
    grants: ODD,
    exp: seconds() + 3600,
  });

// AUD-87
describe('a node that is killed between a change and its event', { timeout: 180_000 }, () => {
  it('leaves the event to the others: it is in the log, once, when that takes events again', async () => {
    const { place, audit, a, b, operator } = await startThree();
    const goOn = freeze(audit);
    // The log has said a moment ago that it takes events: the change is made, and its event waits.
    const changes = [issue(operator), issue(operator), operator.kernel.revoke({ lid: 'A'.repeat(43) })];
    for (const change of changes) change.catch(() => undefined);
    await expect.poll(() => waiting(place), { interval: 20, timeout: 4_000 }).toBe(3);
    await a.end('SIGKILL');
    expect(await waiting(place)).toBe(3);
    goOn();
    const left = await operateOn(b, audit);
    await expect.poll(() => waiting(place), { timeout: 60_000 }).toBe(0);
    const { events } = await wholeLog(left);
    const told = events.filter(({ type }) => ['capability.issued', 'revocation'].includes(type));
    expect(told.map(({ type }) => type).sort()).toEqual([
      'capability.issued',
      'capability.issued',
      'revocation',
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(3);
  });

  it('leaves it also when the log took it, and was killed before it said so', async () => {
    const { place, audit, a, b, operator } = await startThree();
    await issue(operator);
    const { events } = await wholeLog(operator);
    const [issued] = events.filter(({ type }) => type === 'capability.issued').slice(-1);
    // What a kill before the removal leaves: the row of an event that the log has.
    const { type, id, tenant, cth, lid, actor } = issued as Extract<
      (typeof events)[number],
      { type: 'capability.issued' }
    >;
    const draft = { id, type, tenant, principal: null, members: { cth, lid, actor }, disclosures: [] };
    await place.database.sql.query('INSERT INTO kernel_outbox (id, drafts, kept_at) VALUES ($1, $2, 0)', [
      id,
      JSON.stringify([draft]),
    ]);
    await a.end('SIGKILL');
    const left = await operateOn(b, audit);
    await expect.poll(() => waiting(place), { timeout: 60_000 }).toBe(0);
    const after = (await wholeLog(left)).events.filter((event) => event.id === id);
    expect(after).toEqual([issued]);
  });
});

// AUD-25, AUD-87
describe('while the process that writes the log is stopped', { timeout: 180_000 }, () => {
  it('no call is made and nothing is changed; all that was answered is in the log when it goes on', async () => {
    const { place, audit, a, operator } = await startThree();
    const cast = await castOf(operator, { docs: '/' }, { grants: ODD });
    const credential = { identity: cast.agent, chain: cast.agentChain };
    const gateway = a.ready.gateway ?? '';
    const note = (text: string) => callOnce(gateway, credential, 'odd__note', { text });
    expect((await note('before')).denial).toBeUndefined();
    const goOn = freeze(audit);
    // Longer than a node believes what it heard last.
    await sleep(6_000);
    const calls = await Promise.all(
      Array.from({ length: 40 }, (_, n) => note(`never ${n}`).catch(() => 'no answer' as const)),
    );
    for (const outcome of calls)
      if (outcome !== 'no answer') expect(outcome.denial?.code).toBe('UNAVAILABLE');
    await expect(issue(operator)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await waiting(place)).toBe(0);
    expect(journalLines(place, 'note')).toHaveLength(1);
    goOn();
    await expect
      .poll(async () => (await note('after').catch(() => undefined))?.denial === undefined, {
        timeout: 60_000,
      })
      .toBe(true);
    await expect
      .poll(() => journalLines(place, 'note {"text":"after"').length, { timeout: 30_000 })
      .toBeGreaterThan(0);
    const { events } = await wholeLog(operator);
    const allowed = events.filter((event) => event.type === 'decision' && event.effect === 'allow');
    expect(allowed.length).toBe(journalLines(place, 'note').length);
  });
});

describe('several nodes that go on after the log was away', { timeout: 180_000 }, () => {
  it('share what waits, and none of it is in the log twice', async () => {
    const { place, audit, b } = await startThree();
    const rows = Array.from({ length: 200 }, () => {
      const id = `evt_${uuid()}`;
      const members = { lid: 'A'.repeat(43), by: 'administrator', revocation: null, chain_hash: null };
      return { id, type: 'revocation', tenant: 'default', principal: null, members, disclosures: [] };
    });
    await place.database.sql.query(
      'INSERT INTO kernel_outbox (id, drafts, kept_at) SELECT id, drafts, 0 FROM unnest($1::text[], $2::text[]) AS r(id, drafts)',
      [rows.map(({ id }) => id), rows.map((row) => JSON.stringify([row]))],
    );
    await expect.poll(() => waiting(place), { timeout: 60_000 }).toBe(0);
    const left = await operateOn(b, audit);
    const told = (await wholeLog(left)).events
      .filter(({ type }) => type === 'revocation')
      .map(({ id }) => id);
    expect(told.sort()).toEqual(rows.map(({ id }) => id).sort());
  });
});

function uuid(): string {
  const random = globalThis.crypto.randomUUID();
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
