import type { Grant, ToolManifest } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { issueKey, lidOf, newRid, openWorld, type World } from '../testing/world.js';
import { nastyServer } from './upstream/testing/deps.js';

const bare = (op: 'read' | 'write'): ToolManifest => ({ op, resources: [] });
const { command, args } = nastyServer('plain').run;
const servers = {
  nasty: { command, args: [...args], callTimeoutSeconds: 2 },
  broken: { command, args: [args[0] ?? '', 'crash'] },
  twin: { command, args: [...args] },
};
const manifests = {
  nasty: {
    count: bare('write'),
    die: bare('write'),
    silent: bare('read'),
    change: bare('read'),
    spoof: bare('read'),
    sewer: bare('read'),
    environment: bare('read'),
  },
  broken: { count: bare('read') },
  twin: { count: bare('write') },
};
const all: Grant[] = [
  { scope: 'tool:nasty', ops: ['read', 'write'] },
  { scope: 'tool:broken', ops: ['read'] },
];

let database: TestDatabase;
let world: World;
let key: string;

beforeAll(async () => {
  database = await openTestDatabase();
  world = await openWorld(database, servers, manifests);
  key = issueKey(all);
});
afterEach(() => {
  delete world.audit.state.fault;
  delete world.audit.state.gate;
  delete world.audit.state.isAnswerLost;
});
afterAll(async () => {
  await world?.close();
  await database?.close();
});

async function post(body: unknown, headers: Record<string, string> = {}, path = '') {
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const call = (name: string, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: {}, ...more },
});
const text = async (response: Response) => {
  const body = (await response.json()) as {
    result?: { content: { text: string }[] };
    error?: { data: object };
  };
  return body.result?.content[0]?.text ?? body.error?.data;
};
const silent = () =>
  world.audit.events.filter((event) => event.type === 'decision' && event.members.action.tool === 'silent')
    .length;
const ended = (status: string) =>
  expect
    .poll(() =>
      world.audit.events.some((event) => event.type === 'outcome' && event.members.status === status),
    )
    .toBe(true);
const decisions = () => world.audit.events.filter(({ type }) => type === 'decision').length;

