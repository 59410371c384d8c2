import { createHmac } from 'node:crypto';
import { env } from 'node:process';
import type { Constraint, Decision, Grant, Limit } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { createSigner } from '../identity/signer.js';
import { createNodeCrypto } from '../node/index.js';
import type { AuthenticatedRequest } from '../session/mac.js';
import { sessionMac } from '../session/mac.js';
import { encodeSessionId } from '../session/sid.js';
import { createSessionTable } from '../session/table.js';
import type { Anchors } from './anchor.js';
import { authorize } from './authorize.js';
import { createAuthorizer } from './authorizer.js';
import { splitBearerKey, verifyBearer } from './bearer.js';
import { type ParsedChain, parseChain } from './chain.js';
import { issueCapability, signLink } from './issue.js';
import { parseItems } from './items.js';
import { createWorld, NOW } from './testing/world.js';
import type { VerifiedCapability } from './verified.js';
import { checkInForce, type VerifyContext, verifyCapability, verifyCapabilityAsOf } from './verify.js';

/** Requests per property; each case makes up to 32 of them. */
const RUNS = Number(env['TALOS_PROPERTY_RUNS'] ?? 1_500);
const STEPS = 32;

const world = createWorld(createNodeCrypto());
const { crypto, deps, gateway, organisation } = world;
const holders = Array.from({ length: 8 }, (_, n) => world.signer(100 + n));
const seedOf = (index: number): string => encodeBase64url(new Uint8Array(32).fill(100 + index));

// What is generated

const CONSTRAINTS: readonly Constraint[] = [
  { ptr: '/path', op: 'within', value: '/a' },
  { ptr: '/path', op: 'glob', value: '/*/*' },
  { ptr: '/path', op: 'maxLength', value: 3 },
  { ptr: '/n', op: 'prefix', value: '2' },
  { ptr: '/path', op: 'ne', value: '/a' },
  { ptr: '/path', op: 'in', value: ['/a', '/a/b', 4] },
  { ptr: '/n', op: 'eq', value: 2 },
  { ptr: '/n', op: 'nin', value: [2, 'x'] },
  { ptr: '/n', op: 'lt', value: 3 },
  { ptr: '/n', op: 'le', value: 3 },
  { ptr: '/n', op: 'gt', value: 1 },
  { ptr: '/n', op: 'ge', value: 1 },
  { ptr: '/url', op: 'host', value: '*.example.com' },
  { ptr: '/url', op: 'url', value: 'https://a.example.com/x' },
  { ptr: '/ip', op: 'cidr', value: '10.0.0.0/8' },
  { ptr: '/x', op: 'exists', value: false },
  { ptr: '/x', op: 'exists', value: true },
  { ptr: '', op: 'argsHash', value: crypto.sha256Hex(new TextEncoder().encode('{}')) },
];

const PLACES = ['', '/resource:/', '/resource:/a', '/resource:/a/b', '/resource:/ab', '/resource:/a%20b'];
const place = fc.constantFrom(...PLACES);
const often = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

/** For what makes all of a chain invalid. */
const nearlyAlways = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 40, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const grantScope = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('fs', 'f*', '*', 'git'),
      fc.constantFrom('', '/method:read', '/method:re*', '/method:*', '/method:write'),
      place,
    )
    .map(([tool, verb, where]) => `tool:${tool}${verb}${verb === '' ? '' : where}`),
  fc.constantFrom(
    'llm:*',
    'llm:one/model:m*',
    'llm:one/model:m1/feature:web',
    'admin:*',
    'a2a:did%3Aweb%3Aa/skill:s',
  ),
);
const ops = often<Grant['ops']>(['read', 'write'], ['read'], ['write']);
const where = fc.option(fc.array(fc.constantFrom(...CONSTRAINTS), { minLength: 1, maxLength: 2 }), {
  freq: 2,
  nil: undefined,
});
const only = fc.option(fc.constantFrom<string[]>(['/path'], ['/path', '/n'], ['']), {
  freq: 5,
  nil: undefined,
});
const grant: fc.Arbitrary<Grant> = fc.tuple(grantScope, ops, where, only).map(([scope, allowed, w, o]) => ({
  scope,
  ops: allowed,
  ...(w === undefined ? {} : { where: w }),
  ...(o === undefined ? {} : { only: o }),
}));
const wide: Grant = { scope: 'tool:*', ops: ['read', 'write'] };
const grants = fc
  .tuple(fc.array(grant, { minLength: 1, maxLength: 4 }), often(true, false))
  .map(([list, open]) => (open ? [...list, wide] : list));

