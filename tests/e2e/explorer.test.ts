import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventRecord, EventStats } from '@talosprotocol/contracts';
import { createAuditClient } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

interface Started {
  readonly ended: Promise<number>;
  readonly lines: () => string[];
  readonly text: () => string;
  interrupt(): void;
}

/** One command line against the platform. */
function start(...argv: string[]): Started {
  const terminal = openTerminal({ env: { TALOS_DATA: world.ready.data }, cwd: world.files.root });
  const where = argv[0] === 'audit' ? ['--audit', world.ready.audit] : ['--kernel', world.ready.kernel];
  const text = () => terminal.out() + terminal.err();
  return {
    ended: run(argv[0] === 'policy' ? argv : [...argv, ...where], terminal.io),
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line !== ''),
    text,
    interrupt: terminal.interrupt,
  };
}

async function talos(...argv: string[]): Promise<{ code: number; text: string }> {
  const started = start(...argv);
  return { code: await started.ended, text: started.text() };
}

const reload = () => talos('policy', 'reload', '--gateway', world.ready.gateway);

describe('talos audit tail', () => {
  it('shows what fits, and refuses what no filter says', async () => {
    await reload();
    const json = await talos('audit', 'tail', '--type', 'policy.loaded', '--since', '1h', '--json');
    const { events } = JSON.parse(json.text) as { events: EventRecord[] };
    expect(events.length).toBeGreaterThan(0);
    expect(new Set(events.map(({ event }) => event.type))).toEqual(new Set(['policy.loaded']));
    const oldest = await talos('audit', 'tail', '--oldest', '--limit', '1');
    expect(oldest.text).toMatch(/^ +0 \S+ log\.opened\n/);
    const none = await talos('audit', 'tail', '--until', '2026-01-01', '--json');
    expect(JSON.parse(none.text)).toEqual({ ok: true, events: [] });
    for (const wrong of [
      ['--type', 'everything'],
      ['--effect', 'maybe'],
      ['--since', 'yesterday'],
      ['--since', '2026-13-45'],
      ['--min-cost', '1.5'],
      ['--limit', '501'],
      ['--follow', '--oldest'],
      ['--follow', '--until', '1h'],
    ])
      expect([wrong, (await talos('audit', 'tail', ...wrong)).code]).toEqual([wrong, 1]);
  });

  it('goes on with what fits as it happens, until Ctrl-C', async () => {
    const tail = start('audit', 'tail', '--follow', '--type', 'policy.loaded', '--limit', '1', '--json');
    await expect.poll(tail.lines).toHaveLength(1);
    await reload();
    await expect.poll(tail.lines, { timeout: 10_000 }).toHaveLength(2);
    const [before, after] = tail.lines().map((line) => JSON.parse(line) as EventRecord);
    expect(after?.index).toBeGreaterThan(before?.index ?? Number.NaN);
    tail.interrupt();
    expect(await tail.ended).toBe(0);
  });
});

// AUD-120
describe('talos audit stats', () => {
  it('counts as the log has it, for programs and for people, and refuses what cannot be counted', async () => {
    await reload();
    const { text } = await talos('audit', 'stats', '--by', 'code', '--json');
    const { stats } = JSON.parse(text) as { stats: EventStats };
    const denied = (await world.audit.events({ effect: 'deny', type: 'decision', limit: 500 })).events;
    expect(stats.total.denied).toBe(denied.length);
    const people = await talos('audit', 'stats', '--by', 'effect', '--bucket', 'day');
    expect(people.code).toBe(0);
    expect(people.text).toMatch(/^Events by effect, each day from 20.*Z to 20.*Z\n/);
    expect(people.text).toMatch(/\n {2}deny +[ ▁-█]+ {2}[0-9]+ events, 0 allowed, [0-9]+ denied\n/);
    expect(people.text).toMatch(/\n {2}all .*\n/);
    for (const wrong of [
      ['--by', 'weather'],
      ['--bucket', 'second'],
      ['--top', '51'],
      ['--value', 'x'],
      ['--by', 'tool', '--value', 'a/b', '--top', '3'],
      ['--bucket', 'minute', '--since', '30d'],
      ['--since', 'yesterday'],
    ])
      expect([wrong, (await talos('audit', 'stats', ...wrong)).code]).toEqual([wrong, 1]);
  });
});

// AUD-68
describe('a stream of events', () => {
  it('ends when the account that reads it is disabled, and when its role is taken away', async () => {
    const made = await talos(
      'rbac',
      'service-account',
      'create',
      '--name',
      'watcher',
      '--out',
      'watcher.key',
      '--json',
    );
    const { id } = JSON.parse(made.text).service_account;
    const bind = async (): Promise<string> => {
      const bound = await talos('rbac', 'binding', 'create', '--role', 'auditor', '--service', id, '--json');
      return JSON.parse(bound.text).binding.id;
    };
    const adminToken = (await readFile(join(world.files.root, 'watcher.key'), 'utf8')).trim();
    const client = createAuditClient({ url: world.ready.audit, adminToken });
    const watch = async (): Promise<string> => {
      for await (const { index } of client.follow({ from: 0 })) if (index < 0) break;
      return 'ended quietly';
    };
    const endOf = () => watch().catch(({ code }: { code: string }) => code);

    const binding = await bind();
    const first = endOf();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await talos('rbac', 'binding', 'remove', binding)).code).toBe(0);
    expect(await first).toBe('FORBIDDEN');
    await bind();
    const second = endOf();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await talos('rbac', 'service-account', 'disable', id)).code).toBe(0);
    expect(await second).toBe('UNAUTHENTICATED');
  });

  it('does not hold up the end of the platform', async () => {
    const other = await openWorld();
    let last: number | undefined;
    const watching = (async () => {
      for await (const { index } of other.audit.follow({ from: 0 })) last = index;
    })().catch(({ code }: { code: string }) => code);
    await expect.poll(() => last).toBeGreaterThan(0);
    const began = performance.now();
    await other.close();
    expect(performance.now() - began).toBeLessThan(9_000);
    // Away for longer than a follower waits.
    expect(
      await Promise.race([watching, new Promise((resolve) => setTimeout(resolve, 500, 'still hopes'))]),
    ).toBe('still hopes');
  });
});
