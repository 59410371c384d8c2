import { ACROSS } from './across-links.js';
import type { Data, Members } from './bytes.js';
import { b64url } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import {
  AGENT,
  ANCHOR,
  CAPABILITY,
  extend,
  GATEWAY,
  hash,
  NOW,
  ONE,
  ORGANISATION,
  ROOT,
  rootJws,
  STRANGER,
  SUB_AGENT,
  TWO,
} from './chain.js';
import { jws, party } from './keys.js';

const CONTEXT: Members = { anchors: [ANCHOR], gateway: GATEWAY.did, now: NOW, revoked: [] };
const read = (scope: string): Data => ({ scope, op: 'read' });
const FILE = 'tool:fs/method:read_file/resource:';

export function authorizeNoun(): Noun {
  const n = createNoun(
    'authorize',
    'chain, which verifies at now, is asked for items and arguments; valid cases are allowed, invalid ones denied with code and link, where 0 is the anchor (CAP-20).',
  );
  const given = (chain: string, items: Data[], args: Members = {}, more: Members = {}): Members => ({
    chain,
    ...CONTEXT,
    ...more,
    items,
    arguments: args,
  });
  const granted = (grants: Data, more: Members = {}) => rootJws({ grants, ...more });
  const fs = { scope: 'tool:fs', ops: ['read'] };
  n.ok('root', 'CAP-20', 'a grant of the root', given(ONE, [read(`${FILE}/x`)]), { effect: 'allow' });
  n.ok('narrowed', 'CAP-20', 'every link grants it', given(TWO, [read(`${FILE}/docs/a.md`)]), {
    effect: 'allow',
  });
  n.ok(
    'two-items',
    'CAP-20',
    'items by different grants',
    given(
      granted([
        { scope: `${FILE}/a`, ops: ['read'] },
        { scope: `${FILE}/b`, ops: ['read'] },
      ]),
      [read(`${FILE}/a`), read(`${FILE}/b`)],
    ),
    { effect: 'allow' },
  );
  n.ok(
    'second-grant',
    'CAP-20',
    'one grant fails its where, another holds',
    given(
      granted([
        { ...fs, where: [{ ptr: '/n', op: 'lt', value: 1 }] },
        { ...fs, where: [{ ptr: '/n', op: 'gt', value: 1 }] },
      ]),
      [read('tool:fs/method:a')],
      { n: 2 },
    ),
    { effect: 'allow' },
  );
  const rw = ['read', 'write'];
  const write = (scope: string): Data => ({ scope, op: 'write' });
  const linked = (root: Data, child: Data) =>
    extend(granted([root]), AGENT, SUB_AGENT.did, { grants: [child] });
  const ok = (id: string, chain: string, items: Data[]) =>
    n.ok(id, 'CAP-20', id, given(chain, items), { effect: 'allow' });
  ok(
    'stars-narrowed',
    linked({ scope: 'tool:f*/method:re*', ops: rw }, { scope: 'tool:*/method:read_file', ops: ['read'] }),
    [read(`${FILE}/x`)],
  );
  ok('ops-narrowed', linked({ scope: 'tool:fs', ops: rw }, { scope: 'tool:*', ops: ['write'] }), [
    write('tool:fs/method:a'),
  ]);
  ok(
    'escaped-path',
    linked({ scope: `${FILE}/a%20b`, ops: ['read'] }, { scope: `${FILE}/a%20b/%C3%BC`, ops: ['read'] }),
    [read(`${FILE}/a%20b/%C3%BC/%F0%9F%98%80`)],
  );
  ok('star-within-character', linked({ scope: 'tool:%C3*', ops: rw }, { scope: 'tool:%C3%BC', ops: rw }), [
    read('tool:%C3%BC/method:a'),
  ]);
  n.ok(
    'only',
    'CAP-14',
    'only holds',
    given(granted([{ ...fs, only: ['/n'] }]), [read('tool:fs/method:a')], { n: 2 }),
    { effect: 'allow' },
  );
  const no = (
    id: string,
    code: string,
    link: number,
    chain: string,
    items: Data[],
    args: Members = {},
    more: Members = {},
  ) => n.no(id, 'CAP-20', id, given(chain, items, args, more), code, link);
  for (const [id, link, root, child, item] of ACROSS)
    no(`across-${id}`, 'SCOPE_MISMATCH', link, linked(root, child), [item]);
  no(
    'ops-of-two-grants',
    'SCOPE_MISMATCH',
    1,
    granted([
      { scope: 'tool:fs/method:a', ops: ['read'] },
      { scope: 'tool:fs/method:b', ops: ['write'] },
    ]),
    [write('tool:fs/method:a')],
  );
  no('outside-folder', 'SCOPE_MISMATCH', 2, TWO, [read(`${FILE}/etc/passwd`)]);
  no('sibling-folder', 'SCOPE_MISMATCH', 2, TWO, [read(`${FILE}/docs2`)]);
  no('write', 'SCOPE_MISMATCH', 2, TWO, [{ scope: `${FILE}/docs/a`, op: 'write' }]);
  no('other-tool', 'SCOPE_MISMATCH', 2, TWO, [read('tool:fs/method:list/resource:/docs')]);
  no('other-server', 'SCOPE_MISMATCH', 1, TWO, [read('tool:db/method:read_file/resource:/docs')]);
  no('no-resource', 'SCOPE_MISMATCH', 2, TWO, [read('tool:fs/method:read_file')]);
  no('one-of-two', 'SCOPE_MISMATCH', 2, TWO, [read(`${FILE}/docs/a`), read(`${FILE}/b`)]);
  no(
    'anchor-scope',
    'SCOPE_MISMATCH',
    0,
    ONE,
    [read(`${FILE}/x`)],
    {},
    { anchors: [{ ...ANCHOR, grants: [{ scope: 'tool:db', ops: ['read'] }] }] },
  );
  no(
    'anchor-op',
    'SCOPE_MISMATCH',
    0,
    ONE,
    [{ scope: `${FILE}/x`, op: 'write' }],
    {},
    { anchors: [{ ...ANCHOR, grants: [fs] }] },
  );
  no(
    'child-widens',
    'SCOPE_MISMATCH',
    1,
    extend(granted([fs]), AGENT, SUB_AGENT.did, { grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] }),
    [{ scope: 'tool:fs/method:a', op: 'write' }],
  );
  no(
    'where',
    'CONSTRAINT_VIOLATED',
    1,
    granted([{ ...fs, where: [{ ptr: '/n', op: 'lt', value: 5 }] }]),
    [read('tool:fs/method:a')],
    { n: 5 },
  );
  no(
    'where-missing',
    'CONSTRAINT_VIOLATED',
    1,
    granted([{ ...fs, where: [{ ptr: '/n', op: 'ne', value: 5 }] }]),
    [read('tool:fs/method:a')],
  );
  no(
    'where-one-of-two',
    'CONSTRAINT_VIOLATED',
    1,
    granted([
      {
        ...fs,
        where: [
          { ptr: '/n', op: 'lt', value: 5 },
          { ptr: '/m', op: 'exists', value: true },
        ],
      },
    ]),
    [read('tool:fs/method:a')],
    { n: 1 },
  );
  no(
    'where-across-grants',
    'CONSTRAINT_VIOLATED',
    1,
    granted([
      { ...fs, where: [{ ptr: '/n', op: 'eq', value: 1 }] },
      { scope: 'tool:db', ops: ['read'] },
    ]),
    [read('tool:fs/method:a')],
    { n: 2 },
  );
  no('only', 'CONSTRAINT_VIOLATED', 1, granted([{ ...fs, only: ['/n'] }]), [read('tool:fs/method:a')], {
    n: 1,
    m: null,
  });
  no(
    'anchor-where',
    'CONSTRAINT_VIOLATED',
    0,
    ONE,
    [read('tool:fs/method:a')],
    { n: 2 },
    { anchors: [{ ...ANCHOR, grants: [{ ...fs, where: [{ ptr: '/n', op: 'eq', value: 1 }] }] }] },
  );
  no(
    'parent-where',
    'CONSTRAINT_VIOLATED',
    1,
    extend(granted([{ ...fs, where: [{ ptr: '/n', op: 'le', value: 1 }] }]), AGENT, SUB_AGENT.did, {
      grants: [fs],
    }),
    [read('tool:fs/method:a')],
    { n: 2 },
  );
  return n.done();
}

