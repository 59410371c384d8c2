import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
import { type LlmWorld, openLlmWorld } from '../support/llm-world.js';
import { openTerminal } from '../support/terminal.js';

let world: LlmWorld;
let key: string;
let before: string;
beforeAll(async () => {
  world = await openLlmWorld();
  key = await world.key();
  await writeServerRecord(world.ready.data, { pid: process.pid, ...world.ready });
  before = `# who decides\n${await readFile(world.ready.config, 'utf8')}`;
});
afterAll(() => world?.close());
beforeEach(() => writeFile(world.ready.config, before));

async function talos(...argv: string[]) {
  const { io, out, err } = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const code = await run(argv, io);
  return { code, text: out() + err(), out: out() };
}
const yaml = () => readFile(world.ready.config, 'utf8');
const set = (...argv: string[]) => talos('budget', 'set', ...argv);

async function ask(): Promise<number> {
  const response = await fetch(`${world.ready.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      max_tokens: 10,
      messages: [{ role: 'user', content: 'hi' }],
    }),
  });
  await response.text();
  return response.status;
}

describe('talos budget set', () => {
  it('caps what is spent from the next call on, and more for a time', async () => {
    const added = await set('few', '--for', 'key', '--calls', '2', '--per', 'day', '--json');
    expect([added.code, JSON.parse(added.out)]).toMatchObject([
      0,
      { ok: true, budget: { name: 'few', for: 'key', calls: 2, per: 'day' } },
    ]);
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 402]);
    expect((await talos('budget', 'status', '--budget', 'few')).text).toContain(
      'talos budget set few --calls <more> --until 24h',
    );
    const raised = await set('few', '--calls', '3', '--until', '24h');
    expect([raised.code, raised.text]).toEqual([
      0,
      expect.stringContaining('talos budget status --budget few'),
    ]);
    expect([await ask(), await ask()]).toEqual([200, 402]);
    const [counter] = (await world.gateway.budgets({ budget: 'few' })).counters;
    expect(counter).toMatchObject({ limit: 3, used: 3, override: { usual: 2 } });
    expect(Date.parse(counter?.override?.until ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000);
  });

  it('keeps what is not named, and comments', async () => {
    await set('all', '--cost', '5.00USD', '--per', 'month', '--zone', 'Europe/Berlin', '--warn-at', '50');
    await set('all', '--tokens', '9000', '--model', 'openai/*', '--mode', 'warn');
    const text = await yaml();
    expect(text).toContain('# who decides');
    const kept = 'per: month, cost: { amount: 5000000, currency: USD }, zone: Europe/Berlin, warnAt: [ 50 ]';
    expect(text).toContain(`{ name: all, ${kept}, tokens: 9000, model: openai/*, mode: warn }`);
  });

  it.each([
    [['x'], 'counts nothing'],
    [['X!', '--calls', '1'], 'budget X!'],
    [['x', '--calls', '0'], '--calls'],
    [['x', '--calls', '1', '--per', 'week'], 'budget x: /per'],
    [['x', '--calls', '1', '--for', 'nobody'], 'budget x: /for'],
    [['x', '--calls', '1', '--warn-at', '101'], 'budget x: /warnAt'],
    [['x', '--calls', '1', '--until', '1d'], 'there is no budget x'],
    [['x', '--until', '1d'], '--until goes with amounts'],
    [['x', '--calls', '1', '--mode', 'warn', '--until', '1d'], '--until goes with amounts'],
    [['x', '--cost', '5'], '--cost takes an amount and a currency'],
    [['x', '--calls', '1', '--model', '$' + '{HOME}'], 'not a model'],
    [['x', '--calls', '1', '--until', '99999d'], '--until takes 3650d at most'],
  ])('%s is no budget', async (argv, said) => {
    expect(await set(...argv)).toMatchObject({ code: 1, text: expect.stringContaining(said) });
    expect(await yaml()).toBe(before);
  });

  it('comes one after the other where several are set at a time, also where one is refused', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const all = await Promise.all([
      ...names.map((name) => set(name, '--calls', '9')),
      set('bad', '--calls', '1', '--per', 'day', '--zone', 'Mars/Olympus'),
    ]);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 1]);
    const inForce = (await world.gateway.budgets()).budgets.map(({ name }) => name);
    expect(inForce.toSorted()).toEqual(names.toSorted());
    expect(await yaml()).not.toContain('Mars');
  });

  it('ends an override where usual amounts are set, keeps what another one says of other kinds, and forgets what is over', async () => {
    const overrideOf = async () => {
      const { counters } = await world.gateway.budgets({ budget: 'o' });
      return Object.fromEntries(counters.map(({ kind, limit }) => [kind, limit]));
    };
    await set('o', '--calls', '5', '--tokens', '900000');
    await set('o', '--calls', '50', '--until', '1h');
    await set('o', '--tokens', '800000', '--until', '2h');
    expect(await overrideOf()).toEqual({ calls: 50, tokens: 800_000 });
    await set('o', '--calls', '7');
    expect(await overrideOf()).toEqual({ calls: 7, tokens: 900_000 });
    await set('o', '--calls', '70', '--until', '1s');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await set('o', '--mode', 'warn')).code).toBe(0);
    expect(await yaml()).not.toContain('until');
  });

  it('changes nothing where the platform refuses it', async () => {
    for (const argv of [
      ['x', '--calls', '1', '--per', 'day', '--zone', 'Mars/Olympus'],
      ['x', '--calls', '1', '--for', 'team', '--only', 'no-such-team'],
    ]) {
      const refused = await set(...argv);
      expect([refused.code, await yaml()]).toEqual([1, before]);
      expect(refused.text).toContain('budget x');
    }
  });
});

describe('talos budget remove', () => {
  it('takes one away, what was counted stays', async () => {
    await set('gone', '--calls', '1');
    expect([await ask(), await ask()]).toEqual([200, 402]);
    expect((await talos('budget', 'remove', 'gone')).code).toBe(0);
    expect(await ask()).toBe(200);
    expect(await talos('budget', 'remove', 'gone')).toMatchObject({
      code: 1,
      text: expect.stringContaining('no budget gone'),
    });
    await set('gone', '--calls', '1');
    expect(await ask()).toBe(402);
  });
});
