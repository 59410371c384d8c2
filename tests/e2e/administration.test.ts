import { createSigner } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { wholeLog } from '../support/own-platforms.js';
import { openTerminal } from '../support/terminal.js';
import { castOf, crypto as nodeCrypto, openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

/** One command line against the platform, and its answer as JSON. */
async function talos(...argv: string[]) {
  const { io, out } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const code = await run([...argv, '--json'], io);
  return { code, answer: JSON.parse(out()) };
}

const eventsOf = async (type: string) => {
  const { events } = await world.audit.events({ limit: 500 });
  return events.filter(({ event }) => event.type === type);
};
const actorOf = ({ disclosures }: Awaited<ReturnType<typeof eventsOf>>[number]) =>
  disclosures.find(({ pointer }) => pointer === '/actor')?.value;
const ADMIN = { kind: 'service', id: expect.stringMatching(/^svc_/), how: 'key' };

// AUD-4, RBAC-10
describe('what an administrator does', () => {
  it('stands in the log with who did it: a reload, an issue, a revocation; and the log verifies', async () => {
    const { code, answer } = await talos('policy', 'reload', '--gateway', world.ready.gateway);
    expect([code, answer.policy]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    await castOf(world, { docs: '/' });
    const signer = createSigner(crypto.getRandomValues(new Uint8Array(32)), nodeCrypto);
    await world.kernel.registerSigner(signer, { kind: 'agent', name: 'reader' });
    await world.kernel.revoke({ lid: `${'f'.repeat(42)}A` });
    for (const type of ['policy.loaded', 'capability.issued', 'identity.registered', 'revocation']) {
      const [event] = await eventsOf(type);
      expect([type, event && actorOf(event)]).toEqual([type, ADMIN]);
    }
    await wholeLog(world);
  });

  it('lists the nodes', async () => {
    const { code, answer } = await talos('nodes', '--kernel', world.ready.kernel);
    expect(code).toBe(0);
    expect(answer.nodes).toMatchObject([{ node: answer.self, live: true }]);
  });
});

describe('whoever is refused on the admin surface', () => {
  it('stands in the log, and talos why tells what was asked', async () => {
    const refused = await fetch(`${world.ready.kernel}/talos/v1/identities`);
    expect(refused.status).toBe(401);
    const { request_id: id } = (await refused.json()) as { request_id: string };
    expect((await talos('why', id, '--kernel', world.ready.kernel)).answer).toMatchObject({
      effect: 'deny',
      code: 'UNAUTHENTICATED',
      record: { decision: { surface: 'admin', action: { method: 'admin/identity:read' } } },
    });
    await wholeLog(world);
  });

  it('and so does what was let in and asked for too much, or was said by a stranger', async () => {
    const { audit, kernel } = world.ready;
    const post = async (path: string, body: object, headers: Record<string, string> = {}, at = kernel) => {
      const answer = await fetch(`${at}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      return (await answer.json()) as { readonly code: string; readonly request_id: string };
    };
    const stranger = createSigner(crypto.getRandomValues(new Uint8Array(32)), nodeCrypto);
    const issue = {
      sub: stranger.did,
      aud: [stranger.did],
      exp: 1,
      grants: [{ scope: 'tool:files', ops: ['read'] }],
    };
    const admin = { authorization: `Bearer ${world.adminToken}` };
    const refusals = [
      [await post('/talos/v1/capabilities', issue, admin), 'admin/capability:issue'],
      [await post('/talos/v1/revocations', { revocation: 'a.b.c' }), 'admin/capability:revoke'],
      [await post('/talos/v1/erasures', { everything: true }, admin, audit), 'admin/audit:erase'],
      [await post('/talos/v1/rbac/bootstrap', { token: `tal_boot_${'A'.repeat(43)}` }), 'admin/none'],
    ] as const;
    for (const [{ code, request_id: id }, method] of refusals) {
      const { answer } = await talos('why', id, '--kernel', world.ready.kernel);
      expect(answer).toMatchObject({ effect: 'deny', code, record: { decision: { action: { method } } } });
      expect(answer.caveat).toMatch(/.+/);
      expect(answer.hint).toMatch(/.+/);
    }
    await wholeLog(world);
  });
});