export function bearerNoun(): Noun {
  const n = createNoun(
    'bearer',
    'key is presented as a bearer key at now (CAP-22); expect.holder is the sub of its leaf.',
  );
  const child = party('bearer child');
  const below = rootJws({ bearer_below: true });
  const bearer: Members = { bearer: true, aud: [GATEWAY.did], bearer_below: true, dlg: 1 };
  const chain = extend(below, AGENT, SUB_AGENT.did, bearer);
  const key = (text: string, seed: Uint8Array) => `talos_${text}~${b64url(seed)}`;
  const given = (text: string): Members => ({ key: text, ...CONTEXT });
  const good = key(chain, SUB_AGENT.seed);
  n.ok('two', 'CAP-22', 'a key', given(good), { holder: SUB_AGENT.did });
  n.ok(
    'root',
    'CAP-22',
    'a root that is a bearer link',
    given(key(rootJws({ bearer: true, exp: NOW + 900 }), AGENT.seed)),
    { holder: AGENT.did },
  );
  n.ok(
    'narrowed',
    'CAP-23',
    'a key narrowed offline',
    given(key(extend(chain, SUB_AGENT, child.did, { bearer: true, aud: [GATEWAY.did] }), child.seed)),
    { holder: child.did },
  );
  const no = (id: string, spec: string, text: string, code: string) => n.no(id, spec, id, given(text), code);
  no('other-seed', 'CAP-22', key(chain, AGENT.seed), 'PROOF_INVALID');
  no('zero-seed', 'CAP-22', key(chain, Buffer.alloc(32)), 'PROOF_INVALID');
  no('stripped', 'CAP-22', key(below, SUB_AGENT.seed), 'PROOF_INVALID');
  no('not-bearer', 'CAP-22', key(TWO, SUB_AGENT.seed), 'PROOF_INVALID');
  no('no-seed', 'CAP-22', `talos_${chain}`, 'MALFORMED');
  no('empty-seed', 'CAP-22', `talos_${chain}~`, 'MALFORMED');
  no('short-seed', 'CAP-22', key(chain, SUB_AGENT.seed.subarray(1)), 'MALFORMED');
  no('long-seed', 'CAP-22', key(chain, Buffer.alloc(33)), 'MALFORMED');
  no('two-seeds', 'CAP-22', `${good}~${b64url(SUB_AGENT.seed)}`, 'MALFORMED');
  no('prefix', 'CAP-22', good.replace('talos_', 'Talos_'), 'MALFORMED');
  no('no-prefix', 'CAP-22', good.slice(6), 'MALFORMED');
  no('space', 'CAP-22', ` ${good}`, 'MALFORMED');
  no('no-chain', 'CAP-22', `talos_~${b64url(AGENT.seed)}`, 'MALFORMED');
  no(
    'stranger',
    'CAP-7',
    key(rootJws({ iss: STRANGER.did, bearer: true, exp: NOW + 900 }, STRANGER), AGENT.seed),
    'UNTRUSTED_ISSUER',
  );
  return n.done();
}

