import { PROBLEMS, type ProblemCode } from '@talosprotocol/contracts';
import { attenuate, attenuateToBearer, createSigner, parseBearerKey } from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openListeners } from '../../packages/server/src/main/listeners.js';
import { callOnce } from '../support/mcp-clients.js';
import { type RawAnswer, type RawRequest, rawRequest } from '../support/raw-http.js';
import { CASES, type Case, SERVICES, type Service } from '../support/route-cases.js';
import { castOf, crypto, deps, openWorld, seconds, type World } from '../support/world.js';

// Only watched: it runs as it is, and tells which routes the rooms declared.
vi.mock('../../packages/server/src/main/listeners.js', { spy: true });

const EVERY = Object.entries(CASES).flatMap(([service, cases]) =>
  cases.map((one) => [`${service} ${one.method} ${one.path}`, service as Service, one] as const),
);
const WITH_BODY = EVERY.filter(([, , { body }]) => body !== undefined);
const WITHOUT_BODY = EVERY.filter(([, , { body }]) => body === undefined);

let world: World;
let key: string;
const urls = (): Record<Service, string> => world.ready;

beforeAll(async () => {
  world = await openWorld();
  const cast = await castOf(world, world.files);
  const options = { aud: 'same', grants: 'same', exp: seconds() + 3600 } as const;
  key = attenuateToBearer(cast.agentChain, options, cast.agent.signer, deps);
});
afterAll(() => world?.close());

afterEach(async () => {
  for (const service of SERVICES) {
    expect((await fetch(new URL('/health/ready', urls()[service]))).status).toBe(200);
  }
});

type Headers = readonly (readonly [string, string])[];

function credential({ auth }: Case): Headers {
  if (auth === 'none') return [];
  return [['Authorization', `Bearer ${auth === 'admin' ? world.adminToken : key}`]];
}

const JSON_TYPE: Headers = [['Content-Type', 'application/json']];

/** The well-formed request with one thing changed. */
function send(service: Service, one: Case, change: Partial<RawRequest> & { more?: Headers } = {}) {
  const { more = [], headers = [...credential(one), ...(one.body ? JSON_TYPE : [])], ...rest } = change;
  const body = one.body === undefined ? '' : JSON.stringify(one.body());
  const base = { method: one.method, target: one.target, body };
  return rawRequest(urls()[service], { ...base, ...rest, headers: [...headers, ...more] });
}

