import type { Grant, Limit } from '@talosprotocol/contracts';
import {
  createSigner,
  issueCapability,
  parseAnchors,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../platform/log.js';
import { migrate } from '../../platform/migrations.js';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { createLedger } from './ledger.js';
import { createLedgerStore } from './ledger-store.js';

const crypto = createNodeCrypto();
const organisation = createSigner(random(32), crypto);
const agent = createSigner(random(32), crypto);
const NOW = Date.parse('2026-11-30T23:59:50.000Z');
const GRANTS: Grant[] = [{ scope: 'tool:files', ops: ['read'] }];
const euro = (amount: number) => ({ amount, currency: 'EUR' });

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

function capability(...limits: Limit[]): VerifiedCapability {
  const seconds = Math.floor(NOW / 1000);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const options = { sub: agent.did, aud: [agent.did], grants: GRANTS, exp: seconds + 1e6, limits };
  const { chain } = issueCapability(options, organisation, deps);
  const anchors = parseAnchors([{ iss: organisation.did, tenant: 'acme', grants: GRANTS }], crypto);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

function ledgerAt() {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const log = createLog({ level: 'silent', format: 'json', clock });
  return { time, ledger: createLedger({ store: createLedgerStore(database.sql), clock, random, log }) };
}

async function usedOf(held: VerifiedCapability, kind: string): Promise<number | undefined> {
  const counter = `${held.links[0]?.lid ?? ''}${kind === '' ? '' : ` ${kind}`}`;
  const rows = await database.sql.query<{ used: number }>(
    'SELECT used FROM kernel_ledger WHERE counter = $1',
    [counter],
  );
  return rows[0]?.used;
}

describe('money and tokens', () => {
  it('CAP-21 are held before the call and counted as what it came to', async () => {
    const held = capability({ per: 'day', cost: euro(100), tokens: 1_000 });
    const { ledger } = ledgerAt();
    const hold = await ledger.hold(held, { cost: euro(60), tokens: 900 });
    await expect(ledger.hold(held, { cost: euro(41) })).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: {
        link: 1,
        caveat: 'cost 100 EUR micro-units per day',
        hint: expect.stringContaining('next day'),
      },
    });
    await ledger.settle(hold ?? '', { cost: 10, tokens: 0 });
    expect([await usedOf(held, 'cost:EUR'), await usedOf(held, 'tokens')]).toEqual([10, 0]);
    await ledger.hold(held, { cost: euro(90), tokens: 1_000 });
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({
      data: { caveat: 'tokens 1000 per day' },
    });
  });

  it('CAP-21 are given back once, however often the hold is settled', async () => {
    const held = capability({ per: 'total', cost: euro(100) });
    const [first, second] = [ledgerAt().ledger, ledgerAt().ledger];
    const hold = (await first.hold(held, { cost: euro(50) })) ?? '';
    await Promise.all([first, second, first].map((ledger) => ledger.settle(hold, { cost: 20 })));
    await second.settle(hold, { cost: 0 });
    expect(await usedOf(held, 'cost:EUR')).toBe(20);
    await first.settle('00000000-0000-7000-8000-000000000000', { cost: 0 });
  });

  it('CAP-21 stay as held where nothing else is said, and where nobody settles', async () => {
    const held = capability({ per: 'total', cost: euro(100), tokens: 10 });
    const { ledger, time } = ledgerAt();
    await ledger.settle((await ledger.hold(held, { cost: euro(30), tokens: 3 })) ?? '', {});
    const lost = (await ledger.hold(held, { cost: euro(70) })) ?? '';
    time.now += 2 * 86_400_000;
    await ledger.tidy();
    await ledger.settle(lost, { cost: 0 });
    expect([await usedOf(held, 'cost:EUR'), await usedOf(held, 'tokens')]).toEqual([100, 3]);
  });

  it('CAP-21 that were more than held are counted too, and refuse what comes after', async () => {
    const held = capability({ per: 'total', tokens: 10 });
    const { ledger } = ledgerAt();
    await ledger.settle((await ledger.hold(held, { tokens: 5 })) ?? '', { tokens: 25 });
    expect(await usedOf(held, 'tokens')).toBe(25);
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
    for (const tokens of [-1, 0.5, Number.NaN, 2 ** 53])
      await expect(ledger.settle('x', { tokens })).rejects.toThrow(RangeError);
  });

  it('CAP-3 refuses money of another currency than the limit is in', async () => {
    const held = capability({ per: 'total', cost: euro(100) });
    const { ledger } = ledgerAt();
    await expect(ledger.hold(held, { cost: { amount: 1, currency: 'USD' } })).rejects.toMatchObject({
      code: 'POLICY_DENIED',
      data: { link: 1, caveat: 'cost in EUR', hint: expect.stringContaining('USD') },
    });
    expect(await ledger.hold(held)).toBeUndefined();
    expect(await usedOf(held, 'cost:EUR')).toBeUndefined();
  });

  it('takes everything or nothing', async () => {
    const held = capability({ per: 'total', calls: 1, cost: euro(5), tokens: 5 });
    const { ledger } = ledgerAt();
    await expect(ledger.hold(held, { cost: euro(5), tokens: 6 })).rejects.toMatchObject({
      data: { caveat: 'tokens 5 per total' },
    });
    await ledger.hold(held, { cost: euro(5), tokens: 5 });
    expect([await usedOf(held, ''), await usedOf(held, 'cost:EUR')]).toEqual([1, 5]);
  });

  it('counts up to the largest integers', async () => {
    const held = capability({ per: 'total', tokens: Number.MAX_SAFE_INTEGER });
    const { ledger } = ledgerAt();
    await ledger.hold(held, { tokens: Number.MAX_SAFE_INTEGER });
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  });

  it('never exceed a limit, whoever holds and settles, and if processes die in between', async () => {
    const step = fc.record({
      held: fc.integer({ min: 1, max: 40 }),
      spent: fc.option(fc.integer({ min: 0, max: 40 })),
    });
    const scenario = fc.record({
      allowed: fc.integer({ min: 1, max: 300 }),
      steps: fc.array(step, { minLength: 1, maxLength: 24 }),
      killEvery: fc.integer({ min: 2, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ allowed, steps, killEvery }) => {
        const held = capability({ per: 'total', tokens: allowed });
        const ledgers = [ledgerAt().ledger, ledgerAt().ledger];
        const counted = await Promise.all(
          steps.map(async ({ held: tokens, spent }, n) => {
            if (n % killEvery === 0) ledgers[n % 2] = ledgerAt().ledger;
            const ledger = ledgers[n % 2]!;
            const hold = await ledger.hold(held, { tokens }).catch((error) => {
              expect(error.code).toBe('BUDGET_EXCEEDED');
              return undefined;
            });
            if (hold === undefined) return 0;
            if (spent === null) return tokens;
            const actual = Math.min(spent, tokens);
            await Promise.all([0, 1].map((other) => ledgers[other]!.settle(hold, { tokens: actual })));
            return actual;
          }),
        );
        const total = counted.reduce((sum, tokens) => sum + tokens, 0);
        expect(total).toBeLessThanOrEqual(allowed);
        expect((await usedOf(held, 'tokens')) ?? 0).toBe(total);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a rate', () => {
  const three: Limit = { per: 'total', rate: { count: 3, seconds: 60 } };

  it('CAP-21 lets as many calls through in each window, and says when to try again', async () => {
    const held = capability(three);
    const { ledger, time } = ledgerAt();
    for (let call = 0; call < 3; call += 1) expect(await ledger.hold(held)).toBeUndefined();
    await expect(ledger.hold(held)).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      data: { link: 1, caveat: 'rate 3 per 60 s', hint: expect.stringContaining('Try again in 10 s') },
    });
    time.now += 10_000;
    for (let call = 0; call < 3; call += 1) await ledger.hold(held);
    await expect(ledger.hold(held)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await usedOf(held, 'rate:60')).toBe(3);
  });

  it('CAP-21 is one for all processes, also for one whose clock is behind', async () => {
    const held = capability(three);
    const [late, early] = [ledgerAt(), ledgerAt()];
    early.time.now += 10_000;
    await early.ledger.hold(held);
    await early.ledger.hold(held);
    await late.ledger.hold(held);
    await expect(late.ledger.hold(held)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(early.ledger.hold(held)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('leases from a large rate, and gives nothing of one window back to another', async () => {
    const held = capability({ per: 'total', rate: { count: 320, seconds: 60 } });
    const { ledger, time } = ledgerAt();
    await ledger.hold(held);
    expect(await usedOf(held, 'rate:60')).toBe(20);
    time.now += 10_000;
    await ledger.hold(held);
    await ledger.close();
    expect(await usedOf(held, 'rate:60')).toBe(1);
    const other = capability({ per: 'total', rate: { count: 320, seconds: 60 } });
    const [first, second] = [ledgerAt(), ledgerAt()];
    await first.ledger.hold(other);
    second.time.now += 10_000;
    await second.ledger.hold(other);
    await first.ledger.close();
    expect(await usedOf(other, 'rate:60')).toBe(20);
  });

  it('is forgotten a day after its window', async () => {
    const held = capability(three);
    const { ledger, time } = ledgerAt();
    await ledger.hold(held);
    time.now += 86_400_000;
    await ledger.tidy();
    expect(await usedOf(held, 'rate:60')).toBe(1);
    time.now += 86_400_000;
    await ledger.tidy();
    expect(await usedOf(held, 'rate:60')).toBeUndefined();
  });

  it('holds across processes that ask at a time', async () => {
    const held = capability({ per: 'total', rate: { count: 50, seconds: 60 } });
    const ledgers = [ledgerAt().ledger, ledgerAt().ledger];
    const holds = Array.from({ length: 120 }, (_, n) => ledgers[n % 2]!.hold(held));
    const passed = (await Promise.allSettled(holds)).filter(({ status }) => status === 'fulfilled').length;
    expect(passed).toBeLessThanOrEqual(50);
    expect(passed).toBeGreaterThan(25);
    expect(await usedOf(held, 'rate:60')).toBeGreaterThanOrEqual(passed);
  });
});
