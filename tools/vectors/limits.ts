import type { Data, Members } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { AGENT, ANCHOR, extend, GATEWAY, hash, NOW, ONE, ORGANISATION, rootJws, SUB_AGENT } from './chain.js';

const CONTEXT: Members = { anchors: [ANCHOR], gateway: GATEWAY.did, now: NOW, revoked: [] };
const ANCHOR_KEY = `anchor:${ORGANISATION.did}`;

export function limitsNoun(): Noun {
  const n = createNoun(
    'limits',
    'chain, which verifies at now, makes one call that takes asks (cost and tokens, each absent if none) after what is in spent, counted by key, kind, per (of a rate the seconds of its window, which is the same) and currency (CAP-21). expect.takes: what the call takes, in any order, with what is allowed. Invalid: code and link, 0 being the anchor.',
  );
  const given = (chain: string, spent: Data[] = [], more: Members = {}): Members => ({
    chain,
    ...CONTEXT,
    asks: {},
    ...more,
    spent,
  });
  const limited = (...limits: Data[]) => rootJws({ limits });
  const total = (calls: number) => ({ per: 'total', calls });
  const take = (key: string, link: number, per: Data, allowed: number, more: Members = {}): Data => ({
    key,
    link,
    kind: 'calls',
    per,
    allowed,
    amount: 1,
    ...more,
  });
  const spent = (key: string, per: Data, amount: number, more: Members = {}): Data => ({
    key,
    kind: 'calls',
    per,
    amount,
    ...more,
  });
  const ok = (id: string, input: Members, takes: Data[]) => n.ok(id, 'CAP-21', id, input, { takes });
  const five = limited(total(5));
  const key = hash(five);
  ok('none', given(ONE), []);
  ok('one', given(five), [take(key, 1, 'total', 5)]);
  ok('last', given(five, [spent(key, 'total', 4)]), [take(key, 1, 'total', 5)]);
  const smallest = limited(total(9), total(3), total(7));
  ok('smallest', given(smallest), [take(hash(smallest), 1, 'total', 3)]);
  const periods = limited(
    total(9),
    { per: 'day', calls: 2 },
    { per: 'month', calls: 5 },
    { per: 'day', calls: 4 },
  );
  ok('periods', given(periods), [
    take(hash(periods), 1, 'total', 9),
    take(hash(periods), 1, 'day', 2),
    take(hash(periods), 1, 'month', 5),
  ]);
  const below = extend(five, AGENT, SUB_AGENT.did, { limits: [total(9)] });
  const leaf = hash(below.split('~')[1] as string);
  ok('every-link', given(below), [take(key, 1, 'total', 5), take(leaf, 2, 'total', 9)]);
  const anchors: Data = [{ ...ANCHOR, limits: [{ per: 'day', calls: 100 }] }];
  ok('anchor', given(five, [], { anchors }), [take(ANCHOR_KEY, 0, 'day', 100), take(key, 1, 'total', 5)]);
  ok('other-period', given(five, [spent(key, 'day', 5)]), [take(key, 1, 'total', 5)]);
  ok('sibling', given(five, [spent(leaf, 'total', 9)]), [take(key, 1, 'total', 5)]);
  ok('other-kind', given(five, [spent(key, 'total', 5, { kind: 'tokens' })]), [take(key, 1, 'total', 5)]);
  const no = (id: string, input: Members, code: string, link?: number) =>
    n.no(id, code === 'MALFORMED' ? 'CAP-3' : 'CAP-21', id, input, code, link);
  no('used-up', given(five, [spent(key, 'total', 5)]), 'BUDGET_EXCEEDED', 1);
  no('overdrawn', given(five, [spent(key, 'total', 9)]), 'BUDGET_EXCEEDED', 1);
  no('smallest-used-up', given(smallest, [spent(hash(smallest), 'total', 3)]), 'BUDGET_EXCEEDED', 1);
  no('one-period', given(periods, [spent(hash(periods), 'day', 2)]), 'BUDGET_EXCEEDED', 1);
  no('parent-used-up', given(below, [spent(key, 'total', 5)]), 'BUDGET_EXCEEDED', 1);
  no('leaf-used-up', given(below, [spent(leaf, 'total', 9)]), 'BUDGET_EXCEEDED', 2);
  no('anchor-used-up', given(five, [spent(ANCHOR_KEY, 'day', 100)], { anchors }), 'BUDGET_EXCEEDED', 0);
  const euro = (amount: number): Data => ({ amount, currency: 'EUR' });
  const costs = limited({ per: 'day', cost: euro(10) }, { per: 'day', cost: euro(12), tokens: 50 });
  const costKey = hash(costs);
  const ofCost = { kind: 'cost', currency: 'EUR' };
  const asks = { cost: euro(4), tokens: 20 };
  const takesCost = take(costKey, 1, 'day', 10, { ...ofCost, amount: 4 });
  const takesTokens = take(costKey, 1, 'day', 50, { kind: 'tokens', amount: 20 });
  ok('cost-and-tokens', given(costs, [], { asks }), [takesCost, takesTokens]);
  ok('cost-last', given(costs, [spent(costKey, 'day', 6, ofCost)], { asks }), [takesCost, takesTokens]);
  ok('costs-nothing', given(costs, [spent(costKey, 'day', 10, ofCost)]), []);
  ok('calls-beside-cost', given(limited({ per: 'day', calls: 5, cost: euro(1) })), [
    take(hash(limited({ per: 'day', calls: 5, cost: euro(1) })), 1, 'day', 5),
  ]);
  no('cost-used-up', given(costs, [spent(costKey, 'day', 7, ofCost)], { asks }), 'BUDGET_EXCEEDED', 1);
  no(
    'tokens-used-up',
    given(costs, [spent(costKey, 'day', 31, { kind: 'tokens' })], { asks }),
    'BUDGET_EXCEEDED',
    1,
  );
  no('cost-too-much-at-once', given(costs, [], { asks: { cost: euro(11) } }), 'BUDGET_EXCEEDED', 1);
  const dollars = { asks: { cost: { amount: 1, currency: 'USD' } } };
  no('other-currency', given(costs, [], dollars), 'POLICY_DENIED', 1);
  const both = limited({ per: 'day', cost: euro(10) }, { per: 'day', cost: { amount: 10, currency: 'USD' } });
  no('two-currencies', given(both, [], dollars), 'POLICY_DENIED', 1);
  const anchorCost: Data = [{ ...ANCHOR, limits: [{ per: 'day', cost: euro(1) }] }];
  no('anchor-other-currency', given(ONE, [], { anchors: anchorCost, ...dollars }), 'POLICY_DENIED', 0);
  no('anchor-cost', given(ONE, [], { anchors: anchorCost, asks }), 'BUDGET_EXCEEDED', 0);
  const rates = limited(
    { per: 'day', rate: { count: 9, seconds: 60 } },
    { per: 'total', rate: { count: 3, seconds: 60 } },
    { per: 'day', rate: { count: 100, seconds: 3_600 } },
  );
  const ofRate = { kind: 'rate' };
  const takesRates = [take(hash(rates), 1, 60, 3, ofRate), take(hash(rates), 1, 3_600, 100, ofRate)];
  ok('rate', given(rates), takesRates);
  ok('rate-last', given(rates, [spent(hash(rates), 60, 2, ofRate)]), takesRates);
  no('rate-used-up', given(rates, [spent(hash(rates), 60, 3, ofRate)]), 'RATE_LIMITED', 1);
  no('second-rate-used-up', given(rates, [spent(hash(rates), 3_600, 100, ofRate)]), 'RATE_LIMITED', 1);
  const malformed: [string, Data][] = [
    ['no-limit', []],
    ['nothing', [{ per: 'day' }]],
    ['zero', [total(0)]],
    ['negative', [total(-1)]],
    ['text', [{ per: 'total', calls: '5' }]],
    ['per-hour', [{ per: 'hour', calls: 1 }]],
    ['no-per', [{ calls: 1 }]],
    ['unknown-member', [{ per: 'day', calls: 1, burst: 2 }]],
    ['nine', Array.from({ length: 9 }, () => total(1))],
    ['currency', [{ per: 'day', cost: { amount: 1, currency: 'eur' } }]],
    ['rate-seconds', [{ per: 'day', rate: { count: 1, seconds: 86_401 } }]],
  ];
  for (const [id, limits] of malformed) no(id, given(rootJws({ limits })), 'MALFORMED');
  return n.done();
}

