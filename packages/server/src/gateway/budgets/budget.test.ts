import type { Budget, PolicyDocument } from '@talosprotocol/contracts';
import {
  createSigner,
  issueCapability,
  parseAnchors,
  type Signer,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { type BudgetedCall, compileBudgets } from './budget.js';
import { meteringBudgets, takesOfBudgets } from './takes.js';

const crypto = createNodeCrypto();
const [organisation, ann, bob] = [0, 1, 2].map(() => createSigner(random(32), crypto)) as [
  Signer,
  Signer,
  Signer,
];
const NOW = Date.parse('2026-11-30T23:30:00.000Z');
const usd = (amount: number) => ({ amount, currency: 'USD' });

function capability(sub: Signer, prn?: string): VerifiedCapability {
  const seconds = Math.floor(NOW / 1000);
  const grants = [{ scope: 'llm:*', ops: ['write' as const] }];
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const options = { sub: sub.did, aud: [sub.did], grants, exp: seconds + 1000, ...(prn ? { prn } : {}) };
  const { chain } = issueCapability(options, organisation, deps);
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'acme', grants }], crypto);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

const call = (more: Partial<BudgetedCall> = {}): BudgetedCall => ({
  surface: 'llm',
  capability: capability(ann),
  model: 'openai/gpt-4o-mini',
  server: undefined,
  ...more,
});
const compile = (budget: Partial<Budget>, more: Partial<PolicyDocument> = {}) =>
  compileBudgets({ budgets: [{ name: 'b', per: 'day', cost: usd(100), ...budget }], ...more });
const takes = (budget: Partial<Budget>, of: BudgetedCall, cost = {}, more: Partial<PolicyDocument> = {}) =>
  takesOfBudgets(compile(budget, more), of, { cost: usd(7), tokens: 9, ...cost }, NOW);
const subjects = (budget: Partial<Budget>, of: BudgetedCall, more: Partial<PolicyDocument> = {}) =>
  takes(budget, of, {}, more).map(({ subject }) => subject);