export function revocationNoun(): Noun {
  const n = createNoun(
    'revocation',
    'revocation is accepted at now with anchors (CAP-25); expect: the lid it revokes, and by whom.',
  );
  const typ = 'talos-revoke+jwt';
  const leaf = hash(TWO.split('~')[1] as string);
  const base: Members = { iss: AGENT.did, iat: NOW, jti: 'r-1', lid: leaf, chain: TWO };
  const given = (text: string, more: Members = {}): Members => ({
    revocation: text,
    anchors: [ANCHOR],
    now: NOW,
    ...more,
  });
  const ok = (id: string, text: string, lid: string, by: string) =>
    n.ok(id, 'CAP-25', id, given(text), { lid, by });
  ok('issuer', jws(typ, base, AGENT), leaf, 'issuer');
  ok('ancestor', jws(typ, { ...base, iss: ORGANISATION.did }, ORGANISATION), leaf, 'ancestor');
  ok('subject', jws(typ, { ...base, iss: SUB_AGENT.did }, SUB_AGENT), leaf, 'subject');
  ok(
    'root',
    jws(typ, { ...base, iss: ORGANISATION.did, lid: hash(ONE), chain: ONE }, ORGANISATION),
    hash(ONE),
    'issuer',
  );
  ok(
    'root-by-subject',
    jws(typ, { ...base, iss: AGENT.did, lid: hash(ONE), chain: ONE }, AGENT),
    hash(ONE),
    'subject',
  );
  const no = (id: string, text: string, code: string, more: Members = {}) =>
    n.no(id, 'CAP-25', id, given(text, more), code);
  const expired = rootJws({ exp: NOW - 100 });
  ok(
    'expired',
    jws(typ, { ...base, iss: ORGANISATION.did, lid: hash(expired), chain: expired }, ORGANISATION),
    hash(expired),
    'issuer',
  );
  no('future', jws(typ, { ...base, iat: NOW + 31 }, AGENT), 'NOT_YET_VALID');
  no(
    'child-revokes-parent',
    jws(typ, { ...base, iss: SUB_AGENT.did, lid: hash(ONE), chain: ONE }, SUB_AGENT),
    'DELEGATION_INVALID',
  );
  no('stranger', jws(typ, { ...base, iss: STRANGER.did }, STRANGER), 'DELEGATION_INVALID');
  no('signature', jws(typ, base, SUB_AGENT), 'SIGNATURE_INVALID');
  no('lid-not-last', jws(typ, { ...base, lid: hash(ONE) }, AGENT), 'MALFORMED');
  no('lid-hex', jws(typ, { ...base, lid: '0'.repeat(64) }, AGENT), 'MALFORMED');
  no('unknown-member', jws(typ, { ...base, reason: 'x' }, AGENT), 'MALFORMED');
  no('no-chain', jws(typ, { iss: AGENT.did, iat: NOW, jti: 'r', lid: leaf }, AGENT), 'MALFORMED');
  no('typ', jws(CAPABILITY, base, AGENT), 'MALFORMED');
  no('anchor', jws(typ, base, AGENT), 'UNTRUSTED_ISSUER', { anchors: [] });
  const forged = `${jws(CAPABILITY, ROOT, STRANGER)}`;
  no('forged-chain', jws(typ, { ...base, lid: hash(forged), chain: forged }, AGENT), 'SIGNATURE_INVALID');
  return n.done();
}