export function reachNoun(): Noun {
  const n = createNoun(
    'reach',
    'chain, which verifies at now, lists tool of server, whose manifest it is: every link and the anchor have a grant whose tool and method segments cover it and whose ops meet one of its ops, which are expect.ops in any order (DEC-9, DEC-12). Invalid: code and the first link without.',
  );
  const given = (chain: string, more: Members = {}): Members => ({
    chain,
    ...CONTEXT,
    server: 'fs',
    tool: 'read_file',
    manifest: { op: 'read', resources: [] },
    ...more,
  });
  const granted = (scope: string, ...ops: string[]) => rootJws({ grants: [{ scope, ops }] });
  const writes = { op: 'read', resources: [{ ptr: '/to', kind: 'path', required: true, op: 'write' }] };
  const both = { ops: ['read', 'write'] };
  const ok = (id: string, input: Members, ops: Members = { ops: ['read'] }) =>
    n.ok(id, 'DEC-9', id, input, ops);
  ok('server', given(ONE));
  ok('method', given(granted('tool:fs/method:read_file', 'read')));
  ok('star', given(granted('tool:fs/method:read_*', 'read')));
  ok('below-a-folder', given(granted('tool:*/method:read_file/resource:/docs', 'read')));
  ok('one-of-its-ops', given(granted('tool:fs', 'write'), { manifest: writes }), both);
  ok('other-of-its-ops', given(granted('tool:fs', 'read'), { manifest: writes }), both);
  const no = (id: string, input: Members, link: number) =>
    n.no(id, 'DEC-9', id, input, 'SCOPE_MISMATCH', link);
  no('other-server', given(granted('tool:db', 'read')), 1);
  no('server-prefix', given(granted('tool:fs2', 'read')), 1);
  no('other-method', given(granted('tool:fs/method:list', 'read')), 1);
  no('other-method-folder', given(granted('tool:fs/method:list/resource:/', 'read')), 1);
  no('op', given(granted('tool:fs', 'write')), 1);
  no('write', given(granted('tool:fs', 'read'), { manifest: { op: 'write', resources: [] } }), 1);
  no('other-kind', given(granted('admin:fs', 'read')), 1);
  no('anchor', given(ONE, { anchors: [{ ...ANCHOR, grants: [{ scope: 'tool:db', ops: ['read'] }] }] }), 0);
  const leaf = extend(ONE, AGENT, SUB_AGENT.did, {
    grants: [{ scope: 'tool:fs/method:list', ops: ['read'] }],
  });
  no('leaf', given(leaf), 2);
  return n.done();
}