const MEMBERS = new Set(
  'type title status code detail request_id retryable hint link item caveat'.split(' '),
);
const LEAKS = /\n\s+at |node_modules|\.[cm]?[jt]s[:"']|\/work\/|\/tmp\/|\/root\/|postgres|SELECT |Error:/i;

/** The code of a typed refusal; anything else fails the test. */
function codeOf(answer: RawAnswer, label: string): ProblemCode | number {
  const { status, headers, body } = answer;
  expect(status, `${label}: ${body}`).toBeGreaterThanOrEqual(400);
  expect(body, label).not.toMatch(LEAKS);
  expect(headers['x-request-id'], label).toMatch(/^req_[0-9a-f-]{36}$/);
  const answered = JSON.parse(body);
  if (answered.error?.hint !== undefined) return codeOfModelRoute(answer, answered, label);
  if (answered.jsonrpc === '2.0') {
    expect(Object.keys(answered).sort(), label).toEqual(['error', 'id', 'jsonrpc']);
    const { code, data } = answered.error;
    if (code !== -32010) return code;
    expect(data, label).toMatchObject({ request_id: headers['x-request-id'], hint: expect.any(String) });
    expect(Object.keys(PROBLEMS), label).toContain(data.code);
    return data.code;
  }
  expect(headers['content-type'], label).toBe('application/problem+json');
  expect(
    Object.keys(answered).filter((name) => !MEMBERS.has(name)),
    label,
  ).toEqual([]);
  const { code, type, title, request_id } = answered as { code: ProblemCode } & Record<string, string>;
  expect(answered.status, label).toBe(status);
  if (status !== 431) expect(PROBLEMS[code]?.status, label).toBe(status);
  expect({ type, title, request_id }, label).toEqual({
    type: `urn:talos:problem:${code}`,
    title: PROBLEMS[code].title,
    request_id: headers['x-request-id'],
  });
  return code;
}

/** LLM-9 */
function codeOfModelRoute(
  { status, headers }: RawAnswer,
  { error, ...rest }: Record<string, Record<string, string>>,
  label: string,
): ProblemCode {
  const code = error!['code'] as ProblemCode;
  expect(headers['content-type'], label).toBe('application/json');
  expect(error!['request_id'] ?? rest['request_id'], label).toBe(headers['x-request-id']);
  expect(Object.keys(PROBLEMS), label).toContain(code);
  if (status !== 401) expect(PROBLEMS[code].status, label).toBe(status);
  expect(headers['x-should-retry'], label).toBe(String(PROBLEMS[code].retryable));
  return code;
}

async function refused(service: Service, one: Case, label: string, change: Parameters<typeof send>[2]) {
  return codeOf(await send(service, one, change), label);
}

describe('the cases of this file', () => {
  it('are the routes that the rooms declare: each has one', () => {
    const [declared] = vi.mocked(openListeners).mock.calls[0]!;
    const names = Object.entries(declared).flatMap(([service, routes]) =>
      routes.map(({ method, path }) => `${service} ${method} ${path}`),
    );
    expect(names.sort()).toEqual(EVERY.map(([name]) => name).sort());
    for (const [, service, one] of EVERY) {
      const route = declared[service]!.find(
        ({ method, path }) => method === one.method && path === one.path,
      )!;
      if (route.surface === 'admin') expect(one.auth).toBe('admin');
    }
  });
});

// DEC-3, SES-7
describe.each(EVERY)('%s', (_, service, one) => {
  it('refuses other methods, and says which it has', async () => {
    const served = (method: string) =>
      CASES[service].some((other) => other.path === one.path && other.method === method);
    for (const method of ['PATCH', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND'].filter((name) => !served(name))) {
      const answer = await send(service, one, { method, body: '' });
      expect(codeOf(answer, method)).toBe('METHOD_NOT_ALLOWED');
      expect(answer.headers['allow']).toContain(one.method);
    }
    for (const method of ['CONNECT', 'BREW', 'get']) {
      const answer = await send(service, one, { method, body: '' }).catch(() => undefined);
      // Node itself hangs up on CONNECT.
      if (answer !== undefined) codeOf(answer, method);
    }
  });

  it('tells nothing to whoever has no credential, or a wrong one', async () => {
    if (one.auth === 'none') return;
    const wrong = [
      'Bearer tal_admin_wrong',
      'Bearer ',
      'Basic Og==',
      `Bearer ${'x'.repeat(300)}`,
      'Talos sid=',
    ];
    for (const authorization of [undefined, ...wrong]) {
      const headers = [...(one.body ? JSON_TYPE : []), ...credentialText(authorization)];
      const answer = await send(service, one, { headers });
      const code = codeOf(answer, String(authorization));
      if (one.auth === 'admin') expect([answer.status, code]).toEqual([401, 'UNAUTHENTICATED']);
      else expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it('refuses what two readers could read apart', async () => {
    const { host } = new URL(urls()[service]);
    const twice: Headers = [...credential(one), ['Authorization', 'Bearer x'], ['Authorization', 'Bearer y']];
    const bad: readonly (readonly [string, Partial<RawRequest> & { more?: Headers }])[] = [
      ['absolute form', { target: `http://${host}${one.target}` }],
      ['foreign absolute form', { target: `http://evil.example${one.target}` }],
      ['an empty segment', { target: `/${one.target}` }],
      ['a dot segment', { target: `/x/..${one.target}` }],
      ['an escaped dot segment', { target: `/%2e%2e${one.target}` }],
      ['a lower-case escape', { target: `${one.target.split('?')[0]}%2fx` }],
      ['a fragment', { target: `${one.target}#x` }],
      ['a content encoding', { more: [['Content-Encoding', 'gzip']] }],
      ['an identity encoding', { more: [['Content-Encoding', 'identity']] }],
      ['two credentials', { headers: twice }],
      ...['X-Api-Key', 'Api-Key', 'X-Goog-Api-Key'].map((name) => {
        const headers: Headers = [
          ['Authorization', 'Bearer x'],
          [name, 'y'],
        ];
        return [`a credential and ${name}`, { headers }] as const;
      }),
      ['an override', { more: [['X-HTTP-Method-Override', 'DELETE']] }],
      ['another override', { more: [['X-HTTP-Method', 'DELETE']] }],
      ['a third override', { more: [['X-Method-Override', 'DELETE']] }],
      ['a content type twice', { more: [...JSON_TYPE, ...JSON_TYPE] }],
      ['two lengths', { headers: [...credential(one), ['Content-Length', '2'], ['Content-Length', '3']] }],
      [
        'a length and chunks',
        {
          headers: [
            ['Content-Length', '2'],
            ['Transfer-Encoding', 'chunked'],
          ],
        },
      ],
    ];
    for (const [label, change] of bad) {
      const answer = await send(service, one, change);
      expect([answer.status, codeOf(answer, label)], label).toEqual([400, 'MALFORMED']);
    }
  });

  it('refuses foreign hosts and pages', async () => {
    for (const host of [
      'evil.example',
      '169.254.169.254',
      'localhost.evil.example',
      '127.0.0.1.nip.io:80',
      '',
    ]) {
      expect(await refused(service, one, `host ${host}`, { more: [['Host', host]] })).toBe('HOST_REFUSED');
    }
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'file://']) {
      expect(await refused(service, one, `origin ${origin}`, { more: [['Origin', origin]] })).toBe(
        'ORIGIN_REFUSED',
      );
    }
  });

  it('takes headers with the longest legal key, and no more than 32 KiB', async () => {
    const long = `talos_${'a'.repeat(16_384)}~${'A'.repeat(43)}`;
    const headers: Headers = [['Authorization', `Bearer ${long}`], ...(one.body ? JSON_TYPE : [])];
    const answer = await send(service, one, { headers });
    expect(answer.status).not.toBe(431);
    if (answer.status >= 400) codeOf(answer, 'long key');
    const huge = await send(service, one, { more: [['X-Filler', 'a'.repeat(33_000)]] });
    expect([huge.status, codeOf(huge, 'huge')]).toEqual([431, 'TOO_LARGE']);
  });

  it('answers a query it does not know, however long, with a type or not at all differently', async () => {
    for (const query of [
      'x=1',
      'limit=1&limit=2',
      `x=${'a'.repeat(8000)}`,
      'limit=-1',
      'cursor=%00',
      'from=9e9',
    ]) {
      const answer = await send(service, one, { target: `${one.target.split('?')[0]}?${query}` });
      if (answer.status >= 400) codeOf(answer, query.slice(0, 20));
      expect(answer.status).toBeLessThan(500);
    }
  });
});

describe.each(WITH_BODY)('%s', (_, service, one) => {
  const rpc = one.path.startsWith('/mcp');
  // Of a request to a model what is wrong with its members is decided, and recorded, like all else.
  const decided = one.auth === 'key' && !rpc ? ['an unknown member', 'a prototype'] : [];

  it('takes JSON only', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      'json',
    ]) {
      const headers: Headers = [...credential(one), ['Content-Type', type]];
      const answer = await send(service, one, { headers });
      expect([answer.status, codeOf(answer, type)]).toEqual([415, rpc ? -32000 : 'UNSUPPORTED_MEDIA_TYPE']);
    }
    const none = await send(service, one, { headers: credential(one) });
    expect(none.status).toBe(415);
  });

  it('takes strict JSON of the one shape only', async () => {
    const good = JSON.stringify(one.body!());
    const bad: readonly (readonly [string, string | Uint8Array])[] = [
      ['nothing', ''],
      ['no JSON', '{"a":'],
      ['a second value', `${good}{}`],
      ['a byte order mark', `\uFEFF${good}`],
      ['bad UTF-8', Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xff, 0x7d])])],
      ['a list', '[]'],
      ['null', 'null'],
      ['a string', '"x"'],
      ['a member twice', `{${good.slice(1, -1)},${good.slice(1)}`],
      [
        'a member twice, once escaped',
        good.replace(
          /"(\w)(\w+)":/,
          (all, a: string, b: string) => `${all}1,"\\u00${a.charCodeAt(0).toString(16)}${b}":`,
        ),
      ],
      ['depth', `{"a":${'['.repeat(70)}${']'.repeat(70)}}`],
      ['great depth', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
      ['an integer beyond 2^53', `{"a":9007199254740993}`],
      ['a lone surrogate', '{"a":"\\ud800"}'],
      ['an unknown member', `{"extra":1,${good.slice(1)}`],
      ['a prototype', `{"__proto__":{},${good.slice(1)}`],
    ];
    for (const [label, body] of bad) {
      const answer = await send(service, one, { body });
      const code = codeOf(answer, label);
      expect(answer.status, label).toBe(decided.includes(label) ? 404 : 400);
      if (decided.includes(label)) expect(code, label).toBe('UNKNOWN_MODEL');
      else expect(rpc ? [-32700, -32600] : ['MALFORMED'], label).toContain(code);
    }
  });

  it('reads no more than its limit', async () => {
    const stated = await send(service, one, { body: '', more: [['Content-Length', '99999999999']] });
    expect(codeOf(stated, 'stated')).toBe('TOO_LARGE');
    let written = 0;
    // So large that a route with the largest limit is through with it in the second that a body may take here.
    const chunk = `100000\r\n${'x'.repeat(1_048_576)}\r\n`;
    const answer = await send(service, one, {
      more: [['Transfer-Encoding', 'chunked']],
      stream: (write) => {
        const pump = (): void => {
          if (!write(chunk)) return;
          written += chunk.length;
          setTimeout(pump, 1);
        };
        pump();
      },
    });
    expect(codeOf(answer, 'endless')).toBe('TOO_LARGE');
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });
});

