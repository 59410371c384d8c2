import type { Grant } from '@talosprotocol/contracts';
import type { ParsedChain } from '@talosprotocol/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { crypto, issueTo, openWorld, type World } from '../testing/kernel-world.js';

let database: TestDatabase;
let world: World;
let chain: ParsedChain;
const GRANTS: Grant[] = [{ scope: 'tool:files/method:read_file/resource:/docs', ops: ['read'] }];

beforeAll(async () => {
  database = await openTestDatabase();
  world = await openWorld(database.sql);
  chain = issueTo(world, { grants: GRANTS }).chain;
});
afterAll(async () => {
  await world?.close();
  await database?.close();
});

const subject = () => ({
  type: 'capability',
  id: chain.leaf.claims.sub,
  properties: { chain: chain.chain },
});
const tool = (path: string) => ({
  type: 'tool',
  id: 'files__read_file',
  properties: { arguments: { path } },
});
const call = { name: 'call' };
const request = (more: object = {}) => ({
  subject: subject(),
  resource: tool('/docs/a'),
  action: call,
  ...more,
});
const ask = (body: unknown, headers: Record<string, string> = world.admin) =>
  world.post('/access/v1/evaluation', body, headers);
/** Of a server all of whose tools are in reach. */
const unknownTool = () => {
  const { leaf, chain: wide } = issueTo(world).chain;
  return {
    subject: { type: 'capability', id: leaf.claims.sub, properties: { chain: wide } },
    resource: { type: 'tool', id: 'files__other' },
  };
};
const askAll = (body: unknown) => world.post('/access/v1/evaluations', body, world.admin);

