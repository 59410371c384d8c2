import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { EVENTS } from './audit.js';
import { CapabilityClaims, IssueCapabilityRequest } from './capability.js';
import { createChecker, createTaggedChecker } from './check.js';
import { McpDenialData } from './decision.js';
import { PolicyDocument } from './policy.js';
import { CLOSED, utf8Bytes } from './primitive.js';
import { BindingRequest } from './rbac.js';

const did = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const claims = {
  iss: did,
  sub: did,
  aud: [did],
  jti: 'a',
  iat: 1,
  exp: 2,
  grants: [{ scope: 'tool:fs', ops: ['read'], where: [{ ptr: '/a', op: 'eq', value: 1 }] }],
};

describe('createChecker', () => {
  const check = createChecker(CapabilityClaims);

  it('finds nothing wrong with what follows the schema', () => {
    expect(check(claims)).toBeUndefined();
  });

  it.each([
    ['/cnf: is not a known member', { ...claims, cnf: {} }],
    ['/grants/0/deny: is not a known member', { ...claims, grants: [{ ...claims.grants[0], deny: true }] }],
    ['/aud: must not have duplicate items', { ...claims, aud: [did, did] }],
    ['(root): must be object', []],
    ['(root): must be object', null],
  ])('says where and what, at any level (ENC-9): %s', (message, value) => {
    expect(check(value)).toBe(message);
  });

  it('says what belongs there in words, not as an expression', () => {
    expect(check({ ...claims, jti: '*' })).toBe('/jti: must be of this form: id chosen by the issuer');
    const plain = Type.Object({ a: Type.String({ pattern: '^b$' }) });
    expect(createChecker(plain)({ a: 'c' })).toBe('/a: must match pattern "^b$"');
    const kinds = Type.Object({ kind: Type.Union([Type.Literal('a'), Type.Literal('b')]) });
    expect(createChecker(kinds)({ kind: 'c' })).toBe('/kind: must be "a" or "b"');
  });

  it('names all that may stand there, however many', () => {
    const names = Array.from('abcdefghijkl');
    const all = names.map((name) => JSON.stringify(name)).join(' or ');
    const word = Type.Union(names.map((name) => Type.Literal(name)));
    const tagged = Type.Union(
      names.map((name) =>
        Type.Object({ kind: Type.Literal(name), [name]: Type.Optional(Type.String()) }, CLOSED),
      ),
    );
    expect(createChecker(word)('z')).toBe(`(root): must be ${all}`);
    expect(createChecker(Type.Object({ words: Type.Array(word) }))({ words: ['a', 'z'] })).toBe(
      `/words/1: must be ${all}`,
    );
    expect(createChecker(tagged)({ kind: 'z' })).toBe(`/kind: must be ${all}`);
    const scope = { kind: 'galaxy', attributes: {} };
    const bound = {
      role: 'viewer',
      subject: { kind: 'group', issuer: 'https://id.example', id: 'a' },
      scope,
    };
    expect(createChecker(BindingRequest)(bound)).toMatch(/"secret" or "trace"$/);
  });

  it('refuses a member that is named __proto__', () => {
    expect(check(JSON.parse(JSON.stringify(claims).replace('{', '{"__proto__":1,')))).toBe(
      '/__proto__: is not a known member',
    );
  });

  it('bounds text in bytes, whatever counts as a character', () => {
    expect(check({ ...claims, prn: '\u00fc'.repeat(128) })).toBeUndefined();
    expect(check({ ...claims, prn: '\u00fc'.repeat(129) })).toBe('/prn: must be at most 256 bytes');
    expect(check({ ...claims, prn: `a${'\u0301'.repeat(200)}` })).toMatch(/^\/prn: /);
    expect(check({ ...claims, prn: `a${'\u0301'.repeat(100_000)}` })).toMatch(/^\/prn: /);
  });

  it('repeats no more than a piece of a long member name', () => {
    expect(check({ ...claims, ['x'.repeat(100_000)]: 1 })?.length).toBeLessThan(400);
  });

  it('refuses a line end behind an anchored pattern', () => {
    expect(check({ ...claims, jti: 'a\n' })).toMatch(/^\/jti: /);
  });
});