describe('a message that is not one of ours (DEC-6)', () => {
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const deep = `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`;
  it.each<[string, unknown, number, number]>([
    ['no JSON', '{', 400, -32700],
    ['an empty body', '', 400, -32700],
    ['a repeated member', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, -32700],
    ['too much depth', deep, 400, -32700],
    ['an unsafe integer', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', 400, -32700],
    ['a batch', [list, list], 400, -32600],
    ['an empty batch', [], 400, -32600],
    ['a scalar', 7, 400, -32600],
    ['no version', { id: 1, method: 'ping' }, 400, -32600],
    ['id null', { ...list, id: null }, 400, -32600],
    ['a fraction as id', { ...list, id: 1.5 }, 400, -32600],
    ['an object as id', { ...list, id: {} }, 400, -32600],
    ['no id', { jsonrpc: '2.0', method: 'tools/call', params: { name: 'nasty__count' } }, 400, -32600],
    ['no method', { jsonrpc: '2.0', id: 1 }, 400, -32600],
    ['an unknown member', { ...list, extra: 1 }, 400, -32600],
    ['a result beside a method', { ...list, result: {} }, 400, -32600],
    ['params that are an array', { ...list, params: [] }, 400, -32602],
    ['_meta that is no object', { ...list, params: { _meta: 1 } }, 400, -32602],
    ['a task', call('nasty__count', { task: {} }), 200, -32602],
    ['an answer we never asked for', call('nasty__count', { inputResponses: {} }), 200, -32602],
    ['arguments that are an array', call('nasty__count', { arguments: [] }), 200, -32602],
    ['a name that is no string', { ...list, method: 'tools/call', params: { name: 1 } }, 200, -32602],
    ['a cursor', { ...list, params: { cursor: 'x' } }, 200, -32602],
    ['resources', { ...list, method: 'resources/read', params: { uri: 'file:///etc/passwd' } }, 200, -32601],
    ['prompts', { ...list, method: 'prompts/list' }, 200, -32601],
    ['a prototype name', { ...list, method: 'constructor' }, 200, -32601],
    ['a notification with an id', { ...list, method: 'notifications/initialized' }, 200, -32601],
  ])('is refused: %s', async (_, body, status, code) => {
    const before = decisions();
    const answer = await post(body);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    // DEC-7
    const request_id = expect.stringMatching(/^req_/);
    expect(answer.body.error.data).toEqual({
      code: 'MALFORMED',
      hint: expect.stringMatching(/.+/),
      request_id,
    });
    expect(decisions()).toBe(before);
  });

  it('is refused: another content type', async () => {
    const answer = await post(list, { 'content-type': 'text/plain' });
    expect([answer.status, answer.body.error.code]).toEqual([415, -32000]);
  });

  it('is refused: a body beyond the limit', async () => {
    const answer = await post(call('nasty__count', { arguments: { a: 'x'.repeat(1_100_000) } }));
    expect([answer.status, answer.body.code]).toEqual([413, 'TOO_LARGE']);
  });

  it('is not taken in: a large body of a caller whose key is refused', async () => {
    const authorization = `Bearer ${key.slice(0, -1)}${key.endsWith('A') ? 'E' : 'A'}`;
    const small = await post(call('nasty__count'), { authorization });
    expect([small.status, small.body.id, small.body.error.data.code]).toEqual([401, 1, 'PROOF_INVALID']);
    // No JSON at all: nobody looked.
    const large = await post('x'.repeat(20_000), { authorization });
    expect([large.status, large.body.id, large.body.error.data.code]).toEqual([401, null, 'PROOF_INVALID']);
    expect(world.audit.events.at(-1)).toMatchObject({
      principal: null,
      members: { effect: 'deny', code: 'PROOF_INVALID', action: { method: 'unread' } },
    });
  });

  it('is dropped: a response, an unknown notification', async () => {
    expect((await post({ jsonrpc: '2.0', id: 1, result: {} })).status).toBe(202);
    expect((await post({ jsonrpc: '2.0', method: 'notifications/unknown' })).status).toBe(202);
  });

  it('never makes the gateway fail, whatever it is', async () => {
    const json = fc.jsonValue();
    const almost = fc.record({ jsonrpc: fc.constant('2.0'), id: json, method: fc.string(), params: json });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), json, almost), async (body) => {
        const { status } = await post(typeof body === 'string' ? body : JSON.stringify(body));
        expect([200, 202, 400]).toContain(status);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['GET', 'DELETE'])('is refused: %s', async (method) => {
    const response = await fetch(world.url, { method, headers: { authorization: `Bearer ${key}` } });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('the revision of 2026-07-28 (DEC-5, DEC-6)', () => {
  const meta = (version: unknown, more: object = { 'io.modelcontextprotocol/clientCapabilities': {} }) => ({
    _meta: { 'io.modelcontextprotocol/protocolVersion': version, ...more },
  });
  const request = (params: object, method = 'tools/list') => ({ jsonrpc: '2.0', id: 'a', method, params });
  const named = (method: string, more = {}) => ({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...more,
  });
  const good = meta('2026-07-28');

  it.each<[string, object, Record<string, string>, number, number]>([
    ['no headers', request(good), {}, 400, -32020],
    ['another method in the header', request(good), named('tools/call'), 400, -32020],
    ['no name header', request({ ...good, name: 'x' }, 'tools/call'), named('tools/call'), 400, -32020],
    [
      'another name',
      request({ ...good, name: 'x' }, 'tools/call'),
      named('tools/call', { 'mcp-name': 'y' }),
      400,
      -32020,
    ],
    [
      'another version in the header',
      request(good),
      { ...named('tools/list'), 'mcp-protocol-version': '2025-11-25' },
      400,
      -32020,
    ],
    ['an unknown version', request(meta('2030-01-01')), named('tools/list'), 400, -32022],
    ['the older version in an envelope', request(meta('2025-11-25')), named('tools/list'), 400, -32022],
    ['no client capabilities', request(meta('2026-07-28', {})), named('tools/list'), 400, -32602],
    ['a version that is no string', request(meta(1)), named('tools/list'), 400, -32602],
    ['the header without the envelope', request({}), named('tools/list'), 400, -32602],
    ['initialize with its header', request({}, 'initialize'), named('initialize'), 400, -32020],
    ['ping', request(good, 'ping'), named('ping'), 404, -32601],
    ['initialize', request(good, 'initialize'), named('initialize'), 404, -32601],
    ['subscriptions', request(good, 'subscriptions/listen'), named('subscriptions/listen'), 404, -32601],
  ])('refuses %s', async (_, body, headers, status, code) => {
    const answer = await post(body, headers);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  it('serves discovery and calls, with names in either spelling', async () => {
    const found = await post(request(good, 'server/discover'), named('server/discover'));
    expect(found.body.result).toMatchObject({ resultType: 'complete', supportedVersions: ['2026-07-28'] });
    const encoded = `=?base64?${Buffer.from('nasty__environment').toString('base64')}?=`;
    const body = request({ ...good, name: 'nasty__environment' }, 'tools/call');
    const answer = await post(body, named('tools/call', { 'mcp-name': encoded }));
    expect(answer.body.result).toMatchObject({ resultType: 'complete' });
  });
});

describe('a credential (DEC-7, DEC-12, AUD-5)', () => {
  it.each<[string, Record<string, string>, string]>([
    ['none', { authorization: '' }, 'NO_CAPABILITY'],
    ['of another scheme', { authorization: 'Basic eDp5' }, 'NO_CAPABILITY'],
    ['that is no key', { authorization: 'Bearer talos_x' }, 'MALFORMED'],
    [
      'of an unknown session',
      { authorization: `Talos sid=ses_${'A'.repeat(38)}, seq=1, rid=${newRid()}, mac=${'A'.repeat(22)}` },
      'SESSION_UNKNOWN',
    ],
  ])('is refused and recorded: %s', async (_, headers, code) => {
    const answer = await post(call('nasty__count'), headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(answer.body.error).toMatchObject({ code: -32010, data: { code } });
    expect(world.audit.events.at(-1)).toMatchObject({ principal: null, members: { effect: 'deny', code } });
    expect(answer.headers.get('x-talos-receipt')).toBe(answer.body.error.data.receipt);
  });

  it('with one byte changed, or without its seed, opens nothing', async () => {
    const at = key.indexOf('.') + 20;
    const changed = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1);
    for (const bad of [changed, key.slice(0, key.lastIndexOf('~'))]) {
      expect((await post(call('nasty__count'), { authorization: `Bearer ${bad}` })).status).toBe(401);
    }
  });

  it('is not in the log or in any event', () => {
    const seed = key.slice(key.lastIndexOf('~') + 1);
    expect(JSON.stringify([world.log.lines, world.audit.events])).not.toContain(seed);
  });
});

describe('scope is decided before existence (DEC-8)', () => {
  it('and the answer is the same for tools that are there and tools that are not', async () => {
    const narrow = issueKey([{ scope: 'tool:nasty/method:environment', ops: ['read'] }]);
    const refusal = async (name: string) => {
      const answer = await post(call(name), { authorization: `Bearer ${narrow}` });
      const { receipt: _, request_id: __, ...data } = answer.body.error.data;
      return JSON.stringify(data).replaceAll(name.replace('nasty__', ''), 'TOOL');
    };
    const [there, gone] = [await refusal('nasty__count'), await refusal('nasty__nothing')];
    expect(there).toContain('SCOPE_MISMATCH');
    expect(gone).toBe(there);
  });

  it.each(['nasty__nothing', 'nothing', 'nasty__', '__proto__', ''])('inside its scope: %s', async (name) => {
    const answer = await post(call(name));
    expect(answer.body.error.data).toMatchObject({ code: 'UNKNOWN_TOOL' });
  });

  it('a server nobody configured has no tools', async () => {
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }, {}, '/nowhere');
    expect(answer.body.result).toEqual({ tools: [] });
  });
});

describe('an upstream that fails (DEC-7, DEC-10)', () => {
  it.each(['die', 'sewer', 'silent'])('fails the call: %s', async (name) => {
    const answer = await post(call(`nasty__${name}`));
    expect(answer.body.error).toMatchObject({ code: -32010, data: { code: 'UPSTREAM_FAILED' } });
    await expect.poll(() => world.audit.events.at(-1)).toMatchObject({ members: { status: 'failed' } });
    await expect
      .poll(async () => (await post(call('nasty__environment'))).body.result)
      .toMatchObject({ content: [{ type: 'text', text: expect.stringMatching(/^\{.*\}$/) }] });
  });

  it('to start denies the call, and takes away only its own tools', async () => {
    const answer = await post(call('broken__count'));
    expect(answer.status).toBe(200);
    expect(answer.body.error.data).toMatchObject({ code: 'UNAVAILABLE', receipt: expect.any(String) });
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const { tools } = (await post(list)).body.result;
    expect(tools.map(({ name }: { name: string }) => name)).toContain('nasty__count');
    const alone = (await post(list, {}, '/broken')).body.error.data.code;
    expect(['UPSTREAM_FAILED', 'UNAVAILABLE']).toContain(alone);
  });

  it('cannot speak in our name', async () => {
    const answer = await post(call('nasty__spoof'));
    expect(answer.body.error.code).toBe(-32603);
  });
});

describe('a write with a rid (SES-10, DEC-12)', () => {
  it('is done once, and answers the kept outcome with its receipt when it is tried again', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    const first = await agent.post(call('nasty__count'), { rid });
    const outcome = await text(first);
    await expect.poll(() => world.audit.events.at(-1)?.type).toBe('outcome');
    const again = await agent.post(call('nasty__count'), { rid });
    expect(await text(again)).toBe(outcome);
    expect(again.headers.get('x-talos-receipt')).toBe(first.headers.get('x-talos-receipt'));
    expect(await text(await agent.post(call('nasty__count')))).toBe(String(Number(outcome) + 1));
  });

  it('is refused: another request under it, or one that is too old', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    await agent.post(call('nasty__count'), { rid });
    const other = agent.post(call('nasty__count', { arguments: { path: 'x' } }), { rid });
    expect(await text(await other)).toMatchObject({ code: 'REPLAY' });
    const old = agent.post(call('nasty__count'), { rid: newRid(25 * 3_600_000) });
    expect(await text(await old)).toMatchObject({ code: 'REPLAY' });
  });

  it('is refused: the same words to another server, whose routes leave its name out', async () => {
    const agent = await world.agent([...all, { scope: 'tool:twin', ops: ['write'] }]);
    const rid = newRid();
    expect(typeof (await text(await agent.post(call('count'), { rid, path: '/nasty' })))).toBe('string');
    expect(await text(await agent.post(call('count'), { rid, path: '/twin' }))).toMatchObject({
      code: 'REPLAY',
    });
  });

  it('that is tried twice at once is dispatched once', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    const answers = await Promise.all([1, 2, 3].map(() => agent.post(call('nasty__count'), { rid })));
    const texts = await Promise.all(answers.map(text));
    const done = texts.filter((found) => typeof found === 'string');
    expect(new Set(done).size).toBe(1);
    for (const found of texts)
      if (typeof found !== 'string') expect(found).toMatchObject({ code: 'IN_PROGRESS' });
  });

  it('is refused with a number that was seen', async () => {
    const agent = await world.agent(all);
    await agent.post(call('nasty__count'), { seq: 5 });
    const again = await agent.post(call('nasty__count'), { seq: 5 });
    expect([again.status, await text(again)]).toMatchObject([401, { code: 'REPLAY' }]);
  });
});

describe('when the sink is down (AUD-7, DEC-2)', () => {
  it('nothing is answered but 503', async () => {
    world.audit.state.fault = new TrustError('UNAVAILABLE', 'the sink is down');
    for (const answer of [await post(call('nasty__count')), await post(call('x'), { authorization: '' })]) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body.error.data.code).toBe('UNAVAILABLE');
    }
  });

  it('below the disk reserve writes are refused', async () => {
    world.audit.state.fault = new TrustError('DISK_FULL', 'below the reserve');
    expect((await post(call('nasty__count'))).body.error.data.code).toBe('DISK_FULL');
  });

  it('a write does not start before its decision is durable; a read is not answered before', async () => {
    const before = Number((await post(call('nasty__count'))).body.result.content[0].text);
    await expect.poll(() => world.audit.events.at(-1)?.type).toBe('outcome');
    let open: () => void = () => undefined;
    world.audit.state.gate = new Promise((resolve) => {
      open = resolve;
    });
    let answered = 0;
    const pending = ['nasty__count', 'nasty__environment'].map(async (name) => {
      const answer = await post(call(name));
      answered += 1;
      return answer;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(0);
    world.audit.state.fault = new TrustError('UNAVAILABLE', 'the sink went down');
    open();
    for (const answer of await Promise.all(pending)) expect(answer.status).toBe(503);
    delete world.audit.state.fault;
    delete world.audit.state.gate;
    const after = Number((await post(call('nasty__count'))).body.result.content[0].text);
    expect(after).toBe(before + 1);
  });
});

describe('a write whose decision may be in the log though the log did not say so', () => {
  const allowedUnder = (rid: string) =>
    world.audit.events.filter((event) => {
      return (
        event.type === 'decision' && event.members.credential.rid === rid && event.members.effect === 'allow'
      );
    });

  it('is not dispatched, and not allowed a second time under its rid (SES-10)', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    const before = Number((await post(call('nasty__count'))).body.result.content[0].text);
    world.audit.state.isAnswerLost = true;
    expect((await agent.post(call('nasty__count'), { rid })).status).toBe(503);
    delete world.audit.state.isAnswerLost;
    for (let i = 0; i < 3; i += 1) {
      expect(await text(await agent.post(call('nasty__count'), { rid }))).toMatchObject({
        code: 'IN_PROGRESS',
      });
    }
    expect(allowedUnder(rid)).toHaveLength(1);
    expect(await text(await agent.post(call('nasty__count')))).toBe(String(before + 1));
  });

  it('that was certainly not recorded may be tried again under its rid', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    let open: () => void = () => undefined;
    world.audit.state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = agent.post(call('nasty__count'), { rid });
    await expect.poll(() => [...world.audit.waiting].some(({ type }) => type === 'decision')).toBe(true);
    world.audit.state.fault = new TrustError('UNAVAILABLE', 'too many events wait for the log');
    open();
    expect((await first).status).toBe(503);
    delete world.audit.state.fault;
    delete world.audit.state.gate;
    expect(await text(await agent.post(call('nasty__count'), { rid }))).toMatch(/^\d+$/);
  });
});

