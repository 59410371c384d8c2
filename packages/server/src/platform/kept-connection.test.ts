import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createListener, type Listener, type ListenerOptions } from './http.js';
import type { Route } from './routes.js';
import { clock, random } from './system.js';
import { createTestLog } from './testing/test-log.js';

const cleanUp: (() => unknown)[] = [];
const lines: string[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
  lines.length = 0;
});

const post = (path: string, handle: Route['handle']): Route => ({
  method: 'POST',
  path,
  surface: 'public',
  audit: 'none',
  handle,
});
/** Answers without a look at what it was sent. */
const deaf = post('/deaf', (_, response) => void response.end('deaf'));

async function serve(routes: Route[], more: Partial<ListenerOptions> = {}): Promise<Listener> {
  const listener = await createListener({
    name: 'gateway',
    host: '127.0.0.1',
    port: 0,
    routes,
    guards: {},
    allowedHosts: [],
    allowedOrigins: [],
    clock,
    random,
    log: createTestLog(lines),
    ...more,
  });
  cleanUp.push(() => listener.closeGracefully(100));
  return listener;
}

/** A client as most programs have it: one that keeps its connections. */
function keeping(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanUp.push(() => agent.destroy());
  return agent;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly isReused: boolean;
}

/** `pieces` are the body, sent one after another. */
function send(
  url: string,
  agent: Agent,
  pieces: readonly string[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      const { statusCode: status, headers: told } = answer;
      answer.resume().on('end', () => resolve({ status, headers: told, isReused: sent.reusedSocket }));
    });
    sent.on('error', reject);
    for (const piece of pieces.slice(0, -1)) sent.write(piece);
    sent.end(pieces.at(-1));
  });
}

const LARGE = 'x'.repeat(300_000);

describe('the next request of a client that keeps its connections', () => {
  const refused: [string, string, number, Record<string, string>][] = [
    ['where nothing is', '/nope', 404, {}],
    ['with two credentials', '/deaf', 400, { authorization: 'Bearer a', 'x-api-key': 'b' }],
    ['with a method override', '/deaf', 400, { 'x-http-method-override': 'GET' }],
    ['with a content encoding', '/deaf', 400, { 'content-encoding': 'gzip' }],
    ['to a foreign host', '/deaf', 421, { host: 'evil.example' }],
    ['whose body nobody reads', '/deaf', 200, {}],
  ];
  const bodies: [string, string[]][] = [
    ['a short body', ['{}']],
    ['a body in pieces', ['{', '}']],
    ['a long body', [LARGE]],
    ['no body', ['']],
  ];
  const cases = refused.flatMap((one) => bodies.map((body) => [one[0], body[0], one, body[1]] as const));

  it.each(cases)('is answered after one %s, %s', async (_name, _body, [, path, status, headers], pieces) => {
    const { url } = await serve([deaf]);
    const agent = keeping();
    for (let turn = 0; turn < 20; turn += 1) {
      expect((await send(`${url}${path}`, agent, pieces, headers)).status).toBe(status);
      expect((await send(`${url}/deaf`, agent, [''])).status).toBe(200);
    }
  });

  it.each(bodies)('is answered by fetch too, after a refusal of %s', async (_, pieces) => {
    const { url } = await serve([deaf]);
    for (let turn = 0; turn < 20; turn += 1) {
      const answer = await fetch(`${url}/nope`, { method: 'POST', body: pieces.join('') });
      await answer.text();
      expect([answer.status, (await fetch(`${url}/deaf`, { method: 'POST' })).status]).toEqual([404, 200]);
    }
  });
});

describe('a connection', () => {
  it('is kept after a refusal whose body came with it', async () => {
    const { url } = await serve([deaf]);
    const agent = keeping();
    const first = await send(`${url}/nope`, agent, ['{}']);
    const second = await send(`${url}/nope`, agent, ['{}']);
    expect([first.headers.connection, second.isReused]).toEqual(['keep-alive', true]);
  });

  it('is closed, and said to be, after an answer that did not wait for the whole body', async () => {
    const { url } = await serve([deaf]);
    const agent = keeping();
    for (const path of ['/nope', '/deaf']) {
      const { headers, isReused } = await send(`${url}${path}`, agent, [LARGE]);
      expect([headers.connection, isReused]).toEqual(['close', false]);
    }
  });

  it('is closed, and said to be, by a listener that takes no more', async () => {
    let arrive: () => void = () => undefined;
    let release: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const slow = post('/slow', async (_, response) => {
      arrive();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      response.end('done');
    });
    const { url, closeGracefully } = await serve([slow]);
    const answer = send(`${url}/slow`, keeping(), ['']);
    await arrived;
    const closed = closeGracefully(5_000);
    release();
    expect((await answer).headers.connection).toBe('close');
    expect(await closed).toBe(true);
  });

  it('is kept longer than its client is told, for a request that is on its way by then', async () => {
    const { port } = await serve([deaf]);
    const socket = connect(port, '127.0.0.1');
    let [told, answered] = ['', 0];
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (data) => {
      told += data;
      answered = performance.now();
    });
    socket.write('POST /deaf HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
    await closed;
    const seconds = Number(/keep-alive: timeout=([0-9]+)/i.exec(told)?.[1]);
    expect(performance.now() - answered - seconds * 1_000).toBeGreaterThan(500);
  }, 10_000);
});
