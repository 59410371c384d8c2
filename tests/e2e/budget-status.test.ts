import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Budget, BudgetCounter } from '@talosprotocol/contracts';
import { createGatewayClient, createRbacClient } from '@talosprotocol/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { chatAnswer } from '../../packages/server/src/gateway/llm/testing/fake-provider.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';
import { openTerminal } from '../support/terminal.js';

let world: LlmWorld;
let key: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
});
afterAll(() => world?.close());
beforeEach(() => {
  world.openai.answer = chatAnswer('hello there');
});

const usd = (amount: number) => ({ amount, currency: 'USD' });
const UNTIL = '2999-01-01T00:00:00.000Z';
const budgets = (...all: Budget[]) =>
  world.configure((document) => ({ ...document, budgets: all, teams: {}, tags: {} }));

async function ask(apiKey = key, model = 'gpt-4o-mini'): Promise<number> {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model,
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  await response.text();
  return response.status;
}

async function talos(...argv: string[]) {
  const { io, out, err } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const where = argv[0] === 'budget' ? ['--gateway', world.ready.gateway] : ['--kernel', world.ready.kernel];
  const code = await run([...argv, ...where], io);
  return { code, text: out() + err() };
}

/** What was spent for sure, once no call is under way. */
const spent = ({ used, leased }: BudgetCounter): number => used - leased;
const counters = async (budget: string) => (await world.gateway.budgets({ budget })).counters;