describe('when another room fails (DEC-2)', () => {
  it('at the revocation feed, the call is refused for the silence, and the credential is not called revoked', async () => {
    world.kernel.state.silent = true;
    const answer = await post(call('nasty__count'));
    world.kernel.state.silent = false;
    expect(answer.body.error.data).toMatchObject({ code: 'UNAVAILABLE', receipt: expect.any(String) });
    expect((await post(call('nasty__count'))).body.result).toMatchObject({
      content: [{ type: 'text', text: expect.stringMatching(/^\d+$/) }],
    });
  });

  it('at the limits, nothing is dispatched, and the same rid may be tried again', async () => {
    const agent = await world.agent(all);
    const rid = newRid();
    world.ledger.fault = new TrustError('UNAVAILABLE', 'the store is down');
    const down = await agent.post(call('nasty__count'), { rid });
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '1']);
    delete world.ledger.fault;
    const again = (await (await agent.post(call('nasty__count'), { rid })).json()) as { result?: object };
    expect(again.result).toMatchObject({ content: [{ type: 'text', text: expect.stringMatching(/^\d+$/) }] });
  });

  it('with a limit it cannot enforce, the call is denied', async () => {
    world.ledger.fault = new TrustError('POLICY_DENIED', 'cost cannot be counted', { link: 1 });
    const answer = await post(call('nasty__count'));
    delete world.ledger.fault;
    expect(answer.body.error.data).toMatchObject({ code: 'POLICY_DENIED', link: 1 });
  });

  it('with an error nobody declared, it leaks nothing', async () => {
    world.ledger.fault = new Error('select * from secret') as never;
    const answer = await post(call('nasty__count'));
    delete world.ledger.fault;
    expect([answer.status, answer.body.error.data.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });
});

