import { type Constraint, createChecker, Decision, type Grant } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../encoding/json.js';
import { createNodeCrypto } from '../node/index.js';
import { attenuate } from './attenuate.js';
import { ALLOW, authorize, couldAllow } from './authorize.js';
import type { ParsedChain } from './chain.js';
import { issueCapability } from './issue.js';
import { type CheckedItem, parseItems } from './items.js';
import { limitsOf } from './limits.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';
import type { VerifiedCapability } from './verified.js';
import { verifyCapabilityAsOf } from './verify.js';
import type { ArgumentsMemo } from './where/memo.js';

const world = createWorld(createNodeCrypto());
const { agent, crypto, deps, gateway, helper, organisation } = world;
const anchors = world.anchors({});
const FOREVER = { aud: [gateway.did], exp: NOW + 3600, dlg: 7 };

function verified(chain: ParsedChain, from = anchors): VerifiedCapability {
  return verifyCapabilityAsOf(chain, { time: NOW, anchors: from, crypto });
}

function root(...grants: Grant[]): ParsedChain {
  return issueCapability({ ...FOREVER, sub: agent.did, grants }, organisation, deps);
}

function below(parent: ParsedChain, ...grants: Grant[]): ParsedChain {
  return attenuate(parent, { sub: agent.did, grants, exp: 'same', dlg: 6 }, agent, deps);
}

function read(scope: string): readonly CheckedItem[] {
  return parseItems([{ scope, op: 'read' }]);
}

const DOC = 'tool:fs/method:read_file/resource:/docs/a.md';

