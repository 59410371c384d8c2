import { type Budget, BudgetStatus, createChecker, type PolicyDocument } from '@talosprotocol/contracts';
import { encodeBase64url, encodeUtf8 } from '@talosprotocol/protocol';
import { describe, expect, it } from 'vitest';
import { compileBudgets } from './budget.js';
import type { BudgetCounters, CountedUnits, CounterShelf } from './counters.js';
import { shelvesOf } from './shelf.js';
import { type StatusQuery, statusOf } from './status.js';

const NOW = Date.parse('2026-11-30T23:30:00.000Z');
const usd = (amount: number) => ({ amount, currency: 'USD' });
const ann = 'did:web:ann.example';
const check = createChecker(BudgetStatus);

/** A ledger that has so much in each counter, by `head subject tail`. */
function counted(units: Readonly<Record<string, Partial<CountedUnits>>>) {
  const asked: CounterShelf[] = [];
  const list: BudgetCounters['list'] = async (shelves, { count }) => {
    asked.push(...shelves);
    return shelves
      .flatMap(({ head, tail, subjects = [] }, shelf) =>
        subjects.map((subject): CountedUnits => {
          const none = { shelf, subject, used: 0, leased: 0, mark: undefined };
          return { ...none, ...units[`${head} ${subject} ${tail}`] };
        }),
      )
      .slice(0, count);
  };
  return { list, asked };
}

async function status(
  policy: Pick<PolicyDocument, 'budgets' | 'teams' | 'tags'>,
  units: Readonly<Record<string, Partial<CountedUnits>>> = {},
  query: Partial<StatusQuery> = {},
) {
  const all = { budget: undefined, principal: undefined, cursor: undefined, limit: 100, ...query };
  const found = await statusOf(policy, counted(units), all, NOW);
  expect(check(found)).toBeUndefined();
  return found;
}

const budget = (more: Partial<Budget> = {}): Budget => ({ name: 'b', per: 'day', cost: usd(200), ...more });

