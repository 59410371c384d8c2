import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, describe, expect, it } from 'vitest';
import { createListener, type Listener } from '../http.js';
import type { Route } from '../routes.js';
import { clock, random } from '../system.js';
import { createTestLog } from '../testing/test-log.js';
import { UnsureError } from '../unsure-error.js';
import { createNodeCaller } from './node-caller.js';
import { createNodeGuard } from './node-guard.js';
import { deriveNodeKey, formatNodeProof, macOfRequest, parseNodeProof } from './node-proof.js';

const crypto = createNodeCrypto();
const key = deriveNodeKey(new Uint8Array(32).fill(1), crypto);
const alice = { node: 1, boot: 4 };
const bob = { node: 2, boot: 7 };
const LIMITS = { timeoutMs: 2_000, maxBytes: 1_000 };

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Bob, who echoes what nodes send him. */
async function openBob(changes: Partial<Parameters<typeof createNodeGuard>[0]> = {}): Promise<Listener> {
  const guard = createNodeGuard({ self: bob, key, crypto, clock, ...changes });
  const echo: Route = {
    method: 'POST',
    path: '/echo',
    surface: 'service',
    permission: 'audit:append',
    audit: 'none',
    handle: async (request, response) => {
      const body = await guard.readBody(request, 1_000);
      guard.signAnswer(request, response, 200, body);
      response.end(body);
    },
  };
  const listener = await createListener({
    name: 'node',
    host: '127.0.0.1',
    port: 0,
    routes: [echo],
    guards: {
      service: (request) => {
        guard.verify(request);
        return undefined;
      },
    },
    allowedHosts: [],
    allowedOrigins: [],
    fromNodes: true,
    clock,
    random,
    log: createTestLog(),
  });
  closing.push(() => listener.closeGracefully(0));
  return listener;
}

function callerOf(changes: Partial<Parameters<typeof createNodeCaller>[0]> = {}) {
  const caller = createNodeCaller({ self: alice, key, crypto, clock, ...changes });
  closing.push(() => caller.close());
  return caller;
}

/** A proof as Alice would make it, with what a test changes. */
function proofOf(seq: number, body: string, time = Math.floor(Date.now() / 1000)) {
  const request = { method: 'POST', target: '/echo', body: crypto.sha256Hex(Buffer.from(body)), ...NOBODY };
  const proof = { from: alice, to: bob, seq, time };
  return formatNodeProof({ ...proof, body: request.body, mac: macOfRequest(key, proof, request, crypto) });
}
const NOBODY = { client: '', host: '', authorization: '', contentType: '' };

async function send(url: string, body: string, headers: Record<string, string>, path = '/echo') {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: Buffer.from(body), headers });
  const answer = (await response.json().catch(() => ({}))) as { code?: string };
  return answer.code ?? response.status;
}

describe('calls between nodes (SES-20)', () => {
  it('are proven in both directions', async () => {
    const { url } = await openBob();
    const caller = callerOf();
    for (const text of ['{}', '{"a":1}']) {
      const answer = await caller.post({ ...bob, url }, '/echo', text, LIMITS);
      expect(Buffer.from(answer).toString()).toBe(text);
    }
  });

  it('are refused to whoever has another key, also to another start or another node of the platform', async () => {
    const { url } = await openBob();
    const stranger = callerOf({ key: deriveNodeKey(new Uint8Array(32).fill(2), crypto) });
    await expect(stranger.post({ ...bob, url }, '/echo', '{}', LIMITS)).rejects.toThrow(UnsureError);
    const caller = callerOf();
    for (const to of [{ ...bob, boot: 6 }, { ...bob, node: 3 }, alice]) {
      await expect(caller.post({ ...to, url }, '/echo', '{}', LIMITS)).rejects.toThrow(UnsureError);
    }
  });

  it('count once: the same proof again is a replay, whatever comes in between', async () => {
    const { url } = await openBob();
    const header = proofOf(1, '{}');
    expect(await send(url, '{}', { 'talos-node': header })).toBe(200);
    expect(await send(url, '{}', { 'talos-node': proofOf(2, '{}') })).toBe(200);
    expect(await send(url, '{}', { 'talos-node': header })).toBe('REPLAY');
    const many = await Promise.all(
      Array.from({ length: 20 }, () => send(url, '{}', { 'talos-node': proofOf(3, '{}') })),
    );
    expect(many.filter((answer) => answer === 200)).toHaveLength(1);
  });

  it('cover the body, the target, the time and who sent them', async () => {
    const { url } = await openBob();
    const good = { 'talos-node': proofOf(5, '{}') };
    expect(await send(url, '{"x":1}', { 'talos-node': proofOf(4, '{}') })).toBe('PROOF_INVALID');
    expect(await send(url, '{}', good, '/echo?x=1')).toBe('PROOF_INVALID');
    expect(await send(url, '{}', { ...good, 'talos-node-client': '10.0.0.1' })).toBe('PROOF_INVALID');
    expect(await send(url, '{}', { ...good, 'talos-node-host': 'evil.example' })).toBe('PROOF_INVALID');
    expect(await send(url, '{}', { ...good, authorization: 'Bearer x' })).toBe('PROOF_INVALID');
    for (const time of [-120, 120]) {
      const header = proofOf(6, '{}', Math.floor(Date.now() / 1000) + time);
      expect(await send(url, '{}', { 'talos-node': header })).toBe('PROOF_INVALID');
    }
    // None of them used a number up.
    expect(await send(url, '{}', good)).toBe(200);
  });

  it('of an earlier start of a node end with its next one', async () => {
    const { url } = await openBob();
    await callerOf({ self: { ...alice, boot: 5 } }).post({ ...bob, url }, '/echo', '{}', LIMITS);
    expect(await send(url, '{}', { 'talos-node': proofOf(1, '{}') })).toBe('REPLAY');
  });

  it('whose answer nobody proved were not answered', async () => {
    const server: Server = createServer((_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    closing.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(callerOf().post({ ...bob, url }, '/echo', '{}', LIMITS)).rejects.toThrow('did not prove');
    server.closeAllConnections();
  });

  it('that reach nobody were surely not done', async () => {
    const gone = callerOf().post({ ...bob, url: 'http://127.0.0.1:1' }, '/echo', '{}', LIMITS);
    await expect(gone).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(gone).rejects.not.toThrow(UnsureError);
  });

  it.each([
    '',
    'x',
    `from=1.1, to=2.7, seq=1, time=1, body=stream, mac=${'A'.repeat(42)}`,
    'from=0.1, to=2.7',
  ])('with a proof that is none are malformed: %j', (text) => {
    expect(() => parseNodeProof(text)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});