describe('createTaggedChecker', () => {
  const check = createTaggedChecker('type', EVENTS);

  it.each([
    null,
    [],
    {},
    { type: 1 },
    { type: 'constructor' },
    { type: '__proto__' },
    Object.create({ type: 'chain' }),
  ])('refuses %j, which has no known tag', (value) => {
    expect(check(value)).toMatch(/^\/type: must be one of log\.opened, /);
  });

  it('reports the fault of the kind that was meant', () => {
    expect(check({ type: 'chain' })).toMatch(/^\(root\): must have required properties v, id/);
  });
});

describe('what is said of a value that does not fit', () => {
  const list = createChecker(Type.Array(Type.Object({ a: Type.String() }, CLOSED)));
  const distinct = createChecker(
    Type.Object({ a: Type.Array(Type.String(), { maxItems: 8, uniqueItems: true }) }),
  );

  it('names the first fault, however far behind it stands', () => {
    for (const at of [0, 8, 9, 40, 100, 300, 5000]) {
      const value = Array.from({ length: at + 1 }, (_, n) => ({ a: n < at ? 'x' : 1 }));
      expect(list(value)).toBe(`/${at}/a: must be string`);
    }
  });

  it('is found in the beginning of a list that is too long: its elements are not all compared', () => {
    let compared = 0;
    const element = () => Object.defineProperty({}, 'x', { enumerable: true, get: () => compared++ });
    expect(distinct({ a: Array.from({ length: 3000 }, element) })).toMatch(/^\/a/);
    expect(compared).toBeLessThan(1000);
  });

  it('is found in an object of any number of members', () => {
    const members = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`m${n}`, 1]));
    expect(list([{ ...members, a: 'x' }])).toMatch(/^\/0/);
    expect(list([{ a: 'x', ...members }])).toBe('/0/m0: is not a known member');
  });
});

describe('what is said of a value that may be one of several', () => {
  const check = createChecker(BindingRequest);
  const id = 'svc_01890a5d-ac96-774b-bcce-b302099a8057';
  const global = { kind: 'global', attributes: {} };
  const bind = (scope: unknown, subject: unknown = { kind: 'service', id }) =>
    check({ role: 'viewer', subject, scope });

  it.each<[string, unknown]>([
    ['/scope/attributes: must not have fewer than 1 properties', { kind: 'team', attributes: {} }],
    ['/scope: must have required properties attributes', { kind: 'team' }],
    [
      '/scope/attributes/path: must be of this form: a path from / without dot segments and *, or * alone',
      { kind: 'path', attributes: { path: '/x/../y' } },
    ],
    [
      '/scope/attributes/trace_id: must not have fewer than 1 characters',
      { kind: 'trace', attributes: { trace_id: '' } },
    ],
    [
      '/scope/attributes/secret_id: must be of this form: printable ASCII without space and *, or * alone',
      { kind: 'secret', attributes: { secret_id: 's*' } },
    ],
    ['/scope/attributes/a: is not a known member', { kind: 'global', attributes: { a: 'b' } }],
    ['/scope: must be object', 5],
  ])('concerns the kind that was meant: %s', (message, scope) => {
    expect(bind(scope)).toBe(message);
  });

  it('names the kinds where none was meant', () => {
    expect(bind({ kind: 'nope', attributes: {} })).toMatch(/^\/scope\/kind: must be "global" or "team" or /);
    expect(bind(global, { kind: 'x', id })).toBe(
      '/subject/kind: must be "service" or "person" or "email" or "group"',
    );
    expect(bind({})).toBe('/scope: must have required properties kind, attributes');
  });

  it('goes by the members that are there where none is fixed, in lists and in names of any letters too', () => {
    const either = Type.Union([
      Type.Object({ a: Type.Number(), b: Type.String() }, CLOSED),
      Type.Object(
        {
          a: Type.Number(),
          c: Type.Array(Type.Union([Type.Null(), Type.Object({ 'x/~y': Type.Number() })])),
        },
        CLOSED,
      ),
      Type.String(),
    ]);
    expect(createChecker(either)({ a: 'x', c: [] })).toBe('/a: must be number');
    expect(createChecker(either)({ a: 1, c: [null, { 'x/~y': 'z' }] })).toBe('/c/1/x~1~0y: must be number');
    expect(createChecker(Type.Object({ 'm/~': either }))({ 'm/~': { a: 'x', b: '' } })).toBe(
      '/m~1~0/a: must be number',
    );
    const tuple = Type.Tuple([either]);
    expect(createChecker(tuple)([{ a: 'x', c: [] }])).toMatch(/^\/0/);
  });

  it('repeats no more than a piece of the pointers of both', () => {
    const name = 'x'.repeat(200);
    const nested = Type.Object({ [name]: Type.Union([Type.Null(), Type.Object({ [name]: Type.Number() })]) });
    expect(createChecker(nested)({ [name]: { [name]: 'a' } })?.split(':')[0]).toHaveLength(256);
  });
});