// A call comes to 42 micro-dollars and 15 tokens.
describe('what is left of budgets', () => {
  it('BUD-9 is what a call did not spend, in money and in tokens', async () => {
    await budgets(
      { name: 'money', per: 'month', zone: 'Europe/Berlin', cost: usd(1_000_000), tokens: 10_000 },
      { name: 'euros', per: 'day', mode: 'warn', cost: { amount: 5_000_000, currency: 'EUR' } },
      { name: 'resting', per: 'day', mode: 'off', calls: 1 },
    );
    expect([await ask(), await ask()]).toEqual([200, 200]);
    await expect.poll(async () => (await counters('money')).map(spent)).toEqual([84, 30]);
    const status = await world.gateway.budgets();
    expect(status.budgets.map(({ name, mode, per, zone }) => [name, mode, per, zone])).toEqual([
      ['money', 'hard', 'month', 'Europe/Berlin'],
      ['euros', 'warn', 'day', 'UTC'],
      ['resting', 'off', 'day', 'UTC'],
    ]);
    const [month, day] = status.budgets;
    for (const period of [month, day]) {
      expect(Date.parse(period?.starts ?? '')).toBeLessThanOrEqual(Date.parse(status.at));
      expect(Date.parse(period?.ends ?? '')).toBeGreaterThan(Date.parse(status.at));
    }
    expect(day?.starts).toMatch(/T00:00:00\.000Z$/);
    const [cost, tokens, euros] = status.counters;
    expect(cost).toMatchObject({
      kind: 'cost',
      currency: 'USD',
      limit: 1_000_000,
      override: null,
      mark: null,
    });
    expect(cost?.left).toBe(1_000_000 - (cost?.used ?? 0));
    expect(cost?.percent).toBe(Math.floor((cost?.used ?? 0) / 10_000));
    expect(tokens).toMatchObject({ kind: 'tokens', limit: 10_000 });
    expect(euros).toMatchObject({ currency: 'EUR', used: 0, left: 5_000_000, percent: 0 });
  });

  it('BUD-9 is counted in the currency of the budget', async () => {
    const euro = { currency: 'EUR', input: 1_000_000, output: 10_000_000 };
    await world.configure(({ providers = {}, ...document }) => {
      const { openai } = providers;
      if (openai === undefined) throw new Error('there is no such provider');
      const models = { ...openai.models, 'gpt-euro': { rates: euro } };
      return { ...document, providers: { ...providers, openai: { ...openai, models } } };
    });
    const of = (name: string, currency: string, model: string): Budget => ({
      ...{ name, model, per: 'day', cost: { amount: 1_000_000, currency } },
    });
    await budgets(of('dollars', 'USD', 'openai/gpt-4o-mini'), of('euros', 'EUR', 'openai/gpt-euro'));
    const models = ['gpt-4o-mini', 'gpt-euro', 'gpt-euro'];
    for (const model of models) expect(await ask(key, model)).toBe(200);
    const all = async () => (await world.gateway.budgets()).counters;
    await expect.poll(async () => (await all()).map(spent)).toEqual([42, 84]);
    expect((await all()).map(({ currency }) => currency)).toEqual(['USD', 'EUR']);
    expect((await talos('budget', 'status', '--budget', 'euros')).text).toMatch(
      /^euros {2}hard, for all, openai\/gpt-euro, per day, [\d-]+ 00:00 to [\d-]+ 00:00 UTC\n {2}all {2}\[[#.]+\] +\d+ % {2}0\.\d+ EUR of 1\.00 EUR used, 0\.\d+ EUR left {2}\(0\.\d+ EUR of it leased\)/,
    );
  });

  it('BUD-9 is nothing at the end of a hard one, until an override puts more in its place', async () => {
    const few: Budget = { name: 'few', per: 'total', calls: 2, warnAt: [50, 100] };
    await budgets(few);
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 402]);
    const [ended] = await counters('few');
    expect(ended).toMatchObject({ used: 2, left: 0, percent: 100, override: null, mark: { percent: 100 } });
    const shown = await talos('budget', 'status');
    expect([shown.code, shown.text]).toEqual([
      0,
      expect.stringMatching(
        /^few {2}hard, for all, in total\n {2}all {2}\[#+\] 100 % {2}2 of 2 calls used, 0 left {2}\(/,
      ),
    ]);
    expect(shown.text).toContain('Next: few is used up');
    await budgets({ ...few, override: { calls: 8, until: UNTIL } });
    expect(await counters('few')).toMatchObject([
      { limit: 8, used: 2, left: 6, percent: 25, override: { until: UNTIL, usual: 2 } },
    ]);
    expect((await talos('budget', 'status')).text).toContain('2 of 8 calls used, 6 left  (until 2999-01-01');
    expect(await ask()).toBe(200);
    await budgets(few);
    expect(await counters('few')).toMatchObject([{ limit: 2, used: 3, left: 0, percent: 150 }]);
  });

  it("BUD-10 is each principal's own, the most used first, page by page, or of one alone", async () => {
    await budgets(
      // So few that no process leases more than it needs: what is used is what was spent.
      { name: 'each', for: 'principal', per: 'day', calls: 8, mode: 'warn', warnAt: [] },
      { name: 'everybody', per: 'day', tokens: 1_000_000 },
    );
    const [one, two] = [await world.key(), await world.key()];
    for (const each of [one, two, two]) expect(await ask(each)).toBe(200);
    const all = await counters('each');
    expect(all.map(spent)).toEqual([2, 1]);
    const [most, least] = all.map(({ subject }) => subject);
    const first = await world.gateway.budgets({ budget: 'each', limit: 1 });
    expect(first.counters).toMatchObject([{ subject: most }]);
    const second = await world.gateway.budgets({ budget: 'each', limit: 1, cursor: first.next ?? '' });
    expect([second.counters, second.next]).toEqual([[expect.objectContaining({ subject: least })], null]);
    const own = await world.gateway.budgets({ principal: least ?? '' });
    expect(own.counters.map(({ budget, subject }) => `${budget} ${subject}`)).toEqual([
      `each ${least}`,
      'everybody all',
    ]);
    const shown = await talos('budget', 'status', '--budget', 'each', '--limit', '1');
    expect(shown.text).toContain(`  ${most}  [`);
    expect(shown.text).not.toContain(least);
    const cursor = /--cursor (\S+)/.exec(shown.text)?.[1] ?? '';
    const rest = await talos('budget', 'status', '--budget', 'each', '--cursor', cursor, '--json');
    expect(JSON.parse(rest.text)).toMatchObject({ ok: true, counters: [{ subject: least }], next: null });
    expect((await talos('budget', 'status', '--principal', 'did:web:nobody.example')).text).toMatch(
      /did:web:nobody\.example +\[\.+\] {3}0 % {2}0 of 8 calls used, 8 left/,
    );
  });

  it('BUD-10 is told to whoever may read budgets everywhere, and to nobody else', async () => {
    await budgets({ name: 'seen', per: 'day', calls: 100 });
    const url = world.ready.gateway;
    const rbac = createRbacClient({ url: world.ready.kernel, adminToken: world.adminToken });
    const readAs = async (role: string, team?: string) => {
      const name = `${role}-${team ?? 'all'}`;
      const made = await talos(
        'rbac',
        'service-account',
        'create',
        '--name',
        name,
        '--out',
        `${name}.key`,
        '--json',
      );
      const { id } = JSON.parse(made.text).service_account;
      const scope =
        team === undefined
          ? { kind: 'global' as const, attributes: {} }
          : { kind: 'team' as const, attributes: { team_id: team } };
      await rbac.createBinding({ role, subject: { kind: 'service', id }, scope });
      const adminToken = (await readFile(join(world.files.root, `${name}.key`), 'utf8')).trim();
      return createGatewayClient({ url, adminToken }).budgets();
    };
    for (const role of ['auditor', 'operator'])
      expect((await readAs(role)).budgets).toMatchObject([{ name: 'seen' }]);
    for (const [role, team] of [['viewer'], ['security-admin'], ['auditor', 'red']] as const)
      await expect(readAs(role, team), role).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(createGatewayClient({ url }).budgets()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('BUD-10 says so where there is no such budget, or none at all', async () => {
    await budgets();
    expect((await talos('budget', 'status')).text).toContain('No budget of the policy in force counts this.');
    expect(await talos('budget', 'status', '--budget', 'none')).toMatchObject({
      code: expect.any(Number),
      text: expect.stringContaining('NOT_FOUND'),
    });
    for (const wrong of ['0', '101', 'many'])
      expect((await talos('budget', 'status', '--limit', wrong)).code).toBe(1);
    for (const query of ['limit=0', 'limit=101', 'cursor=x', 'nonsense=1', 'budget=a&budget=b']) {
      const headers = { authorization: `Bearer ${world.adminToken}` };
      const { status } = await fetch(`${world.ready.gateway}/talos/v1/budgets?${query}`, { headers });
      expect([query, status]).toEqual([query, 400]);
    }
  });
});