describe('an evaluation (DEC-15, DEC-16)', () => {
  it('is the decision of /talos/v1/authorize, and consumes nothing', async () => {
    const before = world.sink.drafts.length;
    expect(await ask(request())).toMatchObject({ status: 200, body: { decision: true } });
    const denied = await ask(request({ resource: tool('/etc/passwd') }));
    const own = await world.post(
      '/talos/v1/authorize',
      {
        chain: chain.chain,
        call: { server: 'files', tool: 'read_file' },
        arguments: { path: '/etc/passwd' },
      },
      world.admin,
    );
    const { effect, ...reason } = own.body.decision;
    expect(effect).toBe('deny');
    expect(denied).toMatchObject({ status: 200, body: { decision: false, context: reason } });
    expect(world.sink.drafts.length).toBe(before);
    expect(world.sink.denials).toEqual([]);
  });

  it('takes one item as it is, and the chain and the arguments out of the context too', async () => {
    const resource = { type: 'tool', id: 'files/method:read_file/resource:/docs/a' };
    expect((await ask(request({ resource, action: { name: 'read' } }))).body).toEqual({ decision: true });
    const write = await ask(request({ resource, action: { name: 'write' } }));
    expect(write.body).toMatchObject({
      decision: false,
      context: { code: 'SCOPE_MISMATCH', hint: expect.any(String) },
    });
    const { properties: _, ...bare } = subject();
    const context = { chain: chain.chain, arguments: { path: '/docs/b' } };
    const moved = { subject: bare, resource: { type: 'tool', id: 'files__read_file' }, context };
    expect((await ask(request(moved))).body).toEqual({ decision: true });
  });

  it.each<[string, () => object, string]>([
    [
      'a user (the first example of the specification)',
      () => ({ subject: { type: 'user', id: 'alice@acmecorp.com' } }),
      'NO_CAPABILITY',
    ],
    ['no chain', () => ({ subject: { type: 'capability', id: 'x' } }), 'NO_CAPABILITY'],
    ['another holder', () => ({ subject: { ...subject(), id: 'did:key:other' } }), 'NO_CAPABILITY'],
    [
      'a chain that is none',
      () => ({ subject: { ...subject(), properties: { chain: 'a.b.c' } } }),
      'MALFORMED',
    ],
    ['a chain in two places', () => ({ context: { chain: chain.chain } }), 'MALFORMED'],
    ['arguments in two places', () => ({ context: { arguments: {} } }), 'MALFORMED'],
    [
      'arguments that are no object',
      () => ({ resource: { ...tool('/'), properties: { arguments: [] } } }),
      'MALFORMED',
    ],
    ['an account', () => ({ resource: { type: 'account', id: '123' } }), 'SCOPE_MISMATCH'],
    ['an action of others', () => ({ action: { name: 'can_read' } }), 'SCOPE_MISMATCH'],
    ['a call of a model', () => ({ resource: { type: 'llm', id: 'a/model:b' } }), 'SCOPE_MISMATCH'],
    ['a tool without its server', () => ({ resource: { type: 'tool', id: 'read_file' } }), 'UNKNOWN_TOOL'],
    ['a tool out of reach', () => ({ resource: { type: 'tool', id: 'files__other' } }), 'SCOPE_MISMATCH'],
    ['an unknown tool', () => unknownTool(), 'UNKNOWN_TOOL'],
    ['no scope', () => ({ resource: { type: 'tool', id: 'a b' }, action: { name: 'read' } }), 'MALFORMED'],
  ])('denies, with the reason, for %s', async (_, change, code) => {
    const { status, body } = await ask(request(change()));
    expect(status).toBe(200);
    expect(body).toMatchObject({ decision: false, context: { code, hint: expect.any(String) } });
  });

  it('says of a chain that is none where it stands, and of no member that is not there', async () => {
    const { body } = await ask(request({ subject: { ...subject(), properties: { chain: 'garbage' } } }));
    expect(body.context.hint).toMatch(
      /^subject\.properties\.chain or context\.chain has to be a capability chain/,
    );
  });

  it('takes what other enforcement points say besides, and decides nothing by it', async () => {
    const besides = { label: 'x', effect: 'permit', properties: { ip_address: '172.217.22.14' } };
    const asked = {
      subject: { ...besides, ...subject(), properties: { ...subject().properties, department: 'Sales' } },
      action: { ...besides, ...call },
      resource: { ...besides, ...tool('/docs/a') },
      context: { time: '1985-10-26T01:22-07:00' },
    };
    expect((await ask(asked)).body).toEqual({ decision: true });
    const denied = { ...asked, resource: { ...besides, ...tool('/etc') } };
    expect((await ask(denied)).body.decision).toBe(false);
  });

  it.each<[string, unknown]>([
    ['no subject', { resource: tool('/'), action: call }],
    ['no action', { subject: { type: 'a', id: 'b' }, resource: tool('/') }],
    ['a subject without id', { subject: { type: 'user' }, resource: tool('/'), action: call }],
    ['a resource without type', { subject: { type: 'a', id: 'b' }, resource: { id: '1' }, action: call }],
    ['an action without name', { subject: { type: 'a', id: 'b' }, resource: tool('/'), action: {} }],
    ['a subject that is a text', { subject: 'alice', resource: tool('/'), action: call }],
    [
      'a context that is a list',
      { subject: { type: 'a', id: 'b' }, resource: tool('/'), action: call, context: [] },
    ],
    [
      'a member of its own',
      { subject: { type: 'a', id: 'b' }, resource: tool('/'), action: call, except: 1 },
    ],
    ['no object', '[]'],
    ['no JSON', '{'],
    ['a member twice', '{"subject":1,"subject":2}'],
  ])('is 400 for %s', async (_, body) => {
    expect(await ask(body)).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
  });

  it('is 401 without credential, 415 as text, and 405 for GET', async () => {
    expect((await ask(request(), {})).status).toBe(401);
    expect((await ask(request(), { ...world.admin, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await world.get('/access/v1/evaluation', world.admin)).status).toBe(405);
  });

  it('gives the X-Request-ID back', async () => {
    const id = 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716';
    const { headers } = await ask(request(), { ...world.admin, 'x-request-id': id });
    expect(headers.get('x-request-id')).toBe(id);
    const unknown = await ask(request(), { 'x-request-id': id });
    expect(unknown.status).toBe(401);
    expect(unknown.headers.get('x-request-id')).toBe(id);
    const malformed = await ask({}, { ...world.admin, 'x-request-id': id });
    expect(malformed.status).toBe(400);
    expect(malformed.headers.get('x-request-id')).toBe(id);
    expect((await ask(request(), { ...world.admin, 'x-request-id': 'x'.repeat(257) })).status).toBe(400);
  });

  it('sees a revocation at once', async () => {
    const doomed = issueTo(world, { grants: GRANTS }).chain;
    const mine = { type: 'capability', id: doomed.leaf.claims.sub, properties: { chain: doomed.chain } };
    expect((await ask(request({ subject: mine }))).body.decision).toBe(true);
    await world.post('/talos/v1/revocations', { lid: doomed.leaf.lid }, world.admin);
    expect((await ask(request({ subject: mine }))).body).toMatchObject({
      decision: false,
      context: { code: 'REVOKED' },
    });
  });
});

describe('a batch of evaluations (DEC-17)', () => {
  const yes = () => ({ resource: tool('/docs/a') });
  const no = () => ({ resource: tool('/etc') });
  const batch = (evaluations: object[], semantic?: string) => ({
    subject: subject(),
    action: call,
    evaluations,
    ...(semantic === undefined ? {} : { options: { evaluations_semantic: semantic, other: 1 } }),
  });
  const decisions = async (evaluations: object[], semantic?: string) => {
    const { status, body } = await askAll(batch(evaluations, semantic));
    expect(status).toBe(200);
    return body.evaluations.map(({ decision }: { decision: boolean }) => decision);
  };

  it('decides each, in order, with the defaults', async () => {
    expect(await decisions([yes(), no(), yes()])).toEqual([true, false, true]);
    expect(await decisions([yes(), no(), yes()], 'execute_all')).toEqual([true, false, true]);
  });

  it('ends with the first denial, or with the first permission, where that is asked for', async () => {
    expect(await decisions([yes(), no(), yes()], 'deny_on_first_deny')).toEqual([true, false]);
    expect(await decisions([no(), yes(), no()], 'permit_on_first_permit')).toEqual([false, true]);
    expect(await decisions([no(), no()], 'permit_on_first_permit')).toEqual([false, false]);
  });

  it('verifies each chain once, whatever comes of it, and still looks at each whether it holds', async () => {
    const one = issueTo(world, { grants: GRANTS }).chain;
    const forged = `${one.chain.slice(0, -86)}${chain.chain.slice(-86)}`;
    const of = (text: string, path: string, id = one.leaf.claims.sub) => ({
      subject: { type: 'capability', id, properties: { chain: text } },
      ...(path === '/docs/a' ? yes() : no()),
    });
    const asked = [of(one.chain, '/docs/a'), of(forged, '/docs/a'), of(one.chain, '/etc')];
    const again = [
      of(forged, '/docs/a'),
      of(one.chain, '/docs/a'),
      of(one.chain, '/docs/a', 'did:key:other'),
    ];
    const verify = vi.spyOn(crypto, 'ed25519Verify');
    const { body } = await askAll(batch([...asked, ...again]));
    expect(verify).toHaveBeenCalledTimes(2);
    verify.mockRestore();
    const codes = body.evaluations.map(({ context }: { context?: { code: string } }) => context?.code);
    const forgery = 'SIGNATURE_INVALID';
    expect(codes).toEqual([undefined, forgery, 'SCOPE_MISMATCH', forgery, undefined, 'NO_CAPABILITY']);
  });

  it('looks at arguments that are stated once only once', async () => {
    const where: NonNullable<Grant['where']> = [{ ptr: '', op: 'argsHash', value: '0'.repeat(64) }];
    const grants = Array.from({ length: 8 }, (): Grant => ({ scope: 'tool:files', ops: ['read'], where }));
    const one = issueTo(world, { grants }).chain;
    const hash = vi.spyOn(crypto, 'sha256Hex');
    const { body } = await askAll({
      subject: { type: 'capability', id: one.leaf.claims.sub, properties: { chain: one.chain } },
      action: { name: 'read' },
      context: { arguments: { text: 'x'.repeat(20_000) } },
      evaluations: Array.from({ length: 50 }, () => ({ resource: { type: 'tool', id: 'files/method:m' } })),
    });
    const long = hash.mock.calls.filter(([bytes]) => bytes.length > 20_000);
    hash.mockRestore();
    expect(body.evaluations).toHaveLength(50);
    expect(body.evaluations[49]).toMatchObject({ context: { code: 'CONSTRAINT_VIOLATED' } });
    expect(long).toHaveLength(1);
  });

  it('replaces a default as a whole', async () => {
    const resource = { type: 'tool', id: 'files__read_file' };
    const { body } = await askAll({
      ...batch([{ resource, context: {} }, { resource }]),
      context: { arguments: { path: '/docs/a' } },
    });
    expect(body.evaluations.map(({ decision }: { decision: boolean }) => decision)).toEqual([false, true]);
  });

  it('denies an evaluation that is malformed, and goes on', async () => {
    const { body } = await askAll(batch([{ resource: { id: '1' } }, yes()]));
    expect(body.evaluations[0]).toEqual({
      decision: false,
      context: { code: 'MALFORMED', error: { status: 400, message: expect.any(String) } },
    });
    expect(body.evaluations[1]).toEqual({ decision: true });
  });

  it('is one evaluation without any', async () => {
    expect((await askAll(request())).body).toEqual({ decision: true });
    expect((await askAll({ ...request(), evaluations: [] })).body).toEqual({ decision: true });
    expect((await askAll({ subject: subject() })).status).toBe(400);
  });

  it('is 400 for a semantic of another name, too many, or no list', async () => {
    expect((await askAll(batch([yes()], 'best_effort'))).status).toBe(400);
    expect((await askAll(batch(Array.from({ length: 257 }, () => ({}))))).status).toBe(400);
    expect((await askAll({ ...batch([]), evaluations: {} })).status).toBe(400);
    expect((await askAll(batch([1 as never]))).status).toBe(400);
  });

  it('takes the batch of the Todo interoperability scenario as denials with a reason', async () => {
    const { status, body } = await askAll({
      subject: { type: 'user', id: 'CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs' },
      action: { name: 'can_update_todo' },
      evaluations: [
        { resource: { type: 'todo', id: '1', properties: { ownerID: 'rick@the-citadel.com' } } },
        { resource: { type: 'todo', id: '2', properties: { ownerID: 'morty@the-citadel.com' } } },
      ],
    });
    expect(status).toBe(200);
    for (const one of body.evaluations)
      expect(one).toMatchObject({ decision: false, context: { code: 'NO_CAPABILITY' } });
  });
});

describe('the metadata of the decision point (DEC-15)', () => {
  it('is for everybody', async () => {
    const { status, body } = await world.get('/.well-known/authzen-configuration');
    expect(status).toBe(200);
    const base = body.policy_decision_point;
    expect(base).toBe(world.listener.url);
    expect(body.access_evaluation_endpoint).toBe(`${base}/access/v1/evaluation`);
    expect(body.access_evaluations_endpoint).toBe(`${base}/access/v1/evaluations`);
  });
});