describe.each(WITHOUT_BODY)('%s', (_, service, one) => {
  it('does not wait for a body, whatever is announced', async () => {
    const began = Date.now();
    const stated = await send(service, one, { more: [['Content-Length', '99999999999']], timeoutMs: 5_000 });
    const endless = await send(service, one, {
      more: [['Transfer-Encoding', 'chunked']],
      stream: (write) => void write('10000\r\nxxxx'),
    });
    for (const answer of [stated, endless]) {
      if (answer.status >= 400) codeOf(answer, 'body');
      expect(answer.status).toBeLessThan(500);
    }
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});

describe('a client that is slow', () => {
  it('to send its body gets TIMEOUT from every route that reads one, and one slow with headers too', async () => {
    const began = Date.now();
    const bodies = WITH_BODY.map(async ([name, service, one]) => {
      const stream = (write: (chunk: string) => boolean): void => {
        write('{');
        const drip = setInterval(() => write(' ') || clearInterval(drip), 300);
      };
      const answer = await send(service, one, {
        more: [['Content-Length', '5000']],
        stream,
        timeoutMs: 25_000,
      });
      return [name, codeOf(answer, name)];
    });
    for (const answer of await Promise.all(SERVICES.map(slowHeaders))) {
      expect([answer.status, codeOf(answer, 'headers')]).toEqual([408, 'TIMEOUT']);
    }
    expect(Date.now() - began).toBeLessThan(8_000);
    expect(await Promise.all(bodies)).toEqual(WITH_BODY.map(([name]) => [name, 'TIMEOUT']));
    expect(Date.now() - began).toBeLessThan(20_000);
  });
});

/** Sends one header after the other, and never an end of them. */
function slowHeaders(service: Service): Promise<RawAnswer> {
  const stream = (write: (chunk: string) => boolean): void => {
    const drip = setInterval(() => write('X-Slow: 1\r\n') || clearInterval(drip), 200);
  };
  return rawRequest(urls()[service], { method: 'GET', target: '/health/live', stream, unfinished: true });
}

// CAP-4
describe('the longest legal chain', () => {
  it('passes as a bearer key in a header', async () => {
    const { docs, guide } = world.files;
    const cast = await castOf(world, world.files, { dlg: 7 });
    let chain = cast.agentChain;
    let holder = cast.agent.signer;
    const grants = [{ scope: `tool:files/method:*/resource:${docs}`, ops: ['read' as const] }];
    for (let link = 2; link <= 7; link += 1) {
      const next = createSigner(new Uint8Array(32).fill(link), crypto);
      const only = Array.from({ length: 18 }, (_, n) => `/${'p'.repeat(60)}${n}`);
      const padded = [...grants, { ...grants[0]!, only }];
      const more = { sub: next.did, grants: padded, exp: 'same', dlg: 8 - link, bearer_below: true } as const;
      chain = attenuate(chain, more, holder, deps).chain;
      holder = next;
    }
    const leaf = { aud: 'same', grants, exp: seconds() + 60 } as const;
    const full = attenuateToBearer(chain, { ...leaf, aud: [world.ready.gatewayDid] }, holder, deps);
    const { length } = parseBearerKey(full, crypto).chain.chain;
    expect(length).toBeGreaterThan(14_000);
    expect(length).toBeLessThanOrEqual(16_384);
    const outcome = await callOnce(world.ready.gateway, { key: full }, 'files__read_text_file', {
      path: guide,
    });
    expect(outcome).toEqual({ text: '# Guide\n' });
  });
});

function credentialText(authorization: string | undefined): Headers {
  return authorization === undefined ? [] : [['Authorization', authorization]];
}
