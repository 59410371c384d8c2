import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createRpc, refusalOf } from './evm/json-rpc.js';
import { createHttpExchange } from './http-exchange.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(answer: (response: ServerResponse, id: number) => void): Promise<string> {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    answer(response, (JSON.parse(text === '' ? '{}' : text) as { id: number }).id);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = new AbortController().signal;
const ask = (url: string, timeoutMs = 5_000, end = signal) =>
  createHttpExchange('the other side', end, timeoutMs)({ method: 'GET', url, headers: {}, maxBytes: 1_000 });
const rpc = (url: string) =>
  createRpc(url, createHttpExchange('the RPC endpoint', signal, 5_000))('eth_chainId');
const refusal = (code: string, reason: string) =>
  expect.objectContaining({
    code,
    data: expect.objectContaining({ reason: expect.stringContaining(reason) }),
  });

describe('what is asked of services of others', () => {
  it('is answered with status and bytes, up to the limit', async () => {
    const url = await serve((response) => response.writeHead(404).end('x'.repeat(1_000)));
    const { status, bytes } = await ask(url);
    expect([status, bytes.length]).toEqual([404, 1_000]);
  });

  it('is refused beyond the limit, also of what is compressed, and of what has no end', async () => {
    const more = await serve((response) => response.end('x'.repeat(1_001)));
    await expect(ask(more)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'more than 1000 bytes'));
    const bomb = await serve((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50_000_000))),
    );
    await expect(ask(bomb)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'more than 1000 bytes'));
    const endless = await serve((response) => {
      const timer = setInterval(() => response.write('x'.repeat(500)), 1);
      response.once('close', () => clearInterval(timer));
    });
    await expect(ask(endless)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'more than 1000 bytes'));
  });

  it('goes nowhere else', async () => {
    const asked: string[] = [];
    const target = await serve((response) => {
      asked.push('target');
      response.end();
    });
    const url = await serve((response) => response.writeHead(307, { location: target }).end());
    await expect(ask(url)).rejects.toThrow(refusal('UPSTREAM_FAILED', 'redirects'));
    expect(asked).toEqual([]);
  });

  it('ends in time, wherever it hangs, and with whoever asks', async () => {
    const silent = await serve(() => undefined);
    await expect(ask(silent, 100)).rejects.toThrow(refusal('UNAVAILABLE', 'no answer in time'));
    const stuck = await serve((response) => response.write('x'));
    await expect(ask(stuck, 100)).rejects.toThrow(refusal('UNAVAILABLE', 'no answer in time'));
    const cut = await serve((response) => {
      response.writeHead(200, { 'content-length': '100' }).write('x');
      setTimeout(() => response.destroy(), 20);
    });
    await expect(ask(cut)).rejects.toThrow(refusal('UNAVAILABLE', 'cannot be reached'));
    const ending = new AbortController();
    const asking = ask(silent, 60_000, ending.signal);
    ending.abort();
    await expect(asking).rejects.toThrow(refusal('UNAVAILABLE', 'AbortError'));
  });

  it.each([
    ['no JSON', () => 'garbage', 'as JSON-RPC does'],
    ['the answer to something else', (id: number) => ({ id: id + 1, result: '0x1' }), 'as JSON-RPC does'],
    ['no result', (id: number) => ({ id }), 'as JSON-RPC does'],
    ['null', () => null, 'as JSON-RPC does'],
    [
      'a refusal',
      (id: number) => ({ id, error: { code: 1, message: 'No \u001b[31mway\n' } }),
      'refuses: No ?[31mway?',
    ],
    ['a refusal without reason', (id: number) => ({ id, error: 'x' }), 'refuses: no reason'],
  ])('as JSON-RPC is refused with %s', async (_, answer, reason) => {
    const url = await serve((response, id) => {
      const body = answer(id);
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await expect(rpc(url)).rejects.toThrow(refusal('UPSTREAM_FAILED', reason));
  });

  it('as JSON-RPC tells a refusal from other faults', async () => {
    const url = await serve((response, id) =>
      response.end(JSON.stringify({ id, error: { message: 'Nonce TOO LOW' } })),
    );
    expect(refusalOf(await rpc(url).catch((error: unknown) => error))).toBe('nonce too low');
    expect(refusalOf(await rpc('http://127.0.0.1:1').catch((error: unknown) => error))).toBeUndefined();
  });
});