export function issueNoun(): Noun {
  const n = createNoun(
    'issue',
    'request is the body of POST /talos/v1/capabilities (CAP-28): whether it is well formed; expect.key says whether a key is answered.',
  );
  const base: Members = { exp: NOW + 900, grants: [{ scope: 'tool:fs', ops: ['read'] }] };
  const ok = (id: string, request: Members, key: boolean) => n.ok(id, 'CAP-28', id, { request }, { key });
  ok('holder', { ...base, sub: AGENT.did }, false);
  ok('holder-bearer', { ...base, sub: AGENT.did, bearer: true }, false);
  ok('holder-not-bearer', { ...base, sub: AGENT.did, bearer: false }, false);
  ok('key', { ...base, bearer: true }, true);
  ok('key-audience', { ...base, bearer: true, aud: [GATEWAY.did] }, true);
  const bad: [string, Members][] = [
    ['no-holder', base],
    ['no-holder-not-bearer', { ...base, bearer: false }],
    ['bearer-text', { ...base, bearer: 'true' }],
    ['bearer-number', { ...base, bearer: 1 }],
    ['holder-null', { ...base, sub: null, bearer: true }],
    ['holder-empty', { ...base, sub: '', bearer: true }],
    ['iss', { ...base, sub: AGENT.did, iss: ORGANISATION.did }],
    ['jti', { ...base, sub: AGENT.did, jti: 'a' }],
    ['iat', { ...base, sub: AGENT.did, iat: NOW }],
    ['par-hash', { ...base, sub: AGENT.did, par_hash: hash(ONE) }],
    ['seed', { ...base, bearer: true, seed: hash('seed') }],
    ['no-grants', { exp: NOW + 900, sub: AGENT.did }],
    ['no-exp', { grants: base['grants'] as Data, sub: AGENT.did }],
  ];
  for (const [id, request] of bad) n.no(id, 'CAP-28', id, { request }, 'MALFORMED');
  return n.done();
}