const limits = fc.option(
  fc.constantFrom<Limit[]>(
    [{ per: 'total', calls: 1 }],
    [{ per: 'day', cost: { amount: 1, currency: 'EUR' }, tokens: 5 }],
    [{ per: 'day', rate: { count: 1, seconds: 1 } }],
  ),
  { nil: undefined },
);
const link = fc.record({
  grants,
  limits,
  life: often(7200, 100, 3000),
  starts: nearlyAlways(0, 20, 200, -50),
  dlg: nearlyAlways(0, -1),
  invoke: often(true, false),
  bearer: nearlyAlways(false, true),
  below: fc.boolean(),
  aud: nearlyAlways('ours', 'none', 'others'),
});
type LinkPlan = typeof link extends fc.Arbitrary<infer T> ? T : never;

const args = fc.record(
  {
    path: fc.constantFrom('/', '/a', '/a/b', '/ab', '/a/../b', 7),
    n: fc.constantFrom(1, 2, 3, 4, '2', 2.5),
    url: fc.constantFrom('https://a.example.com/x/y', 'https://example.com/', 'http://[::1]/'),
    ip: fc.constantFrom('10.1.2.3', '010.1.2.3', '11.0.0.1'),
    x: fc.constant(null),
  },
  { requiredKeys: [] },
);
const item = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('fs', 'fs2', 'git'),
      fc.constantFrom('', '/method:read', '/method:rewrite', '/method:write'),
      place,
      fc.constantFrom('read', 'write'),
    )
    .map(([tool, verb, at, op]) => ({ scope: `tool:${tool}${verb}${verb === '' ? '' : at}`, op })),
  fc.record({
    scope: fc.constantFrom(
      'llm:one/model:m1',
      'llm:one/model:m1/feature:web',
      'admin:x/action:y',
      'a2a:did%3Aweb%3Aa',
    ),
    op: fc.constantFrom('read', 'write'),
  }),
);
/** Links that may end in one whose key is presented as a secret. */
const bearerLinks = fc
  .tuple(fc.array(link, { minLength: 1, maxLength: 3 }), often(true, false))
  .map(([plans, below]): LinkPlan[] =>
    plans.map((one, index) => ({ ...one, invoke: true, below, bearer: index === plans.length - 1 })),
  );
const step = fc.record({
  session: fc.nat(1),
  /** The credential: a session, or a key and what is wrong with it. */
  key: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    { weight: 3, arbitrary: fc.constant('right' as const) },
    { weight: 1, arbitrary: fc.constantFrom('other seed', 'other chain', 'first link', 'short', 'raw') },
  ),
  items: fc.array(item, { minLength: 1, maxLength: 3 }),
  args,
  /** 0: the next one. */
  seq: fc.oneof(
    { weight: 40, arbitrary: fc.constant(0) },
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(300, 301, 560, 2 ** 53 - 1) },
  ),
  tamper: often('nothing', 'mac', 'target', 'body', 'text', 'other sid', 'other node', 'no session'),
  wait: nearlyAlways(0, 1, 60, 90, 1800, -40, -400),
  revoke: nearlyAlways(-1, 0, 3, 4, 5, 7),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

// What is decided on

function chainOf(plans: readonly LinkPlan[]): ParsedChain {
  const [first, ...rest] = plans as readonly [LinkPlan, ...LinkPlan[]];
  let chain = issueCapability(
    { ...optionsOf(first, 0), aud: first.aud === 'others' ? [organisation.did] : [gateway.did] },
    organisation,
    deps,
  );
  for (const [index, plan] of rest.entries()) {
    const signer = holders[index]!;
    const parent = { par_hash: chain.leaf.lid };
    // Not `attenuate`, which refuses to make what verifiers must refuse.
    const next = signLink(optionsOf(plan, index + 1), signer, deps, parent);
    chain = parseChain(`${chain.chain}~${next}`, crypto);
  }
  return chain;
}

function optionsOf(plan: LinkPlan, index: number) {
  const start = plan.starts === 0 ? {} : { nbf: NOW + plan.starts };
  return {
    sub: holders[index]!.did,
    grants: plan.grants,
    exp: NOW + plan.life,
    dlg: Math.max(0, 7 - index + plan.dlg * (index % 2)),
    invoke: plan.invoke,
    bearer_below: plan.below,
    ...start,
    ...(plan.bearer ? { bearer: true, aud: [gateway.did] } : {}),
    ...(plan.aud === 'none' || plan.bearer
      ? {}
      : { aud: [plan.aud === 'ours' ? gateway.did : organisation.did] }),
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
  };
}

