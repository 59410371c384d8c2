import type { lookup } from 'node:dns';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ModelProvider } from '@talosprotocol/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { createOutwardLookup } from '../../platform/outward-address.js';
import { readAll } from '../../platform/read-all.js';
import { compileProvider } from './provider.js';
import { createUpstreams, type UpstreamAnswer, type Upstreams } from './upstream.js';

const opened: { servers: Server[]; sockets: Socket[]; upstreams: Upstreams[] } = {
  servers: [],
  sockets: [],
  upstreams: [],
};
afterEach(async () => {
  await Promise.all(opened.upstreams.splice(0).map((one) => one.close()));
  for (const socket of opened.sockets.splice(0)) socket.destroy();
  await Promise.all(opened.servers.splice(0).map((one) => new Promise((resolve) => one.close(resolve))));
});

/** A server that says this to whoever sends it something, whatever it was; nothing if there is nothing to say. */
async function serve(says?: string) {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    opened.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => says !== undefined && socket.end(says));
  });
  opened.servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

const NOW = Date.UTC(2026, 10, 30, 6, 0, 0);

/** Every name leads to these. */
const leadingTo = (...addresses: readonly string[]) =>
  createOutwardLookup(((_: string, __: object, callback: (error: null, found: object[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )) as typeof lookup);

function send(more: Partial<ModelProvider>, ...addresses: readonly string[]) {
  return sendWith({}, more, ...addresses);
}

function sendWith(
  headers: Readonly<Record<string, string>>,
  more: Partial<ModelProvider>,
  ...addresses: readonly string[]
) {
  const upstreams = createUpstreams(() => NOW, leadingTo(...addresses));
  opened.upstreams.push(upstreams);
  const provider = compileProvider('p', { api: 'openai', baseUrl: '', insecure: true, ...more });
  const { signal } = new AbortController();
  return upstreams.send({
    provider,
    model: 'm',
    others: [],
    path: '/x',
    headers,
    body: Buffer.from('{}'),
    signal,
  });
}

const answerOf = (head: string, body = '{"a":1}'): string => `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`;

// LLM-5
describe('a provider whose name', () => {
  it('leads to where a machine is told its own keys is not connected to, and has seen nothing', async () => {
    const { port, connections } = await serve(answerOf('content-length: 7'));
    const baseUrl = `http://models.example:${port}`;
    for (const addresses of [['169.254.169.254'], ['127.0.0.1', '169.254.169.254']]) {
      expect(await send({ baseUrl }, ...addresses)).toMatchObject({
        kind: 'failure',
        wasSent: false,
        error: { code: 'UPSTREAM_FAILED', data: { reason: expect.stringContaining('nothing is sent to') } },
      });
    }
    expect(connections()).toBe(0);
    expect(await send({ baseUrl }, '127.0.0.1')).toMatchObject({ kind: 'answer', status: 200 });
  });
});

// LLM-11
describe('a provider that', () => {
  it('takes the connection and never comes to an end with TLS has seen nothing', async () => {
    const { port, connections } = await serve();
    const began = performance.now();
    expect(await send({ baseUrl: `https://127.0.0.1:${port}`, connectSeconds: 1 })).toMatchObject({
      kind: 'failure',
      wasSent: false,
      error: { data: { reason: 'the provider did not take the connection in time' } },
    });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(connections()).toBe(1);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['ends the connection before TLS', (socket) => void socket.destroy()],
    ['speaks no TLS', (socket) => void socket.end(answerOf('content-length: 7'))],
  ])('%s has seen nothing', async (_, answer) => {
    const server = createServer((socket) => {
      opened.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    });
    opened.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await send({ baseUrl: `https://127.0.0.1:${port}` })).toMatchObject({
      kind: 'failure',
      wasSent: false,
      error: { code: 'UPSTREAM_FAILED' },
    });
  });

  it.each(['Bearer sk-1\nx', 'Bearer sk-1€'])(
    'has a key that cannot be sent, %j, has seen nothing',
    async (key) => {
      const { port, connections } = await serve(answerOf('content-length: 7'));
      const came = await sendWith({ authorization: key }, { baseUrl: `http://127.0.0.1:${port}` });
      expect(came).toMatchObject({
        kind: 'failure',
        wasSent: false,
        error: { data: { reason: expect.stringContaining('key of the provider') } },
      });
      expect(JSON.stringify(came)).not.toContain('sk-1');
      expect(connections()).toBe(0);
    },
  );

  it.each<[string, string]>([
    ['says two lengths', answerOf('content-length: 7\r\ncontent-length: 8')],
    ['says a length below nothing', answerOf('content-length: -7')],
    ['says a length that is no number', answerOf('content-length: 0x7')],
    ['says a length and sends chunks', answerOf('content-length: 7\r\ntransfer-encoding: chunked')],
    ['says more than fits', answerOf(`x: ${'y'.repeat(40_000)}`)],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['says nothing', ''],
  ])('%s has no answer, and may have done what it was asked', async (_, says) => {
    const { port } = await serve(says);
    expect(await send({ baseUrl: `http://127.0.0.1:${port}` })).toMatchObject({
      kind: 'failure',
      wasSent: true,
      error: { code: 'UPSTREAM_FAILED' },
    });
  });

  it('says more length than it sends ends in the middle, and one that says less is heard as far as it says', async () => {
    const read = async (head: string) => {
      const { port } = await serve(answerOf(head));
      const answer = (await send({ baseUrl: `http://127.0.0.1:${port}` })) as UpstreamAnswer;
      return readAll(answer.body, { maxBytes: 100 });
    };
    await expect(read('content-length: 8')).rejects.toThrow();
    await expect(read('transfer-encoding: chunked')).rejects.toThrow();
    expect(await read('content-length: 6')).toBe('{"a":1');
    expect(await read('connection: close')).toBe('{"a":1}');
  });

  it.each<[string, number | undefined]>([
    ['retry-after: 7', 7],
    ['retry-after: Mon, 30 Nov 2026 06:00:07 GMT', 7],
    ['retry-after: Mon, 30 Nov 2026 06:00:07 GMT\r\nretry-after: 7', undefined],
    ['retry-after: later', undefined],
  ])('says %j is to be asked again in %s seconds (LLM-12)', async (head, retryAfter) => {
    const { port } = await serve(answerOf(`content-length: 7\r\n${head}`));
    expect(await send({ baseUrl: `http://127.0.0.1:${port}` })).toMatchObject({ kind: 'answer', retryAfter });
  });

  it.each<[string, string]>([
    ['content-type: Application/JSON; charset=utf-8', 'application/json'],
    ['content-type: application/json\r\ncontent-type: text/html', 'application/json'],
    ['content-type: ;', ''],
    ['x: y', ''],
  ])('says %j has sent the type %j', async (head, type) => {
    const { port } = await serve(answerOf(`content-length: 7\r\n${head}`));
    expect(await send({ baseUrl: `http://127.0.0.1:${port}` })).toMatchObject({ kind: 'answer', type });
  });
});
