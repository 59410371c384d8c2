import { createServer, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterEach, describe, expect, it } from 'vitest';
import { createListener } from '../http.js';
import type { Route } from '../routes.js';
import { clock, random } from '../system.js';
import { createTestLog } from '../testing/test-log.js';
import { createForwarding, type ForwardLimits } from './forward.js';
import { createNodeCaller } from './node-caller.js';
import { createNodeGuard } from './node-guard.js';

const crypto = createNodeCrypto();
const key = new Uint8Array(32).fill(1);
const self = { node: 1, boot: 1 };
const owner = { node: 2, boot: 1 };

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen(handle: RequestListener): Promise<string> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The owner of the session: verifies, and answers as the test says. */
function ownerOf(answer: RequestListener): Promise<string> {
  const guard = createNodeGuard({ self: owner, key, crypto, clock });
  return listen((request, response) => {
    guard.verify(request);
    guard.signAnswer(request, response, 200, 'stream');
    answer(request, response);
  });
}

/** The node a client calls: passes all on. */
async function front(
  url: string,
  limits: Partial<ForwardLimits> = {},
  method: Route['method'] = 'POST',
): Promise<string> {
  const caller = createNodeCaller({ self, key, crypto, clock });
  const forwarding = createForwarding({ caller, log: createTestLog(), limits });
  const route: Route = {
    method,
    path: '/x',
    surface: 'public',
    audit: 'none',
    handle: async (request, response, context) => {
      const passed = await forwarding.pass({ ...owner, url }, { request, response, context });
      if (passed !== 'answered') response.end(passed);
    },
  };
  const shared = { host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [], clock, random };
  const listener = await createListener({
    name: 'front',
    routes: [route],
    guards: {},
    log: createTestLog(),
    ...shared,
  });
  closing.push(() => listener.closeGracefully(0));
  return `${listener.url}/x`;
}

const post = (url: string, body: string, init: RequestInit = {}) =>
  fetch(url, { method: 'POST', body, ...init });

describe('passing on', () => {
  it('carries method, target, headers and body as they came, and says who the client is', async () => {
    let seen: object = {};
    const url = await front(
      await ownerOf((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { method, url: target, headers } = request;
          seen = { method, target, custom: headers['x-custom'], body: Buffer.concat(chunks).toString() };
          response.writeHead(200, { 'x-request-id': 'req_owner', 'content-type': 'text/plain' }).end('done');
        });
      }),
    );
    const response = await post(`${url}?q=1`, 'a body', { headers: { 'x-custom': 'one' } });
    expect(seen).toEqual({ method: 'POST', target: '/x?q=1', custom: 'one', body: 'a body' });
    expect(response.headers.get('x-request-id')).toBe('req_owner');
    expect(response.headers.get('talos-node-answer')).toBeNull();
    expect(await response.text()).toBe('done');
  });

  it('streams: the first part of an answer arrives before the last is made', async () => {
    let finish: () => void = () => undefined;
    const url = await front(
      await ownerOf((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
        finish = () => response.end('data: 2\n\n');
      }),
    );
    const reader = (await post(url, '{}')).body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: 1\n\n');
    finish();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('data: 2\n\n');
  });

  it('is cancelled when the client leaves', async () => {
    let arrived: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let left: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const url = await front(
      await ownerOf((_, response) => {
        response.once('close', () => left());
        arrived();
      }),
    );
    const leaving = new AbortController();
    const call = post(url, '{}', { signal: leaving.signal });
    await waiting;
    leaving.abort();
    await expect(call).rejects.toThrow();
    await gone;
  });

  it('gives up on an owner that is slow, and says that the same call may be tried again', async () => {
    const url = await front(await ownerOf(() => undefined), { headMs: 50 });
    const response = await post(url, '{}');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });

  it('is bounded: beyond it callers are told to wait', async () => {
    const url = await front(await ownerOf(() => undefined), { concurrent: 2, headMs: 500 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(url, '{}')));
    const details = await Promise.all(
      answers.map(async (one) => ((await one.json()) as { detail: string }).detail),
    );
    expect(details.filter((detail) => detail.includes('too many'))).toHaveLength(3);
  });

  it('passes on no more than its share for one address', async () => {
    const url = await front(await ownerOf(() => undefined), { perAddress: 1, headMs: 500 });
    const answers = await Promise.all(Array.from({ length: 3 }, () => post(url, '{}')));
    const details = await Promise.all(
      answers.map(async (one) => ((await one.json()) as { detail: string }).detail),
    );
    expect(details.filter((detail) => detail.includes('too many'))).toHaveLength(2);
  });

  it('tells that nobody is there, or that the owner died before it answered', async () => {
    expect(await (await post(await front('http://127.0.0.1:1'), '{}')).text()).toBe('refused');
    const dying = await listen((request) => request.socket.destroy());
    expect(await (await post(await front(dying), '{}')).text()).toBe('died');
  });

  it.each(['DELETE', 'GET'] as const)(
    'puts a frame around the body of a %s that came in chunks',
    async (method) => {
      const seen: string[] = [];
      const url = await front(
        await ownerOf((request, response) => {
          const chunks: Buffer[] = [];
          request.on('data', (chunk: Buffer) => chunks.push(chunk));
          request.on('end', () => {
            seen.push(`${request.method} ${Buffer.concat(chunks).toString()}`);
            response.end('done');
          });
        }),
        {},
        method,
      );
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
      const text = await new Promise<string>((resolve, reject) => {
        const outgoing = request(url, { method, headers: { 'transfer-encoding': 'chunked' } }, (answer) => {
          answer.setEncoding('utf8').on('data', resolve);
        });
        outgoing.once('error', reject).end(hidden);
      });
      expect(text).toBe('done');
      expect(seen).toEqual([`${method} ${hidden}`]);
    },
  );

  it('takes no answer of somebody else who listens there by now', async () => {
    const url = await front(await listen((_, response) => response.end('{"forged":true}')));
    const response = await post(url, '{}');
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('forged');
  });
});