interface Opened {
  readonly sid: string;
  readonly key: Uint8Array;
  readonly chain: ParsedChain;
}

/** What the full path knows of a session: nothing of it comes from the table. */
interface Naive {
  readonly key: Uint8Array;
  readonly chain: string;
  readonly ends: number;
  readonly used: Set<number>;
  dead: boolean;
}

const naiveClaims = (jws: string): { readonly exp: number } =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());

/** SES-6, written down once more. */
function naiveMac(key: Uint8Array, sid: string, seq: string, given: AuthenticatedRequest): string {
  const { method, target, headers, bodyHash } = given;
  const named = ['mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'last-event-id'];
  const lines = ['talos-session-v1', sid, gateway.did, seq, RID, method, target];
  lines.push(headers['content-type'] ?? '', bodyHash, ...named.map((name) => `${name}:`));
  return createHmac('sha256', key).update(lines.join('\n')).digest().subarray(0, 16).toString('base64url');
}

const RID = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const request: AuthenticatedRequest = {
  method: 'POST',
  target: '/mcp?a=1',
  headers: { 'content-type': 'application/json' },
  bodyHash: crypto.sha256Hex(new Uint8Array(0)),
};

function tampered(tamper: Step['tamper']): AuthenticatedRequest {
  if (tamper === 'target') return { ...request, target: '/mcp?a=2' };
  return tamper === 'body' ? { ...request, bodyHash: 'f'.repeat(64) } : request;
}

/** The same capability on both paths, and what has become of them. */
function createPaths(anchors: Anchors) {
  const clock = { now: NOW };
  const revoked = new Set<string>();
  const isRevoked = (lid: string): boolean => revoked.has(lid);
  const context = (): VerifyContext => world.context({ now: clock.now, anchors, isRevoked });
  const authorizer = createAuthorizer(crypto);
  const naive = new Map<string, Naive>();
  const keys = new Map<string, { readonly seed: string; readonly capability: VerifiedCapability }>();
  let counter = 0;
  const table = createSessionTable<VerifiedCapability>({
    node: 1,
    boot: 5,
    gateway: gateway.did,
    capacity: 64,
    crypto,
    now: () => clock.now * 1000,
    random: (length) => new Uint8Array(length).fill(++counter),
    isRevoked,
  });

  async function open(chain: ParsedChain): Promise<Opened> {
    const capability = await verifyCapability(chain, context());
    authorizer.programOf(capability);
    const key = new Uint8Array(32).fill(++counter);
    const starts = capability.links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0));
    const { sid } = table.open({
      subject: capability.holder,
      lids: chain.links.map(({ lid }) => lid),
      exp: Math.min(capability.expires, clock.now + 3600),
      window: 256,
      validFrom: Math.max(0, ...starts) - 30,
      context: capability,
      deriveKey: () => key.slice(),
    });
    const lives = chain.chain.split('~').map((jws) => naiveClaims(jws).exp);
    const ends = Math.min(...lives, clock.now + 3600);
    naive.set(sid, { key, chain: chain.chain, ends, used: new Set(), dead: false });
    return { sid, key, chain };
  }

  function revoke(lid: string): void {
    revoked.add(lid);
    table.revoke(lid);
    for (const session of naive.values()) {
      const lids = session.chain
        .split('~')
        .map((jws) => encodeBase64url(crypto.sha256(new TextEncoder().encode(jws))));
      session.dead ||= lids.includes(lid);
    }
  }

  /** A session table is one thing to look up in; the mistakes it could make are not made here: each request is read,
   *  looked up, timed, counted and verified from the chain anew, by other code than the table's.
   *  Of the clock: a session that was over stays over, should the clock go back (SES-8); one that is not may be
   *  NOT_YET_VALID for as long. */
  async function full(text: string, given: AuthenticatedRequest, call: Call) {
    const [, sid = '', seq = '', mac = ''] =
      /^Talos sid=([\w-]+), seq=([1-9]\d*), rid=[\da-f-]{36}, mac=([\w-]{22})$/.exec(text) ?? [];
    if (sid === '') return 'MALFORMED';
    if (sid === ELSEWHERE) return 'SESSION_ELSEWHERE';
    const session = naive.get(sid);
    if (session === undefined) return 'SESSION_UNKNOWN';
    session.dead ||= clock.now >= session.ends;
    if (session.dead) return 'SESSION_UNKNOWN';
    const capability = await verifyCapability(session.chain, context());
    const number = Number(seq);
    if (session.used.has(number) || number <= Math.max(0, ...session.used) - 256) return 'REPLAY';
    if (naiveMac(session.key, sid, seq, given) !== mac) return 'PROOF_INVALID';
    session.used.add(number);
    return authorize(capability, call.items, call.args);
  }

  /** A key has no state, so that the clock's moment alone decides: one that had expired counts again, should the clock
   *  go back. */
  async function fullKey(key: string, call: Call) {
    const [, chain, seed = ''] = /^talos_(.*)~([\w-]{43})$/.exec(key) ?? [];
    if (chain === undefined) return 'MALFORMED';
    const capability = await verifyCapability(chain, context());
    if (capability.leaf.claims.bearer !== true) return 'PROOF_INVALID';
    if (createSigner(Buffer.from(seed, 'base64url'), crypto).did !== capability.holder)
      return 'PROOF_INVALID';
    return authorize(capability, call.items, call.args);
  }

  /** As a gateway keeps keys: verified once, then looked up, and looked at again at each use. */
  async function fastKey(key: string, call: Call): Promise<Decision> {
    const { chain, seed } = splitBearerKey(key);
    const known = keys.get(chain);
    if (known === undefined || known.seed !== seed) {
      keys.set(chain, { seed, capability: await verifyBearer(key, context()) });
    } else checkInForce(known.capability, { now: clock.now, isRevoked });
    const { capability } = keys.get(chain) as { readonly capability: VerifiedCapability };
    authorizer.programOf(capability);
    return authorizer.authorize(capability, call.items, call.args);
  }

  function fast(text: string, given: AuthenticatedRequest, call: Call): Decision {
    const session = table.verify(text, given);
    return authorizer.authorize(session.context, call.items, call.args);
  }
  return { clock, open, revoke, full, fast, fullKey, fastKey };
}

