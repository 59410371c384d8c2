import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { parseChain } from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgent } from '../agent/agent.js';
import { createIdentity } from '../agent/identity.js';
import { answerMcp, DENIAL } from '../testing/mcp-answer.js';
import { type SessionGateway, startSessionGateway } from '../testing/session-gateway.js';
import { denialOf } from './denial.js';
import { withCapability } from './with-capability.js';

const crypto = createNodeCrypto();
const identity = createIdentity({ crypto });
const info = { name: 'test', version: '1' };
let gateway: SessionGateway;
let capability: string;

beforeEach(async () => {
  gateway = await startSessionGateway();
  gateway.answer = answerMcp;
  capability = gateway.issue(identity.did);
});
afterEach(() => gateway.close());

const options = () => ({ identity, capability, gateway: gateway.url, crypto });
const mcp = () => new URL('/mcp', gateway.url);
const thrownBy = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

/** The part of both clients the tests use. */
interface Subject {
  connect(): Promise<void>;
  callTool(call: { name: string }): Promise<unknown>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  close(): Promise<void>;
}

const v1 = (): Subject => {
  const client = withCapability(new ClientV1(info), options());
  const { callTool, listTools, close } = client;
  const transport = new TransportV1(mcp()) as Parameters<typeof client.connect>[0];
  return {
    connect: () => client.connect(transport),
    ...{ callTool: (call) => callTool.call(client, call), listTools: () => listTools.call(client) },
    close: () => close(),
  };
};

const v2 = (mode: 'legacy' | 'auto') => (): Subject => {
  const client = withCapability(new ClientV2(info, { versionNegotiation: { mode } }), options());
  return {
    connect: () => client.connect(new TransportV2(mcp())),
    callTool: (call) => client.callTool({ ...call, arguments: {} }),
    listTools: () => client.listTools(),
    close: () => client.close(),
  };
};

describe.each([
  ['v1', v1],
  ['v2, 2025-11-25', v2('legacy')],
  ['v2, 2026-07-28', v2('auto')],
])('withCapability on the official client %s', (_, create) => {
  it('signs every request of the client', async () => {
    const client = create();
    await client.connect();
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
    const answers = await Promise.all([1, 2, 3, 4].map(() => client.callTool({ name: 'echo' })));
    for (const answer of answers) expect(answer).toMatchObject({ content: [{ text: identity.did }] });
    expect(gateway.table.size()).toBe(1);
    await client.close();
    expect(gateway.table.size()).toBe(0);
  });

  it('lives through a restart of the gateway', async () => {
    const client = create();
    await client.connect();
    gateway.restart();
    expect(await client.callTool({ name: 'echo' })).toMatchObject({ content: [{ text: identity.did }] });
    await client.close();
  });

  it('tells why a call was denied', async () => {
    const client = create();
    await client.connect();
    expect(denialOf(await thrownBy(client.callTool({ name: 'denied' })))).toEqual(DENIAL);
    await client.close();
  });

  it('tells that a link was revoked meanwhile', async () => {
    const client = create();
    await client.connect();
    gateway.revoke(parseChain(capability, crypto).root.lid);
    const denial = denialOf(await thrownBy(client.callTool({ name: 'echo' })));
    expect(denial).toMatchObject({ code: 'REVOKED', link: 1, request_id: expect.stringMatching(/^req_/) });
    await client.close();
  });

  it('tells what the body of a 401 says', async () => {
    const client = create();
    await client.connect();
    gateway.answer = (call, response) => {
      if (call.method !== 'POST') return answerMcp(call, response); // the GET that races with the first call
      response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Talos' });
      const { id } = JSON.parse(call.body) as { id: unknown };
      const data = { ...DENIAL, code: 'EXPIRED' };
      response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32010, message: 'expired', data } }));
    };
    expect(denialOf(await thrownBy(client.callTool({ name: 'echo' })))).toEqual({
      ...DENIAL,
      code: 'EXPIRED',
    });
    await client.close();
  });
});

describe('withCapability', () => {
  it('takes an agent that is used elsewhere too, and leaves it open', async () => {
    const agent = createAgent(options());
    const client = withCapability(new ClientV2(info), agent);
    await client.connect(new TransportV2(mcp()));
    await client.close();
    expect(gateway.table.size()).toBe(1);
    await agent.close();
    expect(gateway.table.size()).toBe(0);
  });

  it('takes a transport that has the fetch of its agent already', async () => {
    const agent = createAgent(options());
    const client = withCapability(new ClientV2(info), agent);
    await client.connect(new TransportV2(mcp(), { fetch: agent.fetch }));
    await client.close();
  });

  it.each<[string, () => unknown]>([
    ['in memory', () => InMemoryTransport.createLinkedPair()[0]],
    ['over SSE', () => new SSEClientTransport(mcp())],
    ['with a fetch of its own', () => new TransportV2(mcp(), { fetch })],
    ['that leads elsewhere', () => new TransportV2(new URL('http://127.0.0.1:1/mcp'))],
    ['that is none', () => undefined],
    ['that is an empty object', () => ({})],
    ['that pretends to be one', () => ({ _fetch: undefined, _url: 'x' })],
  ])('refuses a transport %s', async (_, create) => {
    const client = withCapability(new ClientV2(info), options());
    await expect(client.connect(create() as TransportV2)).rejects.toThrow(TypeError);
    expect(gateway.seen).toEqual([]);
  });

  it('refuses a transport that has started', async () => {
    const transport = new TransportV2(mcp());
    await transport.start();
    const client = withCapability(new ClientV2(info), options());
    await expect(client.connect(transport)).rejects.toThrow('agent.fetch');
  });

  it('cannot be made for a capability of somebody else', () => {
    expect(() => withCapability(new ClientV2(info), { ...options(), identity: createIdentity() })).toThrow(
      TypeError,
    );
  });
});
