import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { attenuate, createSigner } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { openSession, REQUEST, takeSession } from '../testing/agent.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from '../testing/kernel-world.js';
import { createLiveChains } from './live-chains.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
});
afterEach(() => world?.close());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Twice, with a turn of the loop between: what a finalizer lets go is collected too. */
async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

/** In a scope of its own: what it verified is held by nobody but the platform. */
async function openDelegated(sessions: number) {
  const { agent, chain, issuing } = issueTo(world, { dlg: 1 });
  const worker = createSigner(random(32), crypto);
  const longer = attenuate(chain, { sub: worker.did, grants: GRANTS, exp: 'same' }, agent, issuing);
  const opened = [];
  for (let count = 0; count < sessions; count += 1) {
    const held = { agent: worker, chain: longer };
    opened.push(takeSession(world, worker, longer, await openSession(world, held)));
  }
  return { opened, below: agent.did, point: chain.leaf.lid };
}

// The chains of sessions are held weakly where rules look for them (REV-2): the sessions must hold them.
describe('a rule below a DID, after the garbage was collected', () => {
  it('ends every session that hangs on the chain, the first and those that share its terms', async () => {
    const { opened, below, point } = await openDelegated(3);
    const { peekSession, authenticateSession } = world.kernel.credentials;
    await collectGarbage();
    for (const session of opened) authenticateSession(session.sign(REQUEST), REQUEST);
    await collectGarbage();
    await world.post('/talos/v1/revocations', { below, as: 'subject', point }, world.admin);
    for (const session of opened) expect(() => peekSession(session.sign(REQUEST))).toThrow();
  });

  it('ends the session that is left when the first of its chain has been closed', async () => {
    const { opened, below, point } = await openDelegated(2);
    const [first, second] = opened;
    const authorization = first!.sign({
      method: 'DELETE',
      target: `/talos/v1/sessions/${first!.sid}`,
      headers: {},
      body: new Uint8Array(),
    });
    const closed = await fetch(`${world.listener.url}/talos/v1/sessions/${first!.sid}`, {
      method: 'DELETE',
      headers: { authorization },
    });
    expect(closed.status).toBe(204);
    await collectGarbage();
    await world.post('/talos/v1/revocations', { below, as: 'subject', point }, world.admin);
    expect(() => world.kernel.credentials.peekSession(second!.sign(REQUEST))).toThrow();
  });
});

describe('live chains', () => {
  it('are forgotten with whoever held them', async () => {
    const live = createLiveChains();
    const held = [{ lid: 'held' }] as never;
    live.add(held);
    (() => live.add([{ lid: 'dropped' }] as never))();
    await collectGarbage();
    expect([...live.find(() => true)]).toEqual(['held']);
    expect(held).toHaveLength(1);
  });
});