interface Call {
  readonly items: ReturnType<typeof parseItems>;
  readonly args: JsonObject;
}

const ELSEWHERE = encodeSessionId({ node: 2, boot: 5, slot: 0, random: new Uint8Array(16).fill(1) });
const NOWHERE = encodeSessionId({ node: 1, boot: 5, slot: 9, random: new Uint8Array(16).fill(1) });

function headerOf(session: Opened, other: Opened, { seq, tamper }: Step): string {
  const fields = { ...request, sid: session.sid, seq, rid: RID, gateway: gateway.did };
  const mac = sessionMac(session.key, fields, crypto);
  const bytes = tamper === 'mac' ? mac.map((byte, n) => (n === seq % 16 ? byte ^ 1 : byte)) : mac;
  const sids: Partial<Record<Step['tamper'], string>> = {
    'other sid': other.sid,
    'other node': ELSEWHERE,
    'no session': NOWHERE,
  };
  const sid = sids[tamper] ?? session.sid;
  const text = `Talos sid=${sid}, seq=${seq}, rid=${RID}, mac=${encodeBase64url(bytes)}`;
  return tamper === 'text' ? text.replace(/sid=.*?, /, '') : text;
}

/** A bearer key of a chain whose last holder is known, and wrong ones. */
function keyOf({ chain, links }: ParsedChain, other: ParsedChain, kind: Step['key']): string {
  const seed = seedOf(links.length - 1);
  if (kind === 'other seed') return `talos_${chain}~${seedOf(7)}`;
  if (kind === 'other chain') return `talos_${other.chain}~${seed}`;
  if (kind === 'first link') return `talos_${chain.split('~')[0]}~${seedOf(0)}`;
  if (kind === 'short') return `talos_${chain}~${seed.slice(1)}`;
  return kind === 'raw' ? chain : `talos_${chain}~${seed}`;
}

/** A decision, or the code of what was thrown, as text. */
async function told(decide: () => unknown): Promise<string> {
  try {
    const decision = await decide();
    return typeof decision === 'string' ? decision : JSON.stringify(decision);
  } catch (error) {
    return isTrustError(error) ? error.code : String(error);
  }
}

const seen = { requests: 0, answers: new Map<string, number>() };
function count(answer: string, kind = ''): void {
  seen.requests += 1;
  const name = answer.startsWith('{') ? ((JSON.parse(answer) as { code?: string }).code ?? 'allow') : answer;
  seen.answers.set(kind + name, (seen.answers.get(kind + name) ?? 0) + 1);
}