describe('a call that runs (DEC-13)', () => {
  it('is cancelled by revocation, and recorded so', async () => {
    const count = silent();
    const mine = issueKey(all);
    const pending = post(call('nasty__silent'), { authorization: `Bearer ${mine}` });
    await expect.poll(silent).toBe(count + 1);
    world.kernel.revoke(lidOf(mine));
    expect((await pending).body.error.data.code).toBe('REVOKED');
    await ended('revoked_during');
  });

  it('is cancelled by a notification of the same caller only', async () => {
    const count = silent();
    const pending = post({ ...call('nasty__silent'), id: 77 });
    await expect.poll(silent).toBe(count + 1);
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 77 } };
    await post(cancel, { authorization: `Bearer ${issueKey(all)}` });
    expect(silent()).toBe(count + 1);
    await post(cancel);
    expect((await pending).status).toBe(202);
    await ended('cancelled');
  });
});

describe('a client of 2026-07-28 (DEC-13)', () => {
  it('cancels its call by closing the connection', async () => {
    const gone = new AbortController();
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    world.audit.events.length = 0;
    const pending = fetch(world.url, {
      method: 'POST',
      signal: gone.signal,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${key}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'nasty__silent',
      },
      body: JSON.stringify(call('nasty__silent', { _meta: meta })),
    });
    await expect.poll(silent).toBe(1);
    gone.abort();
    await expect(pending).rejects.toThrow();
    await ended('cancelled');
  });
});

