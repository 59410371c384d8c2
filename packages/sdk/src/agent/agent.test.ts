import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseBearerKey, parseChain, portableCrypto, TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  refuse,
  type SessionGateway,
  startSessionGateway,
  type VerifiedCall,
} from '../testing/session-gateway.js';
import { type Agent, type AgentOptions, createAgent } from './agent.js';
import { createIdentity, identityFromSeed } from './identity.js';

const crypto = createNodeCrypto();
const identity = createIdentity({ crypto });
let gateway: SessionGateway;
let calls: VerifiedCall[];

beforeEach(async () => {
  gateway = await startSessionGateway();
  calls = [];
  gateway.answer = (call, response) => {
    calls.push(call);
    response.end(call.body);
  };
});
afterEach(() => gateway.close());

function createTestAgent(options: Partial<AgentOptions> = {}): Agent {
  const capability = options.capability ?? gateway.issue(identity.did, { dlg: 1 });
  return createAgent({ identity, gateway: gateway.url, crypto, ...options, capability });
}

const opened = () => gateway.seen.filter((line) => line === 'POST /talos/v1/sessions').length;
const json = { 'content-type': 'application/json' };
const post = (agent: Agent, path: string, body: string) =>
  agent.fetch(gateway.url + path, { method: 'POST', headers: json, body });
const code = (code: string) => expect.objectContaining({ code });

describe('identity', () => {
  it('is the same again from its seed, and shows no secret', () => {
    const seed = identity.exportSeed();
    expect(identityFromSeed(seed).did).toBe(identity.did);
    expect(identity.did).toMatch(/^did:key:z6Mk/);
    expect(JSON.stringify(identity)).not.toContain(Buffer.from(seed).toString('base64url').slice(0, 8));
    seed.fill(0);
    expect(identity.exportSeed()).not.toEqual(seed);
    expect(() => identityFromSeed(new Uint8Array(31))).toThrow(RangeError);
    expect(createIdentity().did).not.toBe(createIdentity().did);
  });
});