describe('authorize', () => {
  it('CAP-20 allows what every link and the anchor grant', () => {
    expect(authorize(verified(root(READ_DOCS)), read(DOC), {})).toEqual({ effect: 'allow' });
    expect(authorize(verified(below(root(READ_DOCS), READ_DOCS)), read(DOC), {})).toEqual({
      effect: 'allow',
    });
  });

  it('CAP-12 hashes the arguments once, however many grants ask for their hash', () => {
    const hash = (byte: string) => ({ ptr: '' as const, op: 'argsHash' as const, value: byte.repeat(64) });
    const grants = [...'0123456789abcdef'].map((b): Grant => ({ ...READ_DOCS, where: [hash(b)] }));
    let hashed = 0;
    const sha256Hex = (data: Uint8Array): string => {
      hashed += 1;
      return crypto.sha256Hex(data);
    };
    const counting = { ...crypto, sha256Hex };
    const chain = below(root(READ_DOCS, ...grants), ...grants);
    const capability = verifyCapabilityAsOf(chain.chain, { time: NOW, anchors, crypto: counting });
    expect(authorize(capability, read(DOC), {})).toMatchObject({ code: 'CONSTRAINT_VIOLATED', link: 2 });
    expect(hashed).toBe(1);
  });

  it('CAP-14 does not walk large arguments for each grant with `only`', () => {
    const grants = Array.from({ length: 128 }, (): Grant => ({ ...READ_DOCS, only: ['/pad/0'] }));
    const capability = verified(root(...grants));
    let looks = 0;
    const pad = new Proxy(new Array<number>(500_000).fill(0), {
      get: (target, name, receiver) => {
        looks += 1;
        return Reflect.get(target, name, receiver);
      },
    });
    const denied = authorize(capability, read(DOC), { pad });
    expect(denied).toMatchObject({ code: 'CONSTRAINT_VIOLATED', caveat: 'only /pad/0' });
    expect(looks).toBeGreaterThan(0);
    expect(looks).toBeLessThan(1_000);
  });

  it('CAP-14 asks arguments for their names once, however many grants have `only`', () => {
    const grants = Array.from({ length: 128 }, (): Grant => ({ ...READ_DOCS, only: ['/k', '/pad/0'] }));
    const capability = verified(root(...grants));
    let asked = 0;
    const listing = (target: object) =>
      new Proxy(target, {
        ownKeys: (object) => {
          asked += 1;
          return Reflect.ownKeys(object);
        },
      }) as JsonObject;
    const denied = authorize(capability, read(DOC), listing({ k: 1, other: 1, more: 1 }));
    expect(denied).toMatchObject({ code: 'CONSTRAINT_VIOLATED', caveat: 'only /k, /pad/0' });
    expect(authorize(capability, read(DOC), listing({ pad: listing({ 0: 1, x: 1 }) }))).toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
    });
    expect(authorize(capability, read(DOC), listing({ k: 1, pad: listing({ 0: 1 }) }))).toBe(ALLOW);
    expect(asked).toBe(5);
  });

  it('CAP-12 measures a long text once, however many constraints do', () => {
    const where: Constraint[] = [{ ptr: '/text', op: 'maxLength', value: 5 }];
    const capability = verified(root({ ...READ_DOCS, where }));
    const memo: ArgumentsMemo = {};
    expect(authorize(capability, read(DOC), { text: 'äää' }, memo)).toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
    });
    expect(memo.lengths).toEqual(new Map([['äää', 6]]));
    // What is known of a text is not looked at again.
    const known = { lengths: new Map([['äää', 5]]) };
    expect(authorize(capability, read(DOC), { text: 'äää' }, known)).toBe(ALLOW);
  });

  it('CAP-20 names the first link that grants no such scope or op, and how it could be granted', () => {
    const narrow = below(root(READ_DOCS), { ...READ_DOCS, scope: `${READ_DOCS.scope}/public` });
    expect(authorize(verified(narrow), read(DOC), {})).toEqual({
      effect: 'deny',
      code: 'SCOPE_MISMATCH',
      link: 2,
      item: `read ${DOC}`,
      hint: `Ask ${agent.did} to grant it: talos cap attenuate --grant '${DOC}:read'`,
    });
    const write = parseItems([{ scope: DOC, op: 'write' }]);
    const denied = authorize(verified(root(READ_DOCS)), write, {});
    expect(denied).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1, item: `write ${DOC}` });
    expect(denied).toHaveProperty('hint', expect.stringContaining(`talos cap issue --grant '${DOC}:write'`));
    const strict = world.anchors({ grants: [{ scope: 'tool:git', ops: ['read'] }] });
    const refused = authorize(verified(root(READ_DOCS), strict), read(DOC), {});
    expect(refused).toMatchObject({ link: 0 });
    // What may be done about it is the operator's alone: a hint that names a command for capabilities leads nowhere.
    const { hint } = refused as { hint: string };
    expect(hint).toContain(`the anchor of ${organisation.did} in talos.yaml`);
    expect(hint).toContain(`\`- { scope: "${DOC}", ops: [read] }\``);
    expect(hint).not.toContain('talos cap');
    const long = `tool:fs/method:read_file/resource:/${'a'.repeat(980)}`;
    const short = authorize(verified(root(READ_DOCS), strict), read(long), {}) as { hint: string };
    expect(short.hint).toContain('`- { scope: "tool:fs/method:read_file", ops: [read] }`');
  });

  it.each([
    ['a tool of a long name', `tool:fs/method:${'a'.repeat(1000)}`, READ_DOCS],
    [
      'a long name and a long path',
      `tool:fs/method:${'a'.repeat(990)}/resource:/${'b'.repeat(9000)}`,
      READ_DOCS,
    ],
    [
      'a caveat of long letters',
      DOC,
      { ...READ_DOCS, where: [{ ptr: '/x', op: 'eq' as const, value: '\u6f22'.repeat(300) }] },
    ],
  ])('DEC-1 says no more than a decision holds, for %s', (_, scope, grant) => {
    const checkDecision = createChecker(Decision);
    const whole: Grant = { scope: 'tool:*', ops: ['read'] };
    const strict = world.anchors({ grants: [grant] });
    const denied = [
      authorize(verified(root(whole), strict), read(scope), {}),
      authorize(verified(root(grant)), read(scope), {}),
      authorize(verified(below(root(whole), grant)), read(scope), {}),
    ];
    expect(denied.map((decision) => checkDecision(decision))).toEqual([undefined, undefined, undefined]);
    expect(denied).toMatchObject([{ link: 0 }, { link: 1 }, { link: 2 }]);
  });

  it('CAP-20 cannot be widened by a child that grants more than its parent', () => {
    const everything: Grant = { scope: 'tool:*', ops: ['read', 'write'] };
    const wide = verified(below(root(READ_DOCS), everything));
    const outside = read('tool:fs/method:read_file/resource:/etc/passwd');
    expect(authorize(wide, outside, {})).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1 });
  });

  it('CAP-20 reports the caveat where scope and op fit', () => {
    const where: Constraint[] = [
      { ptr: '/path', op: 'within', value: '/docs' },
      { ptr: '/head', op: 'le', value: 10 },
    ];
    const capability = verified(root({ scope: 'tool:fs', ops: ['read'], where }));
    expect(authorize(capability, read(DOC), { path: '/docs/a.md', head: 5 })).toEqual({ effect: 'allow' });
    expect(authorize(capability, read(DOC), { path: '/docs/a.md', head: 11 })).toMatchObject({
      code: 'CONSTRAINT_VIOLATED',
      link: 1,
      caveat: '/head le 10',
      hint: expect.stringContaining('`/head le 10`'),
    });
    expect(authorize(capability, read(DOC), {})).toMatchObject({ caveat: '/path within /docs' });
    const only = verified(root({ scope: 'tool:fs', ops: ['read'], only: ['/path'] }));
    expect(authorize(only, read(DOC), { path: '/a', force: true })).toMatchObject({ caveat: 'only /path' });
    const grants: Grant[] = [{ scope: 'tool:fs', ops: ['read'], only: [''], where }];
    const hint = expect.stringContaining('anchors in talos.yaml');
    expect(authorize(verified(root(READ_DOCS), world.anchors({ grants })), read(DOC), {})).toMatchObject({
      link: 0,
      hint,
    });
  });

  it('CAP-20 lets any one grant of a link suffice, and tests a caveat once for all items', () => {
    const where: Constraint[] = [{ ptr: '/mode', op: 'eq', value: 'x' }];
    const capability = verified(root({ scope: 'tool:fs', ops: ['read'], where }, READ_DOCS));
    const items = parseItems([
      { scope: DOC, op: 'read' },
      { scope: 'tool:fs/method:read_file/resource:/etc/a', op: 'read' },
      { scope: 'tool:fs/method:read_file/resource:/etc/b', op: 'read' },
    ]);
    expect(authorize(capability, items.slice(0, 1), {})).toEqual({ effect: 'allow' });
    expect(authorize(capability, items, { mode: 'x' })).toEqual({ effect: 'allow' });
    expect(authorize(capability, items, {})).toMatchObject({
      item: `read ${items[1]?.scope}`,
      caveat: '/mode eq x',
    });
  });

  it('DEC-2 denies a call without items, and one it cannot decide', () => {
    expect(authorize(verified(root(READ_DOCS)), [], {})).toMatchObject({
      effect: 'deny',
      code: 'POLICY_DENIED',
    });
    const where: Constraint[] = [{ ptr: '', op: 'argsHash', value: '0'.repeat(64) }];
    const capability = verified(root({ scope: 'tool:fs', ops: ['read'], where }));
    const unspeakable = { n: 1n } as unknown as JsonObject;
    expect(authorize(capability, read(DOC), unspeakable)).toMatchObject({ code: 'POLICY_DENIED' });
    const hostile = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('trap');
        },
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      },
    );
    expect(authorize(capability, read(DOC), hostile)).toMatchObject({ code: 'POLICY_DENIED' });
  });

  it('names no caveat in a hint that would be too long for it', () => {
    const where: Constraint[] = [{ ptr: '/mode', op: 'eq', value: '漢'.repeat(400) }];
    const capability = verified(root({ scope: 'tool:fs', ops: ['read'], where }));
    const iss = `did:web:${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
    const links = capability.links.map((link) => ({ ...link, claims: { ...link.claims, iss } }));
    const denied = authorize({ ...capability, links }, read(DOC), {});
    expect(createChecker(Decision)(denied)).toBeUndefined();
    expect(denied).toHaveProperty('hint', expect.stringContaining('the caveat holds'));
  });

  it('keeps hints and caveats within what a decision may carry', () => {
    const long = `tool:fs/method:read_file/resource:/${'a'.repeat(980)}`;
    const denied = authorize(verified(root(READ_DOCS)), read(long), {});
    expect(denied).toHaveProperty('hint', expect.stringContaining("'tool:fs/method:read_file:read'"));
    const where: Constraint[] = [{ ptr: '/a', op: 'eq', value: '\u{1f600}'.repeat(200) }];
    const refused = authorize(verified(root({ scope: 'tool:fs', ops: ['read'], where })), read(DOC), {});
    const { caveat = '' } = refused as { caveat?: string };
    expect(caveat.length).toBeLessThanOrEqual(300);
    expect(caveat).not.toMatch(/\p{Surrogate}/u);
  });
});

describe('couldAllow', () => {
  const tool = { server: 'fs', tool: 'read_file', ops: ['read'] as const };

  it('DEC-9 shows the tools that every link and the anchor reach with an op of theirs', () => {
    expect(couldAllow(verified(root(READ_DOCS)), tool)).toBe(true);
    expect(couldAllow(verified(root({ scope: 'tool:f*', ops: ['read'] })), tool)).toBe(true);
    expect(couldAllow(verified(root({ scope: 'tool:fs/method:re*/resource:/', ops: ['read'] })), tool)).toBe(
      true,
    );
    expect(couldAllow(verified(root(READ_DOCS)), { ...tool, ops: ['write'] })).toBe(false);
    expect(couldAllow(verified(root(READ_DOCS)), { ...tool, tool: 'read' })).toBe(false);
    expect(couldAllow(verified(root({ scope: 'llm:x', ops: ['read'] })), tool)).toBe(false);
    const write = below(root(READ_DOCS), { scope: 'tool:fs', ops: ['write'] });
    expect(couldAllow(verified(write), tool)).toBe(false);
  });
});

describe('couldAllow of a model', () => {
  const from = world.anchors({ grants: [{ scope: 'llm:*', ops: ['read', 'write'] }] });
  const model = { provider: 'lab', model: 'm-1', ops: ['write'] as const };
  const reached = (chain: ParsedChain) => couldAllow(verified(chain, from), model);

  it('LLM-22 takes a grant in every link that covers the model, whatever its constraints', () => {
    const where = [{ ptr: '/max_tokens', op: 'le' as const, value: 50 }];
    expect(reached(root({ scope: 'llm:lab', ops: ['write'] }))).toBe(true);
    expect(reached(root({ scope: 'llm:lab/model:m-*', ops: ['write'], where }))).toBe(true);
    expect(reached(root({ scope: 'llm:lab/model:m-2', ops: ['write'] }))).toBe(false);
    expect(reached(root({ scope: 'llm:lab', ops: ['read'] }))).toBe(false);
    expect(reached(root({ scope: 'tool:lab', ops: ['write'] }))).toBe(false);
    const other = below(root({ scope: 'llm:lab', ops: ['write'] }), { scope: 'llm:other', ops: ['write'] });
    expect(reached(other)).toBe(false);
  });

  it('LLM-22 takes none for a feature of it, and none for the resource of a tool', () => {
    expect(reached(root({ scope: 'llm:lab/model:m-1/feature:web_search', ops: ['write'] }))).toBe(false);
    expect(reached(root({ scope: 'tool:lab/method:m-1/resource:/', ops: ['write'] }))).toBe(false);
  });
});

describe('limitsOf', () => {
  it('CAP-21 lists every limit, the anchor first, one entry per link, kind and period', () => {
    const limited = world.anchors({ limits: [{ per: 'day', calls: 100, rate: { count: 1, seconds: 1 } }] });
    const grants = [READ_DOCS];
    const limits = [
      { per: 'total' as const, calls: 9 },
      { per: 'total' as const, calls: 5, tokens: 7 },
      { per: 'month' as const, cost: { amount: 1, currency: 'EUR' } },
    ];
    const chain = issueCapability({ ...FOREVER, sub: agent.did, grants, limits }, organisation, deps);
    const key = chain.root.lid;
    expect(limitsOf(verified(chain, limited))).toEqual([
      { key: `anchor:${organisation.did}`, link: 0, kind: 'calls', per: 'day', allowed: 100 },
      { key: `anchor:${organisation.did}`, link: 0, kind: 'rate', per: 1, allowed: 1 },
      { key, link: 1, kind: 'calls', per: 'total', allowed: 5 },
      { key, link: 1, kind: 'cost', per: 'month', allowed: 1, currency: 'EUR' },
      { key, link: 1, kind: 'tokens', per: 'total', allowed: 7 },
    ]);
    expect(limitsOf(verified(root(READ_DOCS)))).toEqual([]);
  });
});

describe('attenuation', () => {
  const name = fc.constantFrom('fs', 'fs*', '*', 'git');
  const method = fc.constantFrom('', '/method:read', '/method:re*', '/method:write');
  const resource = fc.constantFrom('', '/resource:/', '/resource:/a', '/resource:/a/b');
  const scope = fc
    .tuple(name, method, resource)
    .map(([tool, verb, place]) => `tool:${tool}${verb}${verb === '' ? '' : place}`);
  const ops = fc.constantFrom<Grant['ops']>(['read'], ['write'], ['read', 'write']);
  const constraint = fc.constantFrom<Constraint>(
    { ptr: '/path', op: 'within', value: '/a' },
    { ptr: '/path', op: 'glob', value: '/*/*' },
    { ptr: '/path', op: 'maxLength', value: 3 },
    { ptr: '/n', op: 'le', value: 3 },
    { ptr: '/n', op: 'nin', value: [2, 'x'] },
    { ptr: '/x', op: 'exists', value: false },
  );
  const where = fc.option(fc.array(constraint, { minLength: 1, maxLength: 2 }), { nil: undefined });
  const only = fc.option(fc.constantFrom<string[]>(['/path'], ['/path', '/n'], ['']), { nil: undefined });
  const grant: fc.Arbitrary<Grant> = fc.tuple(scope, ops, where, only).map(([s, o, w, l]) => ({
    scope: s,
    ops: o,
    ...(w === undefined ? {} : { where: w }),
    ...(l === undefined ? {} : { only: l }),
  }));
  const grants = fc.array(grant, { minLength: 1, maxLength: 3 });
  const item = fc
    .tuple(
      fc.constantFrom('fs', 'fs2', 'git'),
      fc.constantFrom('', '/method:read', '/method:rewrite', '/method:write'),
      fc.constantFrom('', '/resource:/', '/resource:/a', '/resource:/a/b', '/resource:/ab'),
      fc.constantFrom('read', 'write'),
    )
    .map(([tool, verb, place, op]) => ({ scope: `tool:${tool}${verb}${verb === '' ? '' : place}`, op }));
  const args = fc.record(
    {
      path: fc.constantFrom('/', '/a', '/a/b', '/ab', '/a/../b', 7),
      n: fc.constantFrom(1, 2, 3, 4, '2', 2.5),
      x: fc.constant(null),
    },
    { requiredKeys: [] },
  );

  it('never widens: what a chain allows, every beginning of it allows', () => {
    fc.assert(
      fc.property(
        fc.array(grants, { minLength: 2, maxLength: 4 }),
        fc.array(item, { minLength: 1, maxLength: 3 }),
        args,
        (chain, wanted, given) => {
          let current = root(...(chain[0] as Grant[]));
          const decisions = [verified(current)];
          for (const [index, more] of chain.slice(1).entries()) {
            const options = { sub: agent.did, grants: more, exp: 'same' as const, dlg: 6 - index };
            current = attenuate(current, options, agent, deps);
            decisions.push(verified(current));
          }
          const items = parseItems(wanted);
          const allowed = decisions.map(
            (capability) => authorize(capability, items, given as JsonObject).effect,
          );
          // Once denied, denied for ever.
          const first = allowed.indexOf('deny');
          expect(first < 0 || allowed.slice(first).every((effect) => effect === 'deny')).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('can be decided for a chain of the full length', () => {
    let chain = root(READ_DOCS);
    for (let dlg = 6; dlg >= 0; dlg--) {
      chain = attenuate(chain, { sub: agent.did, grants: 'same', exp: 'same', dlg }, agent, deps);
    }
    expect(chain.links).toHaveLength(8);
    expect(authorize(verified(chain), read(DOC), {})).toEqual({ effect: 'allow' });
    expect(() => attenuate(chain, { sub: helper.did, grants: 'same', exp: 'same' }, agent, deps)).toThrow(
      '8 links',
    );
  });
});