describe('a tool that changed after it was pinned (DEC-8)', () => {
  it('is refused, hidden and shown to the operator, never to the caller', async () => {
    expect((await post(call('nasty__change'))).body.result).toMatchObject({
      content: [{ type: 'text', text: 'changed' }],
    });
    const answer = await post(call('nasty__count'));
    expect(answer.body.error.data).toMatchObject({
      code: 'TOOL_CHANGED',
      hint: expect.stringContaining('description'),
    });
    expect(JSON.stringify(answer.body)).not.toContain('ignore all previous');
    const { body } = await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    expect(body.result.tools.map(({ name }: { name: string }) => name)).not.toContain('nasty__count');
    expect(JSON.stringify(world.log.lines)).toContain('ignore all previous');
    const { tools } = await world.look('nasty');
    expect(tools.find(({ name }) => name === 'count')?.pinned).toMatchObject({
      matches: false,
      changes: [{ member: 'description', was: '"count"' }],
    });
  });
});

it('floods from one address (DEC-4) are refused before their bodies are read', async () => {
  world.setPolicy((policy) => ({ ...policy, limits: { ...policy.limits, perAddressPerMinute: 4 } }));
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await post(call('nasty__environment'))).status);
  expect(statuses).toContain(429);
  expect(world.audit.events.at(-1)).toMatchObject({ members: { code: 'RATE_LIMITED' } });
});

it('after the gateway stopped no process of a tool server is left', async () => {
  expect(world.groups.size).toBeGreaterThan(0);
  await world.gateway.stop();
  expect(world.groups.size).toBe(0);
});