describe('agent.fetch', () => {
  it('opens one session for many requests, also at once', async () => {
    const agent = createTestAgent();
    const answers = await Promise.all([1, 2, 3].map((n) => post(agent, `/mcp?n=${n}`, `{"n":${n}}`)));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual([
      '{"n":1}',
      '{"n":2}',
      '{"n":3}',
    ]);
    expect(opened()).toBe(1);
    expect(calls.map(({ seq }) => seq).sort()).toEqual([1, 2, 3]);
    expect(new Set(calls.map(({ rid }) => rid)).size).toBe(3);
    expect(calls[0]?.session?.subject).toBe(identity.did);
  });

  it('works with the portable crypto and in every form fetch has', async () => {
    const agent = createTestAgent({ crypto: portableCrypto });
    await agent.fetch(new URL('/a?b=%20c', gateway.url));
    await agent.fetch(new Request(`${gateway.url}/b`, { method: 'PUT', body: 'x', headers: json }));
    await agent.fetch(`${gateway.url}/c`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
    await agent.fetch(`${gateway.url}/d#fragment`, { method: 'DELETE' });
    await agent.fetch(`${gateway.url}/e`, { method: 'POST', body: new Uint8Array([0, 255]) });
    const body = new Blob(['stream']).stream();
    await agent.fetch(`${gateway.url}/f`, { method: 'POST', body, duplex: 'half' });
    const headers = { 'mcp-name': ' read_file ', 'last-event-id': '7' };
    const last = await agent.fetch(`${gateway.url}/g`, { headers });
    expect(last.status).toBe(200);
    expect(calls.map(({ method, target }) => `${method} ${target}`)).toEqual([
      'GET /a?b=%20c',
      'PUT /b',
      'POST /c',
      'DELETE /d',
      'POST /e',
      'POST /f',
      'GET /g',
    ]);
    expect(calls[5]?.body).toBe('stream');
  });

  it('opens another session when the gateway has restarted, and keeps the rid', async () => {
    const agent = createTestAgent();
    const rids: (string | undefined)[] = [];
    gateway.intercept = ({ headers }) => {
      rids.push(/rid=([^,]+)/.exec(headers.authorization ?? '')?.[1]);
      return false;
    };
    await post(agent, '/mcp', '1');
    gateway.restart();
    rids.length = 0;
    expect(await (await post(agent, '/mcp', '2')).text()).toBe('2');
    const [first, second] = rids.filter((rid) => rid !== undefined);
    expect(first).toBe(second);
    expect(opened()).toBe(2);
  });

  it('opens one session, not many, when several requests find theirs gone', async () => {
    const agent = createTestAgent();
    await post(agent, '/mcp', '0');
    gateway.restart();
    await Promise.all(['1', '2', '3', '4'].map((body) => post(agent, '/mcp', body)));
    expect(opened()).toBe(2);
    expect(calls).toHaveLength(5);
  });

  it('tries again once only', async () => {
    const agent = createTestAgent();
    let refused = 0;
    gateway.intercept = ({ url }, response) => {
      if (url !== '/mcp') return false;
      refused++;
      refuse(response, new TrustError('SESSION_UNKNOWN', 'always'));
      return true;
    };
    expect((await post(agent, '/mcp', '1')).status).toBe(401);
    expect(refused).toBe(2);
  });

  it.each(['REVOKED', 'PROOF_INVALID', 'REPLAY', 'UNAVAILABLE'] as const)(
    'leaves %s to the caller',
    async (reason) => {
      const agent = createTestAgent();
      gateway.answer = (_, response) => refuse(response, new TrustError(reason, 'so'));
      const response = await post(agent, '/mcp', '1');
      expect(await response.json()).toMatchObject({ code: reason });
      expect(opened()).toBe(1);
    },
  );

  it('says which link was revoked once the session is gone', async () => {
    const capability = gateway.issue(identity.did);
    const agent = createTestAgent({ capability });
    await post(agent, '/mcp', '1');
    gateway.revoke(parseChain(capability, crypto).root.lid);
    await expect(post(agent, '/mcp', '2')).rejects.toMatchObject({ code: 'REVOKED', data: { link: 1 } });
  });

  it('does not keep a failed opening', async () => {
    const agent = createTestAgent();
    gateway.intercept = (_, response) => {
      refuse(response, new TrustError('UNAVAILABLE', 'starting'));
      return true;
    };
    await expect(post(agent, '/mcp', '1')).rejects.toThrow(code('UNAVAILABLE'));
    gateway.intercept = () => false;
    expect((await post(agent, '/mcp', '1')).status).toBe(200);
  });

  it('replaces a session before it ends', async () => {
    let ahead = 0;
    const agent = createTestAgent({ now: () => Date.now() + ahead });
    await post(agent, '/mcp', '1');
    ahead = 3_596_000;
    gateway.ahead = ahead;
    const capability = gateway.issue(identity.did, { seconds: 7200 });
    const later = createTestAgent({ now: () => Date.now() + ahead, capability });
    await post(later, '/mcp', '2');
    ahead += 3_596_000;
    gateway.ahead = ahead;
    await post(later, '/mcp', '3');
    expect(opened()).toBe(3);
  });

  it('lets a slow request not hold up the others, and stays within half a window of it', async () => {
    const agent = createTestAgent();
    let finish: (() => void) | undefined;
    gateway.answer = (call, response) => {
      calls.push(call);
      if (call.body !== 'slow') response.end();
      else finish = () => void response.end('done');
    };
    const slow = post(agent, '/mcp', 'slow');
    for (let i = 0; i < 200; i++) await post(agent, '/mcp', 'quick');
    expect(opened()).toBe(2);
    const [first, ...others] = calls;
    const same = others.filter(({ session }) => session?.sid === first?.session?.sid);
    expect(Math.max(...same.map(({ seq = 0 }) => seq))).toBe(128);
    finish?.();
    expect(await (await slow).text()).toBe('done');
    await expect.poll(() => gateway.table.size()).toBe(1);
  });

  it('survives more requests at once than a window holds, in any order', async () => {
    const agent = createTestAgent();
    gateway.answer = async (call, response) => {
      calls.push(call);
      await new Promise(setImmediate);
      response.end();
    };
    const answers = await Promise.all(Array.from({ length: 600 }, (_, i) => post(agent, '/mcp', `${i}`)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(calls).toHaveLength(600);
  });

  it('gives a number back when the request fails', async () => {
    const agent = createTestAgent();
    await post(agent, '/mcp', '0');
    gateway.answer = (_, response) => void response.destroy();
    for (let i = 0; i < 150; i++) await expect(post(agent, '/mcp', '1')).rejects.toThrow();
    gateway.answer = (_, response) => void response.end();
    expect((await post(agent, '/mcp', '2')).status).toBe(200);
    expect(opened()).toBe(1);
  });

  it('heeds the signal of its caller', async () => {
    const agent = createTestAgent();
    const signal = AbortSignal.abort();
    await expect(agent.fetch(gateway.url, { signal })).rejects.toThrow('abort');
    gateway.answer = () => undefined;
    await expect(agent.fetch(gateway.url, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  });
});

describe('agent.fetch keeps its credentials to itself', () => {
  it.each(['http://127.0.0.1:1/mcp', 'https://example.com/', 'http://localhost/'])(
    'and refuses %s',
    async (url) => {
      const agent = createTestAgent();
      await expect(agent.fetch(url)).rejects.toThrow(TypeError);
      expect(gateway.seen).toEqual([]);
    },
  );

  it.each(['Authorization', 'X-Api-Key'])('and refuses a %s of the caller', async (name) => {
    await expect(createTestAgent().fetch(gateway.url, { headers: { [name]: 'x' } })).rejects.toThrow(
      TypeError,
    );
  });

  it.each([301, 302, 303, 307, 308])('and follows no %i', async (status) => {
    const stolen: unknown[] = [];
    const thief = createServer((request, response) => {
      stolen.push(request.headers);
      response.end();
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
    gateway.answer = (_, response) => void response.writeHead(status, { location }).end();
    const agent = createTestAgent();
    await expect(post(agent, '/mcp', '1')).rejects.toThrow('redirect');
    const manual = await agent.fetch(gateway.url, { redirect: 'manual' });
    expect(manual.status).toBe(status);
    gateway.intercept = (_, response) => void response.writeHead(status, { location }).end() === undefined;
    await expect(post(createTestAgent(), '/mcp', '1')).rejects.toThrow(code('UNAVAILABLE'));
    expect(stolen).toEqual([]);
    thief.close();
  });

  it('and gives no proof to a gateway the capability does not name', async () => {
    const capability = gateway.issue(identity.did, { aud: [createIdentity().did] });
    const agent = createTestAgent({ capability });
    await expect(post(agent, '/mcp', '1')).rejects.toMatchObject({
      code: 'AUDIENCE_MISMATCH',
      data: { link: 1 },
    });
    expect(opened()).toBe(0);
  });

  it('and accepts no session from somebody in between', async () => {
    const thief = await startSessionGateway();
    const between: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).endsWith('/sessions')) return response;
      const body = JSON.parse(String(init?.body)) as { proof: string };
      const other = createIdentity({ crypto });
      const forged = { session: identity.signer.did + other.did + body.proof };
      return new Response(JSON.stringify(forged), { status: 201 });
    };
    await expect(post(createTestAgent({ fetch: between }), '/mcp', '1')).rejects.toThrow(
      code('UPSTREAM_FAILED'),
    );
    await thief.close();
  });

  it('and takes a refusal that is too long, or no JSON, for what it is', async () => {
    const agent = createTestAgent();
    for (const body of ['x'.repeat(100_000), '{', '{"code":"SESSION_UNKNOWN"}']) {
      gateway.answer = (_, response) =>
        void response.writeHead(401, { 'content-type': 'application/json' }).end(body);
      expect(await (await post(agent, '/mcp', '1')).text()).toBe(body);
    }
    expect(opened()).toBe(1);
  });
});

describe('agent', () => {
  it('ends its session, and opens another when it is used again', async () => {
    const agent = createTestAgent();
    await agent.close();
    await post(agent, '/mcp', '1');
    expect(gateway.table.size()).toBe(1);
    await agent.close();
    expect(gateway.table.size()).toBe(0);
    expect((await post(agent, '/mcp', '2')).status).toBe(200);
    gateway.restart();
    await agent.close(); // the gateway no longer knows it, which is as good
  });

  it('needs no slot for its farewell when every number is taken', async () => {
    const agent = createTestAgent();
    const waiting: (() => void)[] = [];
    gateway.answer = (_, response) => void waiting.push(() => response.end());
    const answers = Array.from({ length: 128 }, () => post(agent, '/mcp', '1'));
    await expect.poll(() => waiting.length).toBe(128);
    const closing = agent.close();
    for (const finish of waiting) finish();
    await Promise.all([...answers, closing]);
    expect(gateway.table.size()).toBe(0);
  });

  it('closes although the gateway is gone', async () => {
    const agent = createTestAgent();
    await post(agent, '/mcp', '1');
    await gateway.close();
    await agent.close();
  });

  it('narrows its capability offline for another agent', async () => {
    const sub = createIdentity({ crypto });
    const agent = createTestAgent();
    const capability = agent.attenuate({ sub: sub.did, grants: 'same', exp: 'same' });
    expect(gateway.seen).toEqual([]);
    const other = createTestAgent({ identity: sub, capability });
    await post(other, '/mcp', '1');
    expect(calls[0]?.session).toMatchObject({ subject: sub.did, lids: { length: 2 } });
    expect(() => other.attenuate({ sub: identity.did, grants: 'same', exp: 'same' })).toThrow(
      code('DELEGATION_INVALID'),
    );
  });

  it('narrows its capability to a bearer key', async () => {
    const agent = createTestAgent({ capability: gateway.issue(identity.did, { dlg: 1, bearerBelow: true }) });
    const key = agent.attenuateToBearer({ grants: 'same', exp: 'same', aud: 'same' });
    expect(parseBearerKey(key, crypto).chain.links).toHaveLength(2);
    expect(() =>
      createTestAgent({ capability: gateway.issue(identity.did) }).attenuateToBearer({
        grants: 'same',
        exp: 'same',
        aud: 'same',
      }),
    ).toThrow(code('DELEGATION_INVALID'));
  });

  it('is not made for a capability of somebody else, or a bad one, or a bad URL', () => {
    expect(() => createTestAgent({ identity: createIdentity() })).toThrow(TypeError);
    expect(() => createTestAgent({ capability: 'x' })).toThrow(code('MALFORMED'));
    expect(() => createTestAgent({ gateway: 'ftp://127.0.0.1' })).toThrow(TypeError);
    expect(() => createTestAgent({ gateway: 'http://user:pass@127.0.0.1' })).toThrow(TypeError);
  });
});