describe('PolicyDocument', () => {
  const check = createChecker(PolicyDocument);
  const tool = { op: 'read', resources: [], pin: '0'.repeat(64) };

  it('holds servers with pinned tools', () => {
    const servers = { fs: { command: 'node', tools: { read_file: tool } } };
    expect(check({ version: 1, servers })).toBeUndefined();
  });

  it.each([
    ['/servers/f_s', { f_s: { command: 'x' } }],
    ['/servers/fs/tols', { fs: { command: 'x', tols: {} } }],
    ['/servers/fs/command', { fs: { command: '' } }],
    ['/servers/fs/tools/a', { fs: { command: 'x', tools: { a: { op: 'read', resources: [] } } } }],
    ['/servers/fs/env/A=B', { fs: { command: 'x', env: { 'A=B': 'x' } } }],
    ['/servers/fs/args/0', { fs: { command: 'x', args: ['a\u0000b'] } }],
  ])('refuses at %s', (pointer, servers) => {
    expect(check({ version: 1, servers })?.split(': ')[0]).toBe(pointer);
  });
});

describe('utf8Bytes', () => {
  it.each([
    '',
    'a',
    '\u007f',
    '\u0080',
    '\u07ff',
    '\u0800',
    '\uffff',
    '\u{10000}',
    'a\u{1f600}\u00fc',
    '\ud800',
    '\udc00',
    '\udc00\ud800',
  ])('counts as an encoder does: %j', (text) => {
    expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
  });
});

describe('the package', () => {
  it('names what it exports', () => {
    const entry = readFileSync(new URL('./index.ts', import.meta.url), 'utf8');
    expect(entry).not.toMatch(/export \*/);
  });
});

describe('IssueCapabilityRequest', () => {
  const check = createChecker(IssueCapabilityRequest);
  const request = { exp: 2, grants: [{ scope: 'tool:fs', ops: ['read'] }] };

  it('names the holder, or leaves the key of a bearer link to the issuer (CAP-28)', () => {
    for (const good of [
      { ...request, sub: did },
      { ...request, sub: did, bearer: true },
      { ...request, sub: did, bearer: false },
      { ...request, bearer: true },
    ]) {
      expect(check(good)).toBeUndefined();
    }
  });

  it('asks for a holder in every other form', () => {
    for (const bad of [
      request,
      { ...request, bearer: false },
      { ...request, bearer: 'true' },
      { ...request, sub: null, bearer: true },
      { ...request, bearer: true, key: 'talos_' },
      { ...request, sub: did, iss: did },
    ]) {
      expect(check(bad), JSON.stringify(bad)).toMatch(/^(?:\(root\)|\/(?:sub|bearer|key|iss))/);
    }
  });
});

describe('a refusal', () => {
  const check = createChecker(McpDenialData);
  const refusal = {
    code: 'SCOPE_MISMATCH',
    hint: 'Ask for it.',
    request_id: 'req_01997aa5-1c00-7000-8000-0000000000aa',
  };

  it('has room for the longest item, and for no longer one (DEC-1)', () => {
    expect(check({ ...refusal, item: `write ${'a'.repeat(12_800)}` })).toBeUndefined();
    expect(check({ ...refusal, item: `write ${'a'.repeat(12_801)}` })).toMatch(/^\/item: /);
  });
});

it('a value that holds itself, or one part very often, is refused in bounded time', () => {
  const knot: unknown[] = [];
  knot.push(knot, knot);
  expect(createChecker(PolicyDocument)({ version: 1, servers: {}, more: knot })).toContain('/more');
  let often: unknown = 'x';
  for (let level = 0; level < 64; level++) often = [often, often];
  expect(createChecker(PolicyDocument)({ version: 1, servers: {}, more: often })).toContain('/more');
});
