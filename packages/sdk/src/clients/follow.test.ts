import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventRecord } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuditClient } from './audit.js';
import type { FollowOptions, FollowQuery } from './follow.js';

const did = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Turn = (response: ServerResponse) => void;

/** A service that answers each connection as it is told, and remembers what was asked. */
async function serve(...turns: readonly Turn[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.url} ${request.headers['last-event-id'] ?? '-'}`);
    const turn = turns[asked.length - 1];
    if (turn === undefined) response.writeHead(500).end();
    else turn(response);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function record(index: number): EventRecord {
  const uuid = `01938e5c-7b1a-7c3d-8e4f-${String(index).padStart(12, '0')}`;
  const own = { origin: 'talos.local/x/default', tenant: 'default', emitter: did, eseq: index + 1 };
  const time = '2026-01-01T00:00:00.000Z';
  const members = { type: 'policy.loaded', policy: 'a'.repeat(64), prev: null, principal: null } as const;
  return {
    index,
    receipt: `rcp_${uuid}`,
    event: { v: 1, id: `evt_${uuid}`, time, ...own, ...members },
    disclosures: [],
  };
}

const opened: Turn = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' });
const message = (index: number): string => `id: ${index}\ndata: ${JSON.stringify(record(index))}\n\n`;
const end = (code: string): string => `event: end\ndata: ${JSON.stringify({ code, reason: 'so' })}\n\n`;

async function follow(url: string, query: FollowQuery = {}, options: FollowOptions = {}) {
  const seen: number[] = [];
  try {
    for await (const { index } of createAuditClient({ url }).follow(query, options)) seen.push(index);
    return { seen, ended: 'quietly' };
  } catch (error) {
    return { seen, ended: isTrustError(error) ? error.code : String(error) };
  }
}

describe('following events (AUD-68)', () => {
  it('goes on over what breaks, after what was seen last, until it is refused', async () => {
    const { url, asked } = await serve(
      (response) => {
        opened(response);
        response.write(`retry: 1000\n\n${message(0)}${message(3).slice(0, 40)}`);
        setTimeout(() => response.write(message(3).slice(40)), 20);
        setTimeout(() => response.destroy(), 60);
      },
      (response) => {
        opened(response);
        response.end(`${message(4)}:\nid: 9\n\n${end('UNAVAILABLE')}`);
      },
      (response) => {
        opened(response);
        response.end(`${message(10)}${end('FORBIDDEN')}`);
      },
    );
    expect(await follow(url, { effect: 'deny', from: 0 })).toEqual({
      seen: [0, 3, 4, 10],
      ended: 'FORBIDDEN',
    });
    const path = '/talos/v1/events/stream?effect=deny';
    expect(asked).toEqual([`${path}&from=0 -`, `${path} 3`, `${path} 9`]);
  });

  it('knows where it began, if nothing came before it broke', async () => {
    const { url, asked } = await serve(
      (response) => {
        opened(response);
        response.write('retry: 1000\nid: 41\n\n');
        setTimeout(() => response.destroy(), 20);
      },
      (response) => {
        opened(response);
        response.end(end('UNAUTHENTICATED'));
      },
    );
    expect(await follow(url)).toEqual({ seen: [], ended: 'UNAUTHENTICATED' });
    expect(asked).toEqual(['/talos/v1/events/stream -', '/talos/v1/events/stream 41']);
  });

  it('tells what was pruned, and begins at an index as if the one before had been seen', async () => {
    const below: number[] = [];
    const { url, asked } = await serve((response) => {
      opened(response);
      response.end(`event: pruned\ndata: {"below":256}\n\n${message(256)}${end('FORBIDDEN')}`);
    });
    const { seen } = await follow(url, { from: 7 }, { onPruned: (index) => below.push(index) });
    expect([seen, below, asked]).toEqual([[256], [256], ['/talos/v1/events/stream 6']]);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const { url } = await serve((response) => {
      opened(response);
      response.write(message(0));
    });
    const client = createAuditClient({ url });
    const seen: number[] = [];
    for await (const { index } of client.follow({}, { signal: stop.signal })) {
      seen.push(index);
      stop.abort();
    }
    expect(seen).toEqual([0]);
    expect(await follow(url, {}, { signal: stop.signal })).toEqual({ seen: [], ended: 'quietly' });
  });

  it.each<[string, Turn, string]>([
    ['a service that is not there', (response) => response.destroy(), 'UNAVAILABLE'],
    ['an answer that is not ours', (response) => response.writeHead(404).end(), 'UPSTREAM_FAILED'],
    ['no event', (response) => response.writeHead(200).end('data: {"index":1}\n\n'), 'UPSTREAM_FAILED'],
    ['no JSON', (response) => response.writeHead(200).end('data: {\n\n'), 'UPSTREAM_FAILED'],
    [
      'an end without reason',
      (response) => response.writeHead(200).end('event: end\ndata: 1\n\n'),
      'UPSTREAM_FAILED',
    ],
    [
      'a pruning without index',
      (response) => response.writeHead(200).end('event: pruned\ndata: 1\n\n'),
      'UPSTREAM_FAILED',
    ],
    [
      'a message without end',
      (response) => response.writeHead(200).end('x'.repeat(2_000_000)),
      'UPSTREAM_FAILED',
    ],
  ])('does not believe %s', async (_, turn, code) => {
    const { url } = await serve(turn);
    expect(await follow(url)).toEqual({ seen: [], ended: code });
  });
});