describe('the fast path', () => {
  it('SES-6 CAP-19 CAP-20 answers every request as the full path does', { timeout: 21_600_000 }, async () => {
    const plan = fc.record({
      anchor: grants,
      chains: fc.tuple(
        fc.array(link, { minLength: 1, maxLength: 8 }),
        fc.array(link, { minLength: 1, maxLength: 3 }),
      ),
      keyed: bearerLinks,
      steps: fc.array(step, { minLength: STEPS / 2, maxLength: STEPS }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ anchor, chains, keyed, steps }) => {
        const paths = createPaths(world.anchors({ grants: anchor, bearerMax: 100_000 }));
        const parsed = chains.map(chainOf);
        const bearer = chainOf(keyed);
        const attempts = await Promise.allSettled(parsed.map((chain) => paths.open(chain)));
        const sessions = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
        for (const one of attempts) if (one.status === 'rejected') count(one.reason.code as string);
        for (const [index, planned] of steps.entries()) {
          const one = planned.seq === 0 ? { ...planned, seq: index + 1 } : planned;
          paths.clock.now += one.wait;
          const revoke = one.revoke > 2 ? parsed[one.session]?.links[one.revoke - 3] : undefined;
          if (revoke !== undefined) paths.revoke(revoke.lid);
          if (one.revoke === 0 && one.seq > 25) paths.revoke((parsed[0] as ParsedChain).root.lid);
          if (one.revoke === 7 && one.seq > 20) paths.revoke(bearer.leaf.lid);
          const call: Call = { items: parseItems(one.items), args: one.args as JsonObject };
          if (one.key !== 'none') {
            const key = keyOf(bearer, parsed[0] as ParsedChain, one.key);
            const wanted = await told(() => paths.fullKey(key, call));
            const got = await told(() => paths.fastKey(key, call));
            count(got, 'key ');
            expect(got).toBe(wanted);
            continue;
          }
          if (sessions.length === 0) continue;
          const session = sessions[one.session % sessions.length]!;
          const header = headerOf(session, sessions.at(-1)!, one);
          const given = tampered(one.tamper);
          const expected = await told(() => paths.full(header, given, call));
          const answered = await told(() => paths.fast(header, given, call));
          count(answered);
          expect(answered).toBe(expected);
        }
      }),
      { numRuns: Math.ceil(RUNS / 20) },
    );
    if (env['TALOS_PROPERTY_RUNS'] !== undefined)
      console.log(seen.requests, Object.fromEntries(seen.answers));
    const keyed = ['key allow', 'key SCOPE_MISMATCH', 'key PROOF_INVALID', 'key MALFORMED'];
    for (const code of ['allow', 'SCOPE_MISMATCH', 'REPLAY', 'PROOF_INVALID', 'SESSION_UNKNOWN', ...keyed])
      expect(seen.answers.get(code) ?? 0, code).toBeGreaterThan(0);
  });

  it('CAP-20 never widens: what a chain allows, every beginning of it allows', {
    timeout: 21_600_000,
  }, () => {
    const tally = { calls: 0, allowed: 0 };
    const plan = fc.record({
      anchor: grants,
      chain: fc.array(grants, { minLength: 2, maxLength: 8 }),
      calls: fc.array(fc.record({ items: fc.array(item, { minLength: 1, maxLength: 3 }), args }), {
        minLength: STEPS / 2,
        maxLength: STEPS,
      }),
    });
    fc.assert(
      fc.property(plan, ({ anchor, chain, calls }) => {
        const anchors = world.anchors({ grants: anchor });
        const defaults = {
          limits: undefined,
          life: 100,
          starts: 0,
          dlg: 0,
          invoke: true,
          bearer: false,
          below: false,
        };
        const plans = chain.map((one): LinkPlan => ({ ...defaults, grants: one, aud: 'ours' }));
        const whole = chainOf(plans).chain.split('~');
        const authorizer = createAuthorizer(crypto);
        const verified = whole.map((_, end) =>
          verifyCapabilityAsOf(whole.slice(0, end + 1).join('~'), { time: NOW, anchors, crypto }),
        );
        for (const capability of verified) authorizer.programOf(capability);
        for (const call of calls) {
          const items = parseItems(call.items);
          const effects = verified.map(
            (one) => authorizer.authorize(one, items, call.args as JsonObject).effect,
          );
          tally.calls += 1;
          if (effects.at(-1) === 'allow') tally.allowed += 1;
          const first = effects.indexOf('deny');
          expect(first < 0 || effects.slice(first).every((effect) => effect === 'deny')).toBe(true);
        }
      }),
      { numRuns: Math.ceil(RUNS / 20) },
    );
    if (env['TALOS_PROPERTY_RUNS'] !== undefined) console.log(tally);
    expect(tally.allowed).toBeGreaterThan(0);
  });
});
