import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeSessionId, encodeSessionId } from '@talosprotocol/protocol';
import { createAgent, parseRefusal } from '@talosprotocol/sdk';
import { describe, expect, it } from 'vitest';
import { CLIENTS, callOnce, connect } from '../support/mcp-clients.js';
import { journalLines, openings, operateOn, useNodes } from '../support/nodes.js';
import { wholeLog } from '../support/own-platforms.js';
import type { RolesProcess } from '../support/platform-process.js';
import { rawRequest } from '../support/raw-http.js';
import { castOf, crypto, type Operator } from '../support/world.js';

const { newPlace, start, fail, startThree, balance } = useNodes();

const ODD = [{ scope: 'tool:odd', ops: ['read' as const, 'write' as const] }];
const agentOf = (operator: Operator) => castOf(operator, { docs: '/' }, { grants: ODD });
const gatewayOf = ({ ready }: RolesProcess): string => ready.gateway!;

interface Shot {
  readonly path: string;
  readonly init: RequestInit;
}

/** Signs requests of one session and sends none of them: what is done with each is the test's. */
async function sniper(gateway: string, cast: Awaited<ReturnType<typeof agentOf>>, tool = 'note') {
  const shots: Shot[] = [];
  let armed = false;
  const wire: typeof fetch = async (input, init = {}) => {
    if (!armed) return fetch(input, init);
    shots.push({ path: new URL(String(input)).pathname, init });
    return new Response('{}', { status: 200, headers: { 'content-type': 'application/json' } });
  };
  const agent = createAgent({
    identity: cast.agent,
    capability: cast.agentChain,
    gateway,
    fetch: wire,
    crypto,
  });
  const call = (text: string) =>
    agent.fetch(`${gateway}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: `odd__${tool}`, arguments: { text } },
      }),
    });
  await (await call('first')).arrayBuffer();
  armed = true;
  return async (text: string): Promise<Shot> => {
    await call(text);
    return shots.at(-1)!;
  };
}

const fire = (gateway: string, { path, init }: Shot) => fetch(`${gateway}${path}`, init);
const codeOf = async (response: Response): Promise<string | undefined> =>
  parseRefusal(new Uint8Array(await response.arrayBuffer()))?.code;

describe('several processes on one database (SES-18)', { timeout: 120_000 }, () => {
  it('are one platform: a session of one node is used on the other (SES-8), and all is in one log', async () => {
    const { place, audit, a, b, operator } = await startThree();
    expect(a.ready.node).not.toBe(b.ready.node);
    expect(a.ready.audit).toBeUndefined();
    expect(audit.ready.gateway).toBeUndefined();
    const cast = await agentOf(operator);
    const gateway = await balance([gatewayOf(a), gatewayOf(b)]);
    for (const kind of Object.keys(CLIENTS)) {
      const credential = { identity: cast.agent, chain: cast.agentChain };
      const caller = await connect(gateway, credential, kind);
      for (let n = 0; n < 6; n += 1) {
        expect(await caller.call('odd__note', { text: `${n}` })).toEqual({ text: `noted ${n}` });
      }
      await caller.close();
    }
    expect(journalLines(place, 'note ')).toHaveLength(18);
    // Each node tried its gate with two calls that must be refused.
    await expect
      .poll(async () => (await wholeLog(operator)).report)
      .toMatchObject({ counts: { allowed: 18, denied: 4, outcomes: 18 }, emitters: [a.ready.gatewayDid] });
    const { events } = await wholeLog(operator);
    expect(events.filter(({ type }) => type === 'session.opened')).toHaveLength(3);
  });

  it('list each other', async () => {
    const { operator, a } = await startThree();
    const response = await fetch(`${a.ready.kernel}/talos/v1/nodes`, {
      headers: { authorization: `Bearer ${operator.adminToken}` },
    });
    const { self, nodes } = (await response.json()) as {
      self: number;
      nodes: { live: boolean; services: string[] }[];
    };
    expect(self).toBe(a.ready.node);
    expect(nodes.map(({ live, services }) => [live, ...services])).toEqual([
      [true, 'audit'],
      [true, 'kernel', 'gateway'],
      [true, 'kernel', 'gateway'],
    ]);
    expect((await fetch(`${a.ready.kernel}/talos/v1/nodes`)).status).toBe(401);
  });

  it('go on when the node of a session is killed: the client opens another, each write is done once', async () => {
    const { place, a, b, operator } = await startThree();
    const cast = await agentOf(operator);
    const gateway = await balance([gatewayOf(a), gatewayOf(b)]);
    const caller = await connect(gateway, { identity: cast.agent, chain: cast.agentChain });
    await caller.call('odd__note', { text: 'before' });
    const sid = /sid=(\S+),/.exec(new Headers(caller.last().init.headers).get('authorization')!)![1]!;
    const owner = decodeSessionId(sid).node === a.ready.node ? a : b;
    await owner.end('SIGKILL');
    for (let n = 0; n < 5; n += 1) {
      expect(await caller.call('odd__note', { text: `after ${n}` })).toEqual({ text: `noted after ${n}` });
    }
    await caller.close();
    const notes = journalLines(place, 'note ');
    expect(new Set(notes).size).toBe(notes.length);
    expect(notes).toHaveLength(6);
  });

  it('is refused as a whole without an audit process, and with two', async () => {
    const place = await newPlace();
    const alone = await fail(place, 'kernel,gateway');
    expect(alone.error).toMatchObject({ code: 'UNAVAILABLE', hint: expect.stringContaining('server audit') });
    await start(place, 'all');
    const second = await fail({ ...place, data: `${place.data}-2` }, 'all');
    expect(second.error).toMatchObject({ code: 'SETTINGS_INVALID', hint: expect.stringContaining('keys') });
  });

  it('has one process that is everything: a second one says so, whether it shares the folder or has a copy of the keys', async () => {
    const place = await newPlace();
    const first = await start(place, 'all');
    const sameFolder = await fail(place, 'all');
    expect(sameFolder.error).toMatchObject({ code: 'CONFLICT', hint: expect.stringMatching(/.+/) });
    expect(sameFolder.end).toEqual({ code: 1, signal: null });
    const copy = `${place.data}-copy`;
    cpSync(join(place.data, 'keys'), join(copy, 'keys'), { recursive: true });
    const second = await fail({ ...place, data: copy }, 'all');
    expect(second.error).toMatchObject({
      code: 'CONFLICT',
      reason: 'another process writes the log of this database',
      hint: expect.stringContaining('server kernel,gateway'),
    });
    expect(second.end).toEqual({ code: 1, signal: null });
    expect((await fetch(new URL('/health/ready', gatewayOf(first)))).status).toBe(200);
  });

  it('a process that is everything takes the events of another one', async () => {
    const place = await newPlace();
    const all = await start(place, 'all');
    const more = await start(place, 'gateway');
    const operator = await operateOn(all);
    const cast = await agentOf(operator);
    const outcome = await callOnce(
      gatewayOf(more),
      { identity: cast.agent, chain: cast.agentChain },
      'odd__note',
      {},
    );
    expect(outcome.denial?.code).toBe('UNKNOWN_TOOL');
    const receipt = outcome.denial?.receipt;
    expect((await operator.audit.receipt(receipt!)).id).toBe(receipt);
  });
});

describe('attacks between nodes', { timeout: 120_000 }, () => {
  it('a captured request is refused by the window of its owner, wherever it is sent again', async () => {
    const { place, a, b, operator } = await startThree();
    const shoot = await sniper(gatewayOf(a), await agentOf(operator));
    const shot = await shoot('once');
    expect((await fire(gatewayOf(b), shot)).status).toBe(200);
    for (const gateway of [gatewayOf(a), gatewayOf(b), gatewayOf(a)]) {
      expect(await codeOf(await fire(gateway, shot))).toBe('REPLAY');
    }
    expect(journalLines(place, 'note ').filter((line) => line.includes('once'))).toHaveLength(1);
  });

  it('the same request on both nodes at once is done once', async () => {
    const { place, a, b, operator } = await startThree();
    const shoot = await sniper(gatewayOf(a), await agentOf(operator));
    for (let n = 0; n < 10; n += 1) {
      const shot = await shoot(`race ${n}.`);
      const gateways = [gatewayOf(a), gatewayOf(b), gatewayOf(b), gatewayOf(a)];
      const answers = await Promise.all(gateways.map((gateway) => fire(gateway, shot)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
    const races = journalLines(place, 'note ').filter((line) => line.includes('race'));
    expect(races).toHaveLength(10);
    expect(new Set(races).size).toBe(10);
  });

  it('a proof that opens a session opens one, on whichever nodes it arrives at once (SES-1)', async () => {
    const { a, b, operator } = await startThree();
    for (const { init } of await openings(operator, gatewayOf(a), 4)) {
      const request = {
        method: 'POST',
        target: '/talos/v1/sessions',
        headers: [
          ['host', new URL(gatewayOf(a)).host],
          ['content-type', 'application/json'],
        ] as const,
        body: String(init.body),
      };
      const gateways = [gatewayOf(b), gatewayOf(a), gatewayOf(b), gatewayOf(b), gatewayOf(a)];
      const answers = await Promise.all(gateways.map((gateway) => rawRequest(gateway, request)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401, 401]);
    }
  });

  it('nobody outside says what only nodes say', async () => {
    const { a, b, operator } = await startThree();
    const shoot = await sniper(gatewayOf(a), await agentOf(operator));
    for (const name of ['talos-node', 'talos-node-client', 'talos-node-host', 'talos-node-answer']) {
      const { path, init } = await shoot('x');
      const headers = new Headers(init.headers);
      headers.set(name, '10.1.2.3');
      const response = await fire(gatewayOf(b), { path, init: { ...init, headers } });
      expect(response.status).toBe(400);
      expect(await codeOf(response)).toBe('MALFORMED');
    }
  });

  it('the listener for nodes answers nobody who proves nothing', async () => {
    const { a, audit, operator } = await startThree();
    const response = await fetch(`${a.ready.kernel}/talos/v1/nodes`, {
      headers: { authorization: `Bearer ${operator.adminToken}` },
    });
    const { nodes } = (await response.json()) as { nodes: { node: number; boot: number; url: string }[] };
    const to = (node: number) => nodes.find((one) => one.node === node)!;
    const forged = (node: number, mac = 'A'.repeat(43)) =>
      `from=9.1, to=${node}.${to(node).boot}, seq=1, time=${Math.floor(Date.now() / 1000)}, body=${'0'.repeat(64)}, mac=${mac}`;
    const post = (url: string, headers: Record<string, string>) =>
      fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } });
    const events = `${to(audit.ready.node).url}/talos/v1/audit/events`;
    expect(await codeOf(await post(events, {}))).toBe('MALFORMED');
    expect(await codeOf(await post(events, { 'talos-node': forged(audit.ready.node) }))).toBe(
      'PROOF_INVALID',
    );
    expect(await codeOf(await post(events, { authorization: `Bearer ${operator.adminToken}` }))).toBe(
      'MALFORMED',
    );
    const mcp = `${to(a.ready.node).url}/mcp`;
    expect(await codeOf(await post(mcp, { 'talos-node': forged(a.ready.node) }))).toBe('PROOF_INVALID');
    const other = forged(a.ready.node).replace(/to=\d+/, `to=${audit.ready.node}`);
    expect(await codeOf(await post(mcp, { 'talos-node': other }))).toBe('PROOF_INVALID');
  });

  it('a session of a node that is not there, or of an earlier start, is elsewhere', async () => {
    const { a, b, operator } = await startThree();
    const shoot = await sniper(gatewayOf(a), await agentOf(operator));
    const { path, init } = await shoot('x');
    const authorization = new Headers(init.headers).get('authorization')!;
    const sid = /sid=(ses_[^,]+)/.exec(authorization)![1]!;
    const own = decodeSessionId(sid);
    const change = {
      node: [{ node: 1000 }, { node: 0 }, { node: 4_294_967_295 }],
      boot: [{ boot: 77 }, { boot: 0 }],
    };
    for (const other of [...change.node, ...change.boot]) {
      const moved = authorization.replace(sid, encodeSessionId({ ...own, ...other }));
      const headers = new Headers(init.headers);
      headers.set('authorization', moved);
      expect(await codeOf(await fire(gatewayOf(b), { path, init: { ...init, headers } }))).toBe(
        'SESSION_ELSEWHERE',
      );
    }
  });

  it('an owner that does not answer holds nobody up for ever, and a client that leaves ends its call', async () => {
    const { a, b, operator } = await startThree();
    const shoot = await sniper(gatewayOf(a), await agentOf(operator), 'slow');
    const shot = await shoot('x');
    const leaving = new AbortController();
    const left = fire(gatewayOf(b), { ...shot, init: { ...shot.init, signal: leaving.signal } });
    await sleep(200);
    leaving.abort();
    await expect(left).rejects.toThrow();
    process.kill(a.pid, 'SIGSTOP');
    await sleep(5_500);
    const response = await fire(gatewayOf(b), await shoot('y'));
    expect(await codeOf(response)).toBe('SESSION_ELSEWHERE');
    process.kill(a.pid, 'SIGCONT');
  });
});