describe('a budget', () => {
  it('BUD-1 takes what it counts of a call, under its name and for its period', () => {
    const own = call();
    expect(takes({ tokens: 50, calls: 3, zone: 'Europe/Berlin' }, own)).toMatchObject([
      { kind: 'calls', amount: 1, allowed: 3, counter: 'budget:b all calls Europe/Berlin', isHard: true },
      { kind: 'tokens', amount: 9, allowed: 50, counter: 'budget:b all tokens Europe/Berlin' },
      {
        kind: 'cost',
        counter: 'budget:b all cost:USD Europe/Berlin',
        amount: 7,
        allowed: 100,
        currency: 'USD',
        period: `day:${Date.parse('2026-12-01T23:00:00.000Z') / 1000}`,
        warnAt: [80, 100],
      },
    ]);
    const [berlin] = takes({ zone: 'Europe/Berlin' }, own);
    expect(berlin?.ends).toBe(Date.parse('2026-12-01T23:00:00.000Z') / 1000);
    expect(takes({}, own)[0]?.ends).toBe(Date.parse('2026-12-01T00:00:00.000Z') / 1000);
    expect(takes({ per: 'total' }, own)[0]).toMatchObject({ period: 'total', ends: 0 });
    expect(takes({}, own, { cost: undefined })).toEqual([]);
  });

  it('BUD-1 counts calls of its surface, model and server', () => {
    const tool = call({ surface: 'mcp', model: undefined, server: 'files' });
    expect(subjects({ surface: 'llm' }, call())).toEqual(['all']);
    expect(subjects({ surface: 'llm' }, tool)).toEqual([]);
    expect(subjects({ model: 'openai/*' }, call())).toEqual(['all']);
    expect(subjects({ model: 'openai/gpt-4o' }, call())).toEqual([]);
    expect(subjects({ model: 'openai/*' }, tool)).toEqual([]);
    expect(subjects({ server: 'files' }, tool)).toEqual(['all']);
    expect(subjects({ server: 'files' }, call())).toEqual([]);
  });

  it('BUD-2 counts each organisation, principal, key, team and tag by itself', () => {
    const held = capability(ann, 'mailto:ann@example.com');
    const own = call({ capability: held });
    expect(subjects({ for: 'organization' }, own)).toEqual([organisation.did]);
    expect(subjects({ for: 'principal' }, own)).toEqual(['mailto:ann@example.com']);
    expect(subjects({ for: 'principal' }, call())).toEqual([ann.did]);
    expect(subjects({ for: 'key' }, own)).toEqual([held.links[0]?.lid]);
    const teams = { red: [ann.did, bob.did], blue: [ann.did], empty: [] };
    expect(subjects({ for: 'team' }, call(), { teams })).toEqual(['red', 'blue']);
    expect(subjects({ for: 'team', only: ['blue', 'empty'] }, call(), { teams })).toEqual(['blue']);
    expect(subjects({ for: 'team' }, call({ capability: capability(bob) }), { teams })).toEqual(['red']);
    // The team is whom all is done for, a tag is anybody on the way.
    expect(subjects({ for: 'team' }, own, { teams })).toEqual([]);
    expect(subjects({ for: 'tag' }, own, { tags: teams })).toEqual(['red', 'blue']);
    expect(subjects({ for: 'principal', only: [bob.did] }, call())).toEqual([]);
  });

  it('BUD-3 refuses another currency if it is hard, and BUD-4 leaves it out if it only warns', () => {
    const euros = { cost: { amount: 1, currency: 'EUR' } };
    expect(() => takes({}, call(), euros)).toThrow(
      expect.objectContaining({
        code: 'POLICY_DENIED',
        data: expect.objectContaining({ caveat: 'budget b: cost in USD' }),
      }),
    );
    expect(takes({ mode: 'warn' }, call(), euros)).toEqual([]);
    expect(takes({ mode: 'warn' }, call())).toMatchObject([{ isHard: false }]);
    expect(takes({ mode: 'off' }, call())).toEqual([]);
    const metering = (budget: Partial<Budget>): number => meteringBudgets(compile(budget), call()).length;
    expect([metering({}), metering({ mode: 'warn' }), metering({ model: 'x/*' })]).toEqual([1, 0, 0]);
    expect(
      meteringBudgets(compileBudgets({ budgets: [{ name: 'c', per: 'day', calls: 1 }] }), call()),
    ).toEqual([]);
  });

  it('BUD-5 has other amounts until a moment', () => {
    const override = { cost: usd(500), until: '2026-11-30T23:30:00.001Z' };
    expect(takes({ override, calls: 4 }, call())).toMatchObject([{ allowed: 4 }, { allowed: 500 }]);
    const over = { ...override, until: '2026-11-30T23:30:00.000Z' };
    expect(takes({ override: over }, call())).toMatchObject([{ allowed: 100 }]);
  });

  it.each<[string, Partial<Budget>, Partial<PolicyDocument>, string]>([
    ['counts nothing', { cost: undefined as never }, {}, 'counts nothing'],
    ['has no such zone', { zone: 'Mars/Olympus' }, {}, 'time zone'],
    ['is for no team that there is', { for: 'team', only: ['x'] }, { teams: {} }, 'x, which is not there'],
    [
      'overrides another currency',
      { override: { cost: { amount: 1, currency: 'EUR' }, until: '2027-01-01T00:00:00.000Z' } },
      {},
      'another currency',
    ],
  ])('BUD-7 is refused in the policy if it %s', (_, budget, more, what) => {
    const { cost = undefined, ...rest } = { cost: usd(1), ...budget };
    const document = {
      budgets: [{ name: 'b', per: 'day', ...rest, ...(cost && { cost }) } as Budget],
      ...more,
    };
    expect(() => compileBudgets(document)).toThrow(
      expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(what) }),
    );
  });

  it('BUD-7 for some models is refused where their provider names none, as one may have several names', () => {
    const open = { openai: { api: 'openai' as const, baseUrl: 'https://x.example/v1' } };
    const listed = { openai: { ...open.openai, models: { 'gpt-4o-mini': {} } } };
    for (const model of ['openai/gpt-4o', 'openai/gpt-*']) {
      expect(() => compile({ model }, { providers: open })).toThrow(/must name its models/);
      expect(compile({ model }, { providers: listed })).toHaveLength(1);
    }
    for (const model of ['openai/*', 'open*', '*', 'other/x'])
      expect(compile({ model }, { providers: open })).toHaveLength(1);
  });

  it('BUD-7 is refused in the policy if its name is another one’s', () => {
    const one: Budget = { name: 'b', per: 'day', calls: 1 };
    expect(() => compileBudgets({ budgets: [one, { ...one, mode: 'off' }] })).toThrow(/twice/);
  });
});
