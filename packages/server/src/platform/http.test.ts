import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { TrustError } from '@talosprotocol/protocol';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { readBody } from './body.js';
import { type MountBindings, mountHono } from './hono-mount.js';
import { createListener, type Listener, type ListenerOptions } from './http.js';
import type { Route } from './routes.js';
import { clock, random } from './system.js';
import { createTestLog } from './testing/test-log.js';
import { createTokenGuard } from './testing/token-guard.js';

const open: Listener[] = [];
const lines: string[] = [];
const TOKEN = `tal_admin_${'a'.repeat(43)}`;

const route = (path: string, handle: Route['handle'], more: Partial<Route> = {}): Route => ({
  method: 'GET',
  path,
  surface: 'public',
  audit: 'none',
  handle,
  ...more,
});
const echo = route('/echo/:name', (_, response, { params }) => void response.end(params['name']));
const body = route(
  '/body',
  async (request, response) => {
    const bytes = await readBody(request, { maxBytes: 10, timeoutMs: 200 });
    response.end(String(bytes.length));
  },
  { method: 'POST' },
);

async function serve(routes: Route[] = [echo, body], more: Partial<ListenerOptions> = {}): Promise<Listener> {
  const listener = await createListener({
    name: 'kernel',
    host: '127.0.0.1',
    port: 0,
    routes,
    guards: {},
    allowedHosts: ['talos.example'],
    allowedOrigins: ['https://app.example'],
    clock,
    random,
    log: createTestLog(lines),
    ...more,
  });
  open.push(listener);
  return listener;
}

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.closeGracefully(100);
  lines.length = 0;
});

/** Sends exactly these bytes and gives what comes until the server ends the connection. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.setTimeout(8_000, () => socket.destroy(new Error('no end')));
  });
}

const get = (port: number, target: string, headers: string[] = [], host = 'localhost') =>
  raw(
    port,
    [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', ''].join('\r\n'),
  );

const codeOf = (answer: string): string | undefined => /"code":"([A-Z_]+)"/.exec(answer)?.[1];

describe('requests sent one behind the other', () => {
  it('all end with their connection', async () => {
    const ended: string[] = [];
    const wait = route('/wait/:name', (_, __, { params, signal }) => {
      signal.addEventListener('abort', () => void ended.push(params['name'] as string));
      lines.push(params['name'] as string);
    });
    const { port } = await serve([wait]);
    const socket = connect(port, '127.0.0.1');
    for (const name of ['one', 'two', 'three'])
      socket.write(`GET /wait/${name} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await expect.poll(() => lines.length).toBe(3);
    socket.destroy();
    await expect.poll(() => ended.sort()).toEqual(['one', 'three', 'two']);
  });
});

describe('a listener', () => {
  it('serves a declared route with a request id and the security headers', async () => {
    const { url } = await serve();
    const answer = await fetch(`${url}/echo/did%3Akey`);
    expect(await answer.text()).toBe('did:key');
    expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('answers problems as RFC 9457 with the same request id in body and header', async () => {
    const { url } = await serve();
    const answer = await fetch(`${url}/nothing`);
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(problem).toMatchObject({ type: 'urn:talos:problem:NOT_FOUND', status: 404, code: 'NOT_FOUND' });
    expect(problem['request_id']).toBe(answer.headers.get('x-request-id'));
  });

  it('names the methods of a route that exists under another method', async () => {
    const { url } = await serve();
    const answer = await fetch(`${url}/body`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('logs what it did not expect and shows none of it', async () => {
    const failing = route('/fails', () => {
      throw new Error('canary-of-the-inside');
    });
    const { url } = await serve([failing]);
    const answer = await fetch(`${url}/fails`);
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('canary')]);
    expect(lines.join('')).toContain('canary-of-the-inside');
  });

  it('says which port is taken and which setting changes it', async () => {
    const { port } = await serve();
    const second = serve([echo], { port });
    await expect(second).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      data: { hint: expect.stringContaining('set --kernel-port (TALOS_KERNEL_PORT) to a free one') },
    });
  });

  it('tells a handler that the client went away, also while the guard was asked', async () => {
    const asked = deferred();
    const seen = deferred();
    const guarded = route('/late', (_request, _response, { signal }) => seen.resolve(signal.aborted), {
      surface: 'admin',
      permission: 'test:read',
    });
    const guards = {
      admin: async ({ socket }: IncomingMessage) => {
        const gone = once(socket, 'close');
        asked.resolve(undefined);
        await gone;
        return undefined;
      },
    };
    const { url } = await serve([guarded], { guards });
    const leaving = new AbortController();
    const answer = fetch(`${url}/late`, { signal: leaving.signal }).catch(() => 'gone');
    await asked.promise;
    leaving.abort();
    expect(await answer).toBe('gone');
    expect(await seen.promise).toBe(true);
  });

  it('finishes running calls before it closes, and cuts those that outlast the limit', async () => {
    const arrived = deferred();
    let release: () => void = () => undefined;
    const slow = route('/slow', async (_, response) => {
      arrived.resolve(undefined);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      response.end('done');
    });
    const { url, closeGracefully } = await serve([slow]);
    const answer = fetch(`${url}/slow`);
    await arrived.promise;
    const closed = closeGracefully(5_000);
    release();
    expect(await (await answer).text()).toBe('done');
    const answered = performance.now();
    expect(await closed).toBe(true);
    // Not held up by a client that keeps its connection for another request.
    expect(performance.now() - answered).toBeLessThan(2_000);

    const stuck = deferred();
    const never = route('/never', () => {
      stuck.resolve(undefined);
      return new Promise(() => undefined);
    });
    const other = await serve([never]);
    const cut = fetch(`${other.url}/never`).catch(() => 'cut');
    await stuck.promise;
    expect(await other.closeGracefully(50)).toBe(false);
    expect(await cut).toBe('cut');
  });
});

function deferred() {
  let resolve: (value: unknown) => void = () => undefined;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** More than Node keeps by itself. */
