import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TrustError } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  refuse,
  type SessionGateway,
  startSessionGateway,
  type VerifiedCall,
} from '../testing/session-gateway.js';
import { type AgentOptions, createAgent } from './agent.js';
import { createIdentity } from './identity.js';

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

const create = (options: Partial<AgentOptions> = {}) =>
  createAgent({
    identity,
    gateway: gateway.url,
    crypto,
    capability: gateway.issue(identity.did),
    ...options,
  });
const post = ({ fetch }: ReturnType<typeof create>, body: string, init: RequestInit = {}) =>
  fetch(`${gateway.url}/mcp?x=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    ...init,
  });
const opened = () => gateway.seen.filter((line) => line === 'POST /talos/v1/sessions').length;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A way to the gateway on which connections are refused while `down` counts. */
function unsteady() {
  const state = { down: 0, refused: 0, lost: 0 };
  const send: typeof fetch = async (input, init) => {
    if (state.down > 0) {
      state.down--;
      state.refused++;
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
    }
    const response = await fetch(input, init);
    if (state.lost === 0 || !String(input).includes('/mcp')) return response;
    state.lost--;
    throw new TypeError('terminated');
  };
  return { state, fetch: send };
}

describe.each(['session', 'request'] as const)('an agent that proves by %s, when a node is gone', (prove) => {
  it('goes on behind the same address, with another session and the same rid', async () => {
    const way = unsteady();
    const agent = create({ prove, fetch: way.fetch });
    await post(agent, '1');
    gateway.restart(); // the node that owned the session is gone: the next one has another boot
    way.state.down = 1;
    expect(await (await post(agent, '2')).text()).toBe('2');
    expect(way.state.refused).toBe(1);
    expect(calls.map(({ body }) => body)).toEqual(['1', '2']);
    expect(opened()).toBe(prove === 'session' ? 2 : 0);
  });

  it('keeps the rid when the answer is lost, so that a write is known again (SES-10)', async () => {
    const way = unsteady();
    const agent = create({ prove, fetch: way.fetch });
    way.state.lost = 2;
    expect(await (await post(agent, 'x')).text()).toBe('x');
    expect(calls).toHaveLength(3);
    expect(new Set(calls.map(({ rid }) => rid)).size).toBe(1);
  });

  it('opens when the first connection is refused, and gives up after three', async () => {
    const way = unsteady();
    way.state.down = 2;
    expect((await post(create({ prove, fetch: way.fetch }), '1')).status).toBe(200);
    way.state.down = 1000;
    const before = way.state.refused;
    await expect(post(create({ prove, fetch: way.fetch }), '1')).rejects.toThrow();
    expect(way.state.refused - before).toBe(3);
  });

  it('shows the error of fetch itself in the end', async () => {
    const way = unsteady();
    const agent = create({ prove, fetch: way.fetch });
    way.state.lost = 1000;
    await expect(post(agent, '1')).rejects.toThrow('terminated');
    expect(calls).toHaveLength(3);
  });

  it('does not try again what its caller gave up', async () => {
    const agent = create({ prove });
    const caller = new AbortController();
    gateway.answer = () => caller.abort();
    await expect(post(agent, '1', { signal: caller.signal })).rejects.toThrow('abort');
    const sent = gateway.seen.filter((line) => line === 'POST /mcp?x=1').length;
    expect(sent).toBe(1);
  });

  it('hears its caller give up, also long after it began, when what is not used any more was cleared away', async () => {
    const agent = create({ prove });
    const caller = new AbortController();
    gateway.answer = () => {
      for (let i = 0; i < 4; i += 1) setTimeout(collectGarbage, 20 * i);
      setTimeout(() => caller.abort(), 100);
    };
    await expect(post(agent, '1', { signal: caller.signal })).rejects.toThrow('abort');
  });

  it('sends nothing signed after a redirect', async () => {
    const agent = create({ prove });
    gateway.answer = (_, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    await expect(post(agent, '1')).rejects.toThrow('redirect');
    expect(gateway.seen).not.toContain('POST /elsewhere');
  });
});

describe('an agent that proves each request (SES-13)', () => {
  it('opens no session, and is seen with its proof', async () => {
    const agent = create({ prove: 'request' });
    for (const body of ['1', '2']) expect(await (await post(agent, body)).text()).toBe(body);
    expect(gateway.seen.filter((line) => line.endsWith('/nonces'))).toHaveLength(2);
    expect(opened()).toBe(0);
    expect(new Set(calls.map(({ rid }) => rid)).size).toBe(2);
    expect((await agent.fetch(`${gateway.url}/plain`)).status).toBe(200);
    await agent.close();
  });

  it('asks for another nonce when the first was of another node, once', async () => {
    const agent = create({ prove: 'request' });
    let refused = 0;
    gateway.intercept = ({ url }, response) => {
      if (url !== '/mcp?x=1' || refused >= 1) return false;
      refused++;
      refuse(
        response,
        new TrustError('PROOF_INVALID', 'the nonce is not of this gateway', { caveat: 'nonce' }),
      );
      return true;
    };
    expect((await post(agent, '1')).status).toBe(200);
    refused = -1000;
    expect((await post(agent, '1')).status).toBe(401);
    expect(refused).toBe(-998);
  });

  it('gives no proof to a gateway the capability does not name', async () => {
    const capability = gateway.issue(identity.did, { aud: [createIdentity().did] });
    await expect(post(create({ prove: 'request', capability }), '1')).rejects.toMatchObject({
      code: 'AUDIENCE_MISMATCH',
    });
  });
});
