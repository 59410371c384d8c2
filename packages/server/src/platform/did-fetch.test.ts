import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { createDidResolver, type DidResource } from '@talosprotocol/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createDidFetch, type DidFetchOptions } from './did-fetch.js';
import { createSelfSigned } from './testing/self-signed.js';

const HOST = 'did.example';
const { cert, key } = createSelfSigned(HOST);
const DOCUMENT = '{"id":"did:web:did.example"}';

const open: (Server | TcpServer)[] = [];
const cleanUp: (() => void)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of cleanUp.splice(0)) end();
  await Promise.all(open.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

async function listen(server: Server | TcpServer): Promise<number> {
  open.push(server);
  server.on('connection', (socket) => cleanUp.push(() => socket.destroy()));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}

const serve = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  listen(createServer({ cert, key }, answer));

function json(response: ServerResponse, body: string | Buffer = DOCUMENT, headers: object = {}): void {
  response.writeHead(200, { 'content-type': 'application/did+json', ...headers }).end(body);
}

const urlOf = (port: number, host = HOST) => `https://${host}:${port}/.well-known/did.json`;

/** A fetch that finds every name on this machine. */
const local = (more: DidFetchOptions = {}) => {
  const fetch = createDidFetch({
    addressesOf: async () => ['127.0.0.1'],
    loopback: { ca: cert },
    ...more,
  });
  return (url: string, resource: DidResource = 'document') => fetch(url, resource);
};

describe('createDidFetch (ID-2)', () => {
  it.each([
    'application/did+json',
    'application/did+ld+json',
    'application/json',
    'application/json; charset=utf-8',
  ])('gets a document of type %s', async (type) => {
    const port = await serve((_, response) => json(response, DOCUMENT, { 'content-type': type }));
    expect(Buffer.from(await local()(urlOf(port))).toString()).toBe(DOCUMENT);
  });

  it('asks with nothing that says who asks, once, where the name was found', async () => {
    const seen: IncomingMessage[] = [];
    const asked: string[] = [];
    const port = await serve((request, response) => {
      seen.push(request);
      json(response);
    });
    const addressesOf = async (host: string) => {
      asked.push(host);
      // A second question would be answered with another address.
      return asked.length === 1 ? ['127.0.0.1'] : ['127.0.0.2'];
    };
    await local({ addressesOf })(urlOf(port));
    expect(asked).toEqual([HOST]);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /.well-known/did.json']);
    expect(Object.keys(seen[0]?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
    ]);
  });

  it('takes 64 KiB, and no byte more', async () => {
    const port = await serve((request, response) => {
      const size = Number(request.url?.slice(1));
      json(response, Buffer.alloc(size, 0x20), { 'content-length': size });
    });
    const at = (size: number) => local()(`https://${HOST}:${port}/${size}`);
    expect(await at(65_536)).toHaveLength(65_536);
    await expect(at(65_537)).rejects.toThrow('64 KiB');
  });

  it('stops reading what never ends', async () => {
    let sent = 0;
    const port = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (sent < 64 * 1024 * 1024 && response.write(Buffer.alloc(16_384))) sent += 16_384;
      };
      response.on('drain', more);
      more();
    });
    await expect(local()(urlOf(port))).rejects.toThrow('64 KiB');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['a redirect', (response) => response.writeHead(302, { location: '/other' }).end()],
    [
      'a redirect to a private address',
      (response) => response.writeHead(307, { location: 'https://169.254.169.254/' }).end(),
    ],
    ['no document', (response) => response.writeHead(404, { 'content-type': 'application/json' }).end('{}')],
    [
      'a partial answer',
      (response) => response.writeHead(206, { 'content-type': 'application/json' }).end('{}'),
    ],
    ['a page', (response) => json(response, '<p>', { 'content-type': 'text/html' })],
    ['no type', (response) => response.writeHead(200).end(DOCUMENT)],
    [
      'a type that begins well',
      (response) => json(response, DOCUMENT, { 'content-type': 'application/jsonp' }),
    ],
    [
      'another charset',
      (response) => json(response, DOCUMENT, { 'content-type': 'application/json; charset=utf-16' }),
    ],
    ['a compressed answer', (response) => json(response, DOCUMENT, { 'content-encoding': 'gzip' })],
    ['headers without end', (response) => json(response, DOCUMENT, { 'x-long': 'x'.repeat(20_000) })],
    [
      'half a document',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
        response.write('{', () => response.destroy());
      },
    ],
  ])('refuses %s, and asks nothing more', async (_, answer) => {
    let requests = 0;
    const port = await serve((__, response) => {
      requests++;
      answer(response);
    });
    await expect(local()(urlOf(port))).rejects.toThrow();
    expect(requests).toBe(1);
  });

  it.each<[string, readonly string[]]>([
    ['none', []],
    ['a private one', ['10.0.0.1']],
    ['that of cloud metadata', ['169.254.169.254']],
    ['loopback of the other family', ['::1']],
    ['an IPv4 one in IPv6', ['::ffff:8.8.8.8']],
    ['a private one behind a public one', ['93.184.215.14', '192.168.0.1']],
    ['no address', ['example.org']],
    ['too many', Array.from({ length: 33 }, (_, i) => `93.184.215.${i}`)],
  ])('connects to nothing if the addresses are %s', async (_, addresses) => {
    const port = await serve((__, response) => json(response));
    await expect(local({ addressesOf: async () => addresses })(urlOf(port))).rejects.toThrow('address');
  });

  it('refuses loopback unless a test asks for it', async () => {
    const port = await serve((_, response) => json(response));
    const fetch = createDidFetch({ addressesOf: async () => ['127.0.0.1'] });
    await expect(fetch(urlOf(port), 'document')).rejects.toThrow('not public');
  });

  it.each<[DidResource, number]>([
    ['log', 1_048_576],
    ['witness', 524_288],
  ])('takes a %s of its own size, and no byte more (ID-11)', async (resource, most) => {
    const port = await serve((request, response) => {
      const size = Number(request.url?.slice(1));
      const type = resource === 'log' ? 'text/jsonl' : 'application/json';
      json(response, Buffer.alloc(size, 0x20), { 'content-type': type, 'content-length': size });
    });
    const at = (size: number) => local()(`https://${HOST}:${port}/${size}`, resource);
    expect(await at(most)).toHaveLength(most);
    await expect(at(most + 1)).rejects.toThrow(`${most / 1024} KiB`);
  });

  it.each([
    'text/jsonl',
    'text/jsonl; charset=utf-8',
    'application/jsonl',
    'application/x-ndjson',
    'application/octet-stream',
    'text/plain; charset=UTF-8',
  ])('takes a log of type %s, and none of another', async (type) => {
    const port = await serve((_, response) => json(response, DOCUMENT, { 'content-type': type }));
    expect(await local()(urlOf(port), 'log')).toHaveLength(DOCUMENT.length);
    await expect(local()(urlOf(port), 'witness')).rejects.toThrow('content type');
    await expect(local()(urlOf(port))).rejects.toThrow('content type');
    const page = await serve((_, response) => json(response, '<p>', { 'content-type': 'text/html' }));
    await expect(local()(urlOf(page), 'log')).rejects.toThrow('content type');
  });

  it('goes to a private address of a host the operator named, and to no other of it', async () => {
    const asked: string[] = [];
    const reach = (address: string, name = HOST) =>
      createDidFetch({
        addressesOf: async () => [address],
        allowPrivate: (host) => asked.push(host) > 0 && host === name,
        timeoutMs: 200,
      })('https://did.example:9/did.json', 'document').catch((error: Error) => error.message);
    for (const site of [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '127.0.0.1',
      'fd00::1',
      '::1',
    ]) {
      expect(await reach(site), site).not.toContain('not public');
      expect(await reach(site, 'other.example'), site).toContain('not public');
    }
    for (const never of [
      '169.254.169.254',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
      'fe80::1',
      'ff02::1',
      '::',
      '::ffff:10.0.0.1',
      '64:ff9b::a00:1',
      '2002:a00:1::1',
      '2001:0:a00:1::',
    ]) {
      expect(await reach(never), never).toContain('not public');
    }
    expect(new Set(asked)).toEqual(new Set([HOST]));
  });

  it('asks no proxy of the environment', async () => {
    const port = await serve((_, response) => json(response));
    let asked = 0;
    const proxy = await listen(createTcpServer((socket) => ++asked && socket.destroy()));
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'])
      vi.stubEnv(name, `http://127.0.0.1:${proxy}`);
    expect(await local()(urlOf(port))).toHaveLength(DOCUMENT.length);
    expect(asked).toBe(0);
  });

  it('refuses a certificate of another authority, and of another name', async () => {
    const port = await serve((_, response) => json(response));
    const other = createSelfSigned(HOST).cert;
    await expect(local({ loopback: { ca: other } })(urlOf(port))).rejects.toThrow();
    await expect(local()(urlOf(port, 'other.example'))).rejects.toThrow('other.example');
  });

  it.each([
    'http://did.example/did.json',
    'https://u:p@did.example/did.json',
    'https://did.example/did.json?a',
    'https://127.0.0.1/did.json',
    'https://[::1]/did.json',
    'https://0x7f000001/did.json',
    'file:///etc/passwd',
    'no URL',
  ])('refuses %s before it looks anything up', async (url) => {
    let lookups = 0;
    const addressesOf = async () => {
      lookups++;
      return ['127.0.0.1'];
    };
    await expect(local({ addressesOf })(url)).rejects.toThrow();
    expect(lookups).toBe(0);
  });

  it('ends in time, wherever the other side is slow', async () => {
    const silent = await listen(createTcpServer());
    const headless = await serve(() => undefined);
    const endless = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    });
    const fetch = local({ timeoutMs: 300 });
    await Promise.all(
      [silent, headless, endless].map((port) => expect(fetch(urlOf(port))).rejects.toThrow()),
    );
    const never = local({ timeoutMs: 50, addressesOf: () => new Promise(() => undefined) });
    await expect(never(urlOf(silent))).rejects.toThrow('timeout');
  });

  it('fetches eight at a time, and more when those are done', async () => {
    const held: ServerResponse[] = [];
    const waiting = new EventEmitter();
    const arrived = once(waiting, 'eight');
    const port = await serve((_, response) => {
      if (held.push(response) === 8) waiting.emit('eight');
      if (held.length > 8) json(response);
    });
    const fetch = local();
    const first = Array.from({ length: 8 }, () => fetch(urlOf(port)));
    await arrived;
    await expect(fetch(urlOf(port))).rejects.toThrow('too many');
    for (const response of held) json(response);
    await Promise.all(first);
    expect(await fetch(urlOf(port))).toHaveLength(DOCUMENT.length);
  });
});

describe('a resolver with it', () => {
  it('resolves a did:web that is allowed, by its own URL', async () => {
    const did = (port: number) => `did:web:${HOST}%3A${port}:agents:a`;
    const paths: string[] = [];
    const port = await serve((request, response) => {
      paths.push(request.url ?? '');
      const id = did(port);
      const method = {
        id: `${id}#k`,
        type: 'Multikey',
        controller: id,
        publicKeyMultibase: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK',
      };
      json(response, JSON.stringify({ id, verificationMethod: [method], authentication: [method.id] }));
    });
    const resolver = createDidResolver({
      now: () => 0,
      fetchDocument: local(),
      allow: (name) => name === did(port),
    });
    const { keys } = await resolver.resolve(did(port));
    expect(keys.map(({ kid, purposes }) => [kid, purposes])).toEqual([
      [`${did(port)}#k`, ['authentication']],
    ]);
    expect(paths).toEqual(['/agents/a/did.json']);
    await expect(resolver.resolve(`did:web:${HOST}%3A${port}`)).rejects.toMatchObject({
      code: 'UNTRUSTED_ISSUER',
    });
  });
});