const MANY = Array.from({ length: 2_100 }, () => 'a: b');

describe('requests that could mean two things', () => {
  const refused: [string, string, string[]][] = [
    ['an absolute-form target', 'http://localhost/echo/a', []],
    ['an authority-form target', '*', []],
    ['a dot segment', '/echo/../echo/a', []],
    ['an encoded dot segment', '/echo/%2E%2E', []],
    ['an encoded letter', '/%65cho/a', []],
    ['a lowercase escape', '/echo/a%3ab', []],
    ['an encoded NUL', '/echo/a%00', []],
    ['broken UTF-8', '/echo/%FF', []],
    ['an empty segment', '//echo/a', []],
    ['a backslash', '/echo\\a', []],
    ['a method override', '/echo/a', ['X-HTTP-Method-Override: DELETE']],
    ['a content encoding', '/echo/a', ['Content-Encoding: gzip']],
    ['two credentials of one kind', '/echo/a', ['Authorization: Bearer a', 'authorization: Bearer b']],
    ['two credentials of two kinds', '/echo/a', ['Authorization: Bearer a', 'X-Api-Key: b']],
    ['a credential of a third kind', '/echo/a', ['Authorization: Bearer a', 'X-Goog-Api-Key: b']],
    ['a credential behind 2,000 headers', '/echo/a', ['Api-Key: a', ...MANY, 'Authorization: Bearer b']],
    ['a header of the MAC given twice', '/echo/a', ['Mcp-Session-Id: a', 'Mcp-Session-Id: b']],
    ['two hosts', '/echo/a', ['Host: localhost']],
  ];
  it.each(refused)('%s is MALFORMED', async (_, target, headers) => {
    const { port } = await serve();
    const answer = await get(port, target, headers);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(codeOf(answer)).toBe('MALFORMED');
  });

  it('a message framed twice is refused', async () => {
    const { port } = await serve();
    const head =
      'POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await raw(port, `${head}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('foreign hosts and origins', () => {
  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:8000', 'talos.example', 'talos.example:443'])(
    'the host %s is served',
    async (host) => {
      const { port } = await serve();
      expect(await get(port, '/echo/a', [], host)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'talos.example.evil',
    '',
    'a@localhost',
  ])('the host "%s" is HOST_REFUSED', async (host) => {
    const { port } = await serve();
    expect(codeOf(await get(port, '/echo/a', [], host))).toBe('HOST_REFUSED');
  });
  it.each(['http://localhost:3000', 'https://app.example'])('the origin %s may call', async (origin) => {
    const { port } = await serve();
    expect(await get(port, '/echo/a', [`Origin: ${origin}`])).toMatch(/^HTTP\/1\.1 200 /);
  });
  it.each([
    'https://evil.example',
    'null',
    'https://localhost.evil',
    'file://localhost',
    'http://app.example',
  ])('the origin %s is ORIGIN_REFUSED', async (origin) => {
    const { port } = await serve();
    expect(codeOf(await get(port, '/echo/a', [`Origin: ${origin}`]))).toBe('ORIGIN_REFUSED');
  });
});

describe('bodies', () => {
  const post = (port: number, headers: string, content: string) =>
    raw(port, `POST /body HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${content}`);

  it('arrives whole within the limit', async () => {
    const { url } = await serve();
    const answer = await fetch(`${url}/body`, { method: 'POST', body: '0123456789' });
    expect(await answer.text()).toBe('10');
  });
  it('is refused by its announced length, before it is read', async () => {
    const { port } = await serve();
    expect(codeOf(await post(port, 'Content-Length: 11', ''))).toBe('TOO_LARGE');
  });
  it('is refused and cut when it grows without end', async () => {
    const { port } = await serve();
    expect(codeOf(await post(port, 'Transfer-Encoding: chunked', 'b\r\n01234567890\r\n'))).toBe('TOO_LARGE');
  });
  it('is refused with an answer that a client which goes on writing can still read', async () => {
    const { port } = await serve();
    const socket = connect(port, '127.0.0.1').pause();
    const head =
      'POST /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const faults: Error[] = [];
    const closed = new Promise<string>((resolve) => socket.once('close', () => resolve('closed')));
    socket.on('error', (error) => faults.push(error));
    await new Promise((resolve) => socket.write(`${head}${chunk}`, resolve));
    const wrote: boolean[] = [];
    // Far longer than an answer takes, in turns of both sides, and within the time that is left for reading.
    for (let turn = 0; turn < 100; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      wrote.push(socket.writable && socket.write('1\r\nx\r\n'));
    }
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.resume();
    expect(codeOf(await Promise.race([answer, closed]))).toBe('TOO_LARGE');
    expect([faults, wrote.includes(false)]).toEqual([[], false]);
    socket.destroy();
  });
  it('is refused and cut when it does not come', async () => {
    const { port } = await serve();
    expect(codeOf(await post(port, 'Content-Length: 5', 'abc'))).toBe('TIMEOUT');
  });
});

describe('headers', () => {
  it('of a legal 16 KiB chain fit, of 32 KiB do not', async () => {
    const { port } = await serve();
    expect(await get(port, '/echo/a', [`Authorization: Bearer ${'x'.repeat(23_000)}`])).toMatch(
      /^HTTP\/1\.1 200/,
    );
    const answer = await get(port, '/echo/a', [`Authorization: Bearer ${'x'.repeat(40_000)}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toMatch(/x-request-id: req_/);
  });
  it('that trickle are cut', async () => {
    const { port } = await serve([echo], { limits: { headersTimeoutMs: 100 } });
    expect(await raw(port, 'GET /echo/a HTTP/1.1\r\nHost: loc')).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });
});

describe('guards', () => {
  const admin = route('/talos/v1/admin', (_, response) => void response.end('in'), {
    surface: 'admin',
    permission: 'test:read',
  });
  const guards = { admin: createTokenGuard(TOKEN) };

  it('keep a listener without the one it needs from starting', async () => {
    await expect(serve([admin])).rejects.toThrow(TypeError);
  });
  // RBAC-9
  it.each(['admin', 'service'] as const)(
    'of the surface %s: no route without a permission',
    async (surface) => {
      for (const permission of [undefined, 'test', 'test:*', '*:*', 'Test:read'] as `${string}:${string}`[]) {
        const bare = { ...admin, surface, permission };
        await expect(serve([bare], { guards: { ...guards, service: guards.admin } })).rejects.toThrow(
          TypeError,
        );
      }
    },
  );
  it('let the right token pass and nothing else', async () => {
    const { port } = await serve([admin], { guards });
    const call = (value: string) => get(port, '/talos/v1/admin', [`Authorization: ${value}`]);
    expect(await call(`Bearer ${TOKEN}`)).toMatch(/^HTTP\/1\.1 200 /);
    for (const wrong of [
      '',
      TOKEN,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      'Bearer ',
    ]) {
      expect(codeOf(await call(wrong))).toBe('UNAUTHENTICATED');
    }
  });
});

describe('a mounted Hono app', () => {
  const app = () => {
    const hono = new Hono<{ Bindings: MountBindings }>();
    hono.post('/talos/v1/things', async (c) =>
      c.json({ size: (await c.req.text()).length, id: c.env.context.requestId }),
    );
    hono.get('/talos/v1/things/:id', () => {
      throw new TrustError('CONFLICT', 'it is taken');
    });
    return hono;
  };
  const declared = [
    { method: 'POST', path: '/talos/v1/things', surface: 'public', audit: 'none', maxBody: 10 },
    { method: 'GET', path: '/talos/v1/things/:id', surface: 'public', audit: 'none' },
  ] as const;

  it('serves its declared routes, with bounded bodies and problems', async () => {
    const { url } = await serve(mountHono(app(), declared));
    const fits = await fetch(`${url}/talos/v1/things`, { method: 'POST', body: '0123456789' });
    expect(await fits.json()).toEqual({ size: 10, id: fits.headers.get('x-request-id') });
    const large = await fetch(`${url}/talos/v1/things`, { method: 'POST', body: '0123456789a' });
    expect([large.status, large.headers.get('content-type')]).toEqual([413, 'application/problem+json']);
    const conflict = await fetch(`${url}/talos/v1/things/1`);
    expect(await conflict.json()).toMatchObject({ code: 'CONFLICT', detail: 'it is taken' });
  });
  it('cannot serve a route it did not declare, nor declare one it does not serve', () => {
    expect(() => mountHono(app(), declared.slice(0, 1))).toThrow(/not declared/);
    const more = { method: 'DELETE', path: '/talos/v1/things', surface: 'public', audit: 'none' } as const;
    expect(() => mountHono(app(), [...declared, more])).toThrow(/not served/);
  });
});

/** A route that acts where its path says (RBAC-18). */
const placed = {
  path: '/things/:thing',
  surface: 'admin',
  permission: 'audit:read',
  place: { kind: 'trace', attributes: { trace_id: 'thing' } },
};

describe('a route', () => {
  it.each([
    ['no surface', { surface: undefined }],
    ['no audit mode', { audit: undefined }],
    ['an unknown surface', { surface: 'everybody' }],
    ['no handler', { handle: undefined }],
    ['a path that is none', { path: 'echo' }],
    ['a star in the middle', { path: '/a/*/b' }],
  ])('with %s keeps the process from starting', async (_, fault) => {
    await expect(serve([{ ...echo, ...fault } as unknown as Route])).rejects.toThrow(TypeError);
  });
  it.each([
    ['of nowhere', { place: { kind: 'trace', attributes: {} } }],
    ['its path does not name', { place: { kind: 'trace', attributes: { trace_id: 'other' } } }],
    [
      'of which its path has only the beginning',
      { place: { kind: 'trace', attributes: { trace_id: 'thin' } } },
    ],
    ['by path and by body', { scoped: true }],
    ['that nobody asks for', { surface: 'public' }],
  ])('with a place %s keeps the process from starting', async (_, fault) => {
    await expect(serve([{ ...echo, ...placed, ...fault } as unknown as Route])).rejects.toThrow(
      /declares a place/,
    );
  });
  it('declared twice, under other parameter names too, keeps it from starting', async () => {
    await expect(serve([echo, { ...echo, path: '/echo/:other' }])).rejects.toThrow(/twice/);
  });
  it('with literal segments wins over one with parameters, whatever their order', async () => {
    const star = route('/echo/*', (_, response, { params }) => void response.end(`star ${params['*']}`));
    const literal = route('/echo/me', (_, response) => void response.end('literal'));
    const { url } = await serve([star, echo, literal]);
    const text = async (path: string) => (await fetch(url + path)).text();
    expect(await text('/echo/me')).toBe('literal');
    expect(await text('/echo/you')).toBe('you');
    expect(await text('/echo/you/too')).toBe('star you/too');
  });
});