describe('the status of budgets', () => {
  it('BUD-9 says what is used and left of each thing that is counted, in the period of its zone', async () => {
    const zoned = budget({ zone: 'America/New_York', tokens: 10, calls: 3, warnAt: [50], mode: 'warn' });
    const mark = { percent: 50, saidMs: NOW - 1000 };
    const found = await status(
      { budgets: [zoned] },
      {
        'budget:b all cost:USD America/New_York': { used: 151, leased: 20, mark },
        'budget:b all tokens America/New_York': { used: 25 },
      },
    );
    expect(found).toEqual({
      at: '2026-11-30T23:30:00.000Z',
      budgets: [
        {
          ...{ name: 'b', for: 'all', mode: 'warn', per: 'day', zone: 'America/New_York' },
          ...{ starts: '2026-11-30T05:00:00.000Z', ends: '2026-12-01T05:00:00.000Z', warn_at: [50] },
        },
      ],
      counters: [
        {
          ...{ budget: 'b', subject: 'all', kind: 'cost', currency: 'USD', limit: 200, override: null },
          ...{ used: 151, leased: 20, left: 49, percent: 75 },
          mark: { percent: 50, said: '2026-11-30T23:29:59.000Z' },
        },
        {
          ...{ budget: 'b', subject: 'all', kind: 'tokens', limit: 10, override: null },
          ...{ used: 25, leased: 0, left: 0, percent: 250, mark: null },
        },
        {
          ...{ budget: 'b', subject: 'all', kind: 'calls', limit: 3, override: null },
          ...{ used: 0, leased: 0, left: 3, percent: 0, mark: null },
        },
      ],
      next: null,
    });
  });

  it('BUD-9 asks for the very counters that calls are counted in', () => {
    const own = budget({ for: 'team', zone: 'Europe/Berlin', tokens: 5, calls: 5, per: 'month' });
    const teams = { red: [ann] };
    const [compiled] = compileBudgets({ budgets: [own], teams });
    const takes = compiled?.takesOf('red', { cost: usd(1), tokens: 1 }, NOW) ?? [];
    const shelves = shelvesOf(own, { teams }, NOW);
    expect(shelves.map(({ head, tail }) => `${head} red ${tail}`).toSorted()).toEqual(
      takes.map(({ counter }) => counter).toSorted(),
    );
    for (const [index, { period, ends }] of shelves.entries())
      expect({ period, ends }).toEqual({ period: takes[index]?.period, ends: takes[index]?.ends });
  });

  it('BUD-9 tells an override while it is in force, and what is usual', async () => {
    const until = '2026-12-01T00:00:00.000Z';
    const raised = budget({ per: 'total', override: { cost: usd(1_000), calls: 7, until } });
    const { budgets, counters } = await status({ budgets: [raised] });
    expect(budgets).toMatchObject([{ starts: null, ends: null, warn_at: [80, 100] }]);
    expect(counters).toMatchObject([
      { kind: 'cost', limit: 1_000, override: { until, usual: 200 } },
      { kind: 'calls', limit: 7, override: { until, usual: null } },
    ]);
    const over = budget({ override: { cost: usd(1_000), until: '2026-11-30T23:30:00.000Z' } });
    expect((await status({ budgets: [over] })).counters).toMatchObject([{ limit: 200, override: null }]);
  });

  it('BUD-9 shows a budget that is off, and counts nothing for it', async () => {
    const found = await status({ budgets: [budget({ mode: 'off' })] });
    expect([found.budgets, found.counters]).toEqual([[expect.objectContaining({ mode: 'off' })], []]);
    expect(await status({})).toMatchObject({ budgets: [], counters: [], next: null });
  });

  it('BUD-10 leaves what counts for one principal, and whom `only` names', async () => {
    const policy = {
      teams: { red: [ann], blue: [] },
      tags: { nightly: [ann], weekly: [ann] },
      budgets: [
        budget({ name: 'all' }),
        budget({ name: 'each', for: 'principal' }),
        budget({ name: 'some', for: 'principal', only: ['did:web:bob.example'] }),
        budget({ name: 'org', for: 'organization' }),
        budget({ name: 'key', for: 'key' }),
        budget({ name: 'team', for: 'team' }),
        budget({ name: 'tag', for: 'tag', only: ['weekly'] }),
      ],
    };
    const subjects = async (principal?: string) =>
      (await status(policy, {}, { principal })).counters.map((one) => `${one.budget} ${one.subject}`);
    expect(await subjects(ann)).toEqual(['all all', `each ${ann}`, `org ${ann}`, 'team red', 'tag weekly']);
    expect(await subjects()).toEqual([
      'all all',
      'some did:web:bob.example',
      'team red',
      'team blue',
      'tag weekly',
    ]);
    const listed = policy.budgets.flatMap((one) => shelvesOf(one, policy, NOW));
    expect(listed.filter(({ subjects: of }) => of === undefined).map(({ head }) => head)).toEqual([
      'budget:each',
      'budget:org',
      'budget:key',
    ]);
  });

  it('BUD-10 goes on after a page, and refuses a place that is none', async () => {
    const budgets = [budget({ name: 'a', calls: 1 }), budget({ name: 'z' })];
    const { next, counters } = await status({ budgets }, {}, { limit: 2 });
    expect(counters.map(({ budget: name, kind }) => `${name} ${kind}`)).toEqual(['a cost', 'a calls']);
    expect(next).not.toBeNull();
    await status({ budgets }, {}, { cursor: next ?? '' });
    expect(await status({ budgets }, {}, { budget: 'z' })).toMatchObject({ counters: [{ budget: 'z' }] });
    await expect(status({ budgets }, {}, { budget: 'y' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const none = [
      ...['', '!', 'AAAA', 'A'.repeat(1025)],
      ...[
        '{}',
        '[]',
        '["a","cost",1]',
        '["a","cost",1.5,"all"]',
        '["a","cost",1,"\\u0000"]',
        '["y","cost",1,"all"]',
      ].map((text) => encodeBase64url(encodeUtf8(text))),
    ];
    for (const cursor of none)
      await expect(status({ budgets }, {}, { cursor })).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});
