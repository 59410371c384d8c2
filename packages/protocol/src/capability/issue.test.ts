import type { CapabilityClaims, Constraint, Grant, Limit } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import { parseAnchor } from './anchor.js';
import { attenuate } from './attenuate.js';
import { issueCapability } from './issue.js';
import { type LintParent, lintAttenuation } from './lint.js';
import { createWorld, FIVE_CALLS, NOW, READ_DOCS } from './testing/world.js';
import { verifyCapability } from './verify.js';

const world = createWorld(createNodeCrypto());
const { agent, context, crypto, deps, gateway, helper, organisation, stranger } = world;
const ROOT = { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 3600, dlg: 2 };

function refusal(work: () => unknown): TrustError {
  try {
    work();
  } catch (error) {
    if (error instanceof TrustError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('issueCapability', () => {
  it('issues a root that verifies', async () => {
    const chain = issueCapability({ ...ROOT, prn: 'Ada', limits: [FIVE_CALLS] }, organisation, deps);
    const { leaf } = await verifyCapability(chain.chain, context());
    expect(leaf.claims).toMatchObject({ iss: organisation.did, iat: NOW, prn: 'Ada', limits: [FIVE_CALLS] });
    expect(leaf.claims.jti).toHaveLength(22);
    expect(issueCapability({ ...ROOT, jti: 'mine' }, organisation, deps).leaf.claims.jti).toBe('mine');
  });

  it('issues nothing that a verifier would call malformed', () => {
    for (const changes of [
      { exp: NOW },
      { aud: [] },
      { grants: [] },
      { sub: 'me' },
      { par_hash: 'A'.repeat(43) },
    ]) {
      expect(refusal(() => issueCapability({ ...ROOT, ...changes }, organisation, deps)).code).toBe(
        'MALFORMED',
      );
    }
  });

  it('leaves out options given as undefined', () => {
    const options = { ...ROOT, nbf: undefined } as unknown as typeof ROOT;
    expect(issueCapability(options, organisation, deps).leaf.claims).not.toHaveProperty('nbf');
  });

  const PLACES = [
    '/filename',
    '/file_name',
    '/fileName',
    '/location',
    '/locations/0',
    '/uri',
    '/href',
    '/dir',
    '/workdir',
    '/cwd',
    '/folder',
    '/file',
    '/paths/*',
    '/directories/0',
    '/links/3/href',
    '/src',
  ];
  it.each<Constraint>([
    { ptr: '/path', op: 'prefix', value: 'a' },
    { ptr: '/options/fileUrl', op: 'prefix', value: 'a' },
    ...PLACES.map((ptr): Constraint => ({ ptr, op: 'prefix', value: 'a' })),
    { ptr: '/a', op: 'prefix', value: '/docs' },
    { ptr: '/a', op: 'prefix', value: 'https://a.example' },
    { ptr: '/a', op: 'prefix', value: '../x' },
  ])('CAP-27 refuses $op $value on $ptr', (constraint) => {
    const grants = [READ_DOCS, { ...READ_DOCS, where: [constraint] }];
    const error = refusal(() => issueCapability({ ...ROOT, grants }, organisation, deps));
    expect([error.code, error.data.reason]).toEqual([
      'MALFORMED',
      expect.stringContaining('grants[1].where[0]'),
    ]);
  });

  it.each(['/title', '/name', '/display_name', '/dirty', '/filter', '/linked', '/titles/0'])(
    'allows prefix on other text: %s',
    (ptr) => {
      const where: Constraint[] = [{ ptr, op: 'prefix', value: 'Draft' }];
      const grants = [{ ...READ_DOCS, where }];
      expect(issueCapability({ ...ROOT, grants }, organisation, deps).links).toHaveLength(1);
    },
  );
});

describe('attenuate', () => {
  const root = issueCapability(ROOT, organisation, deps);

  it('CAP-23 adds a link that verifies, and inherits only what it is told to', async () => {
    const options = { sub: helper.did, grants: 'same', exp: 'same', aud: 'same' } as const;
    const chain = attenuate(root.chain, options, agent, deps);
    await expect(verifyCapability(chain.chain, context())).resolves.toMatchObject({ holder: helper.did });
    expect(chain.leaf.claims).toMatchObject({ grants: [READ_DOCS], exp: NOW + 3600, aud: [gateway.did] });
    expect(chain.leaf.claims).not.toHaveProperty('dlg');
    const own = { sub: helper.did, grants: [READ_DOCS], exp: NOW + 60, aud: [stranger.did] };
    expect(attenuate(root, own, agent, deps).leaf.claims).toMatchObject({
      exp: NOW + 60,
      aud: [stranger.did],
    });
    const silent = attenuate(root, { sub: agent.did, grants: 'same', exp: 'same', dlg: 1 }, agent, deps);
    expect(silent.leaf.claims).not.toHaveProperty('aud');
    // The parent states no audience, so `same` states none either.
    expect(attenuate(silent, options, agent, deps).leaf.claims).not.toHaveProperty('aud');
  });

  it('refuses a signer that does not hold the chain, and what the chain does not allow', () => {
    const options = { sub: helper.did, grants: 'same', exp: 'same', aud: 'same' } as const;
    expect(refusal(() => attenuate(root, options, stranger, deps))).toMatchObject({
      code: 'DELEGATION_INVALID',
      data: { link: 1, hint: expect.stringContaining(agent.did) },
    });
    expect(refusal(() => attenuate(root, { ...options, dlg: 2 }, agent, deps)).code).toBe(
      'DELEGATION_INVALID',
    );
    expect(refusal(() => attenuate(root, { ...options, bearer: true }, agent, deps)).data.reason).toContain(
      'bearer_below',
    );
    const done = attenuate(root, options, agent, deps);
    expect(refusal(() => attenuate(done, options, helper, deps)).data.link).toBe(3);
  });
});

describe('lintAttenuation', () => {
  const parent: Grant = {
    scope: 'tool:fs/method:read*',
    ops: ['read'],
    where: [{ ptr: '/path', op: 'within', value: '/docs' }],
  };
  const base = { iss: agent.did, sub: helper.did, jti: 'a', iat: NOW, exp: NOW + 60 };
  const claims = (changes: Partial<CapabilityClaims>): CapabilityClaims => ({
    ...base,
    grants: [parent],
    ...changes,
  });
  const above = claims({ dlg: 1, aud: [gateway.did], limits: [FIVE_CALLS] });
  const lint = (changes: Partial<CapabilityClaims>, over = above): readonly string[] =>
    lintAttenuation(over, claims(changes), crypto).map(({ at, what }) => `${at} ${what}`);
  const HASH = '0'.repeat(64);
  const withWhere = (where: Constraint): Grant[] => [{ ...parent, where: [where] }];

  it('finds nothing in a link within its parent', () => {
    expect(lint({})).toEqual([]);
    expect(
      lint({
        limits: [
          { per: 'total', calls: 5 },
          { per: 'day', calls: 9 },
          { per: 'total', tokens: 1 },
        ],
      }),
    ).toEqual([]);
    const anchor = parseAnchor({ iss: organisation.did, tenant: 't', grants: [parent] }, crypto).source;
    expect(lintAttenuation(anchor, claims({ dlg: 7, bearer: true, aud: [stranger.did] }), crypto)).toEqual(
      [],
    );
  });

  it('shows each way in which a link exceeds its parent', () => {
    expect(lint({ limits: [FIVE_CALLS] }, claims({ dlg: 1 }))).toEqual([]);
    const uncounted = { ...above, limits: [{ per: 'total' as const, tokens: 1 }] };
    expect(lint({ limits: [FIVE_CALLS] }, uncounted)).toEqual([]);
    expect(lint({ exp: NOW + 61 })).toEqual(['exp is later than that of its parent']);
    expect(lint({ aud: [gateway.did, stranger.did] })).toEqual([
      `aud has gateways its parent is not for: ${stranger.did}`,
    ]);
    expect(lint({ dlg: 1 })).toEqual(['dlg is not below that of its parent']);
    expect(lint({}, claims({}))).toEqual(['dlg is not below that of its parent']);
    expect(lint({ bearer: true })).toEqual(['bearer is not allowed by its parent']);
    expect(lint({ limits: [{ per: 'total', calls: 6 }] })).toEqual([
      "limits[0].calls is more than its parent's per total",
    ]);
    const budget = claims({
      dlg: 1,
      limits: [
        { per: 'day', cost: { amount: 5, currency: 'EUR' }, tokens: 9, rate: { count: 2, seconds: 60 } },
      ],
    });
    const cost = (amount: number, currency: string) =>
      lint({ limits: [{ per: 'day', cost: { amount, currency } }] }, budget);
    expect(cost(5, 'EUR')).toEqual([]);
    expect(cost(6, 'EUR')).toEqual(["limits[0].cost is more than its parent's per day"]);
    expect(cost(1, 'USD')).toEqual(["limits[0].cost is in another currency than its parent's"]);
    expect(lint({ limits: [{ per: 'total', tokens: 10, rate: { count: 3, seconds: 60 } }] }, budget)).toEqual(
      ["limits[0].rate is more than its parent's in 60 s"],
    );
    expect(lint({ grants: [{ ...parent, scope: 'tool:fs' }] })).toEqual([
      'grants[0].scope is covered by no grant of its parent',
    ]);
    expect(lint({ grants: [{ ...parent, ops: ['read', 'write'] }] })).toEqual([
      'grants[0].ops has write, which its parent has not',
    ]);
    expect(lint({ grants: [{ scope: parent.scope, ops: ['read'] }] })).toEqual([
      "grants[0].where lacks its parent's caveat /path within /docs",
    ]);
    expect(lint({ grants: withWhere({ ptr: '/path', op: 'prefix', value: '/docs' }) })[0]).toContain(
      'neighbours',
    );
  });

  it('CAP-28 says of each what it exceeds, where, and the bound', () => {
    const shown = (changes: Partial<CapabilityClaims>, over: LintParent = above) =>
      lintAttenuation(over, claims(changes), crypto).map(({ at, exceeds, bound }) => [at, exceeds, bound]);
    const wide: Partial<CapabilityClaims> = {
      exp: NOW + 61,
      aud: [stranger.did],
      dlg: 1,
      bearer: true,
      limits: [{ per: 'total', calls: 6 }],
      grants: [
        { scope: 'tool:db', ops: ['read'] },
        { scope: parent.scope, ops: ['read', 'write'] },
      ],
    };
    expect(shown(wide)).toEqual([
      ['grants[0].scope', 'scope', parent.scope],
      ['grants[1].ops', 'op', `read ${parent.scope}`],
      ['grants[1].where', 'constraint', '/path within /docs'],
      ['limits[0].calls', 'limit', '5 calls per total'],
      ['exp', 'exp', String(NOW + 60)],
      ['aud', 'aud', gateway.did],
      ['dlg', 'dlg', 'at most 0'],
      ['bearer', 'bearer', 'bearer_below is not set'],
    ]);
    const anchor: LintParent = {
      grants: [parent],
      limits: [
        { per: 'day', cost: { amount: 5, currency: 'EUR' }, tokens: 9, rate: { count: 2, seconds: 60 } },
      ],
    };
    const more: Limit = {
      per: 'day',
      cost: { amount: 6, currency: 'EUR' },
      tokens: 10,
      rate: { count: 3, seconds: 60 },
    };
    expect(shown({ limits: [more] }, anchor).map(([, , bound]) => bound)).toEqual([
      '5 EUR micro-units per day',
      '9 tokens per day',
      '2 calls in 60 s',
    ]);
    const dollars: Limit = { per: 'day', cost: { amount: 1, currency: 'USD' } };
    expect(shown({ limits: [dollars] }, anchor)).toEqual([
      ['limits[0].cost', 'limit', '5 EUR micro-units per day'],
    ]);
    expect(shown({}, claims({}))).toEqual([['dlg', 'dlg', 'no further delegation']]);
    const many = Array.from({ length: 64 }, (_, n): Grant => ({ scope: `tool:server-${n}`, ops: ['read'] }));
    expect(shown({}, { grants: many })[0]?.[2]).toMatch(/^tool:server-0, .{280,300}…$/);
  });

  it('CAP-28 says of a scope that is too wide what else of the grant is too much', () => {
    const path = (at: string) => `tool:files/method:*/resource:${at}`;
    const over = (grants: readonly Grant[]) => ({ ...above, grants: [...grants] });
    const narrow: Grant = { ...parent, scope: path('/a'), only: ['/path'] };
    const places = (scope: string, grants: readonly Grant[]) =>
      lint({ grants: [{ scope, ops: ['read', 'write'] }] }, over(grants)).map((found) => found.split(' ')[0]);
    const all = ['scope', 'ops', 'where', 'only'].map((at) => `grants[0].${at}`);
    for (const scope of [
      path('/'),
      'tool:files',
      'tool:*',
      'tool:files/method:read_file',
      'tool:files/method:r*/resource:/',
    ])
      expect([scope, places(scope, [narrow])]).toEqual([scope, all]);
    // The nearest of those that have something in common with it; what has nothing says nothing of it.
    expect(places(path('/'), [narrow, { scope: path('/b'), ops: ['read'] }])).toEqual(all.slice(0, 2));
    for (const scope of [path('/ab'), 'tool:fil', 'tool:other*', 'llm:files'])
      expect([scope, places(scope, [narrow])]).toEqual([scope, ['grants[0].scope']]);
  });

  it('compares with the grant of the parent that is nearest', () => {
    const wide: Grant = { scope: 'tool:fs', ops: ['read', 'write'] };
    const write = { grants: [{ ...parent, ops: ['write' as const] }] };
    expect(lint(write, { ...above, grants: [parent, wide] })).toEqual([]);
    expect(lint(write, { ...above, grants: [wide, parent] })).toEqual([]);
  });

  it('knows some narrower caveats', () => {
    const narrower: [Constraint, Constraint, boolean][] = [
      [{ ptr: '/a', op: 'within', value: '/d' }, { ptr: '/a', op: 'within', value: '/d/e' }, true],
      [{ ptr: '/a', op: 'within', value: '/d' }, { ptr: '/b', op: 'within', value: '/d/e' }, false],
      [{ ptr: '/a', op: 'within', value: '/d' }, { ptr: '/a', op: 'within', value: '/' }, false],
      [{ ptr: '/a', op: 'within', value: '/d' }, { ptr: '/a', op: 'eq', value: '/d/x' }, true],
      [{ ptr: '/a', op: 'within', value: '/d' }, { ptr: '/a', op: 'in', value: ['/d/x', '/e'] }, false],
      [{ ptr: '/a', op: 'le', value: 5 }, { ptr: '/a', op: 'le', value: 4 }, true],
      [{ ptr: '/a', op: 'le', value: 5 }, { ptr: '/a', op: 'le', value: 6 }, false],
      [{ ptr: '/a', op: 'le', value: 5 }, { ptr: '/a', op: 'ge', value: 4 }, false],
      [{ ptr: '/a', op: 'in', value: [1, 2] }, { ptr: '/a', op: 'in', value: [2] }, true],
      [{ ptr: '/a', op: 'maxLength', value: 5 }, { ptr: '/a', op: 'maxLength', value: 5 }, true],
      [{ ptr: '/a', op: 'maxLength', value: 5 }, { ptr: '/a', op: 'maxLength', value: 4 }, true],
      [{ ptr: '/a', op: 'maxLength', value: 5 }, { ptr: '/a', op: 'maxLength', value: 6 }, false],
      [{ ptr: '', op: 'argsHash', value: HASH }, { ptr: '', op: 'argsHash', value: HASH }, true],
      [{ ptr: '', op: 'argsHash', value: HASH }, { ptr: '', op: 'eq', value: HASH }, false],
      [{ ptr: '/a', op: 'cidr', value: '10.0.0.0/8' }, { ptr: '/a', op: 'cidr', value: '10.0.0.0/9' }, false],
    ];
    for (const [wide, narrow, expected] of narrower) {
      const over = { ...above, grants: withWhere(wide) };
      expect([narrow, lint({ grants: withWhere(narrow) }, over).length === 0]).toEqual([narrow, expected]);
    }
    const only = { ...above, grants: [{ ...parent, only: ['/path'] }] };
    expect(lint({ grants: [{ ...parent, only: ['/path/a'] }] }, only)).toEqual([]);
    expect(lint({}, only)).toEqual(["grants[0].only lacks its parent's caveat only /path"]);
    expect(lint({ grants: [{ ...parent, only: ['/path2'] }] }, only)).toHaveLength(1);
  });
});
