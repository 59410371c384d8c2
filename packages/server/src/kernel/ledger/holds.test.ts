import type { Grant, Limit } from '@talosprotocol/contracts';
import {
  createSigner,
  issueCapability,
  parseAnchors,
  type Signer,
  TrustError,
  type VerifiedCapability,
  verifyCapabilityAsOf,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../platform/migrations.js';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { createLedger } from './ledger.js';
import { createLedgerStore, type LedgerStore } from './ledger-store.js';

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

/** A root link without limits under an anchor with these. */
function below(signer: Signer, limits: Limit[]): VerifiedCapability {
  const seconds = Math.floor(NOW / 1000);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const options = { sub: agent.did, aud: [agent.did], grants: GRANTS, exp: seconds + 1e6 };
  const { chain } = issueCapability(options, signer, deps);
  const anchors = parseAnchors([{ iss: signer.did, tenant: 'acme', grants: GRANTS, limits }], crypto);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors, crypto });
}

function ledgerAt(store: LedgerStore = createLedgerStore(database.sql)) {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  return { time, ledger: createLedger({ store, clock }) };
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
    await hold?.settle({ cost: 10, tokens: 0 });
    expect([await usedOf(held, 'cost:EUR'), await usedOf(held, 'tokens')]).toEqual([10, 0]);
    await ledger.hold(held, { cost: euro(90), tokens: 1_000 });
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({
      data: { caveat: 'tokens 1000 per day' },
    });
  });

  it('CAP-21 that do not suffice are told with what the call may come to, and that what others hold may come back', async () => {
    const held = capability({ per: 'total', cost: euro(100), tokens: 1_000 });
    const { ledger } = ledgerAt();
    const hold = await ledger.hold(held, { cost: euro(60), tokens: 900 });
    const hintOf = (error: unknown) => (error instanceof TrustError ? error.data.hint : undefined);
    const hints = [
      await ledger.hold(held, { cost: euro(41) }).catch(hintOf),
      await ledger.hold(held, { cost: euro(1), tokens: 101 }).catch(hintOf),
    ];
    expect(hints[0]).toContain('may come to 41 EUR micro-units');
    expect(hints[1]).toContain('may come to 101 tokens');
    for (const hint of hints) {
      expect(hint).toContain('calls under way');
      expect(hint).toContain('Ask for less');
    }
    await hold?.settle({ cost: 10, tokens: 0 });
    await ledger.hold(held, { cost: euro(41), tokens: 101 });
  });

  it('CAP-21 are given back once, however often the hold is settled', async () => {
    const held = capability({ per: 'total', cost: euro(100) });
    const hold = await ledgerAt().ledger.hold(held, { cost: euro(50) });
    await Promise.all([20, 20, 20].map((cost) => hold?.settle({ cost })));
    await hold?.settle({ cost: 0 });
    expect(await usedOf(held, 'cost:EUR')).toBe(20);
  });

  it('CAP-21 that a call which has ended is about to give back are waited for', async () => {
    const { ledger } = ledgerAt();
    const held = capability({ per: 'total', tokens: 1_000 });
    for (let calls = 0; calls < 3; calls += 1) {
      const hold = await ledger.hold(held, { tokens: 800 });
      let record = (): void => undefined;
      const recorded = new Promise<void>((resolve) => {
        record = resolve;
      });
      const settled = hold?.settle({ tokens: 10 }, recorded);
      const next = ledger.hold(held, { tokens: 800 });
      setTimeout(record, 20);
      await (await next)?.settle({ tokens: 0 });
      await settled;
    }
    expect(await usedOf(held, 'tokens')).toBe(30);
    await ledger.close();
  });

  it('CAP-21 are not waited for where they do not suffice, for ever, or where what ends them fails', async () => {
    const { ledger } = ledgerAt();
    const held = capability({ per: 'total', tokens: 1_000 });
    const never = new Promise<void>(() => undefined);
    void (await ledger.hold(held, { tokens: 800 }))?.settle({ tokens: 10 }, never);
    const began = performance.now();
    await expect(ledger.hold(held, { tokens: 1_001 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
    await expect(ledger.hold(held, { tokens: 800 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
    expect(performance.now() - began).toBeGreaterThan(1_900);
    const lost = (await ledger.hold(held, { tokens: 200 }))?.settle(
      { tokens: 0 },
      Promise.reject(new Error('lost')),
    );
    await expect(lost).rejects.toThrow('lost');
    expect(await usedOf(held, 'tokens')).toBe(1_000);
  });

  it('CAP-21 stay as held where nothing else is said, and where nobody settles', async () => {
    const held = capability({ per: 'total', cost: euro(100), tokens: 10 });
    const { ledger, time } = ledgerAt();
    await (await ledger.hold(held, { cost: euro(30), tokens: 3 }))?.settle({});
    await ledger.hold(held, { cost: euro(70) });
    time.now += 2 * 86_400_000;
    await ledger.tidy();
    await ledger.close();
    expect([await usedOf(held, 'cost:EUR'), await usedOf(held, 'tokens')]).toEqual([100, 3]);
  });

  it('CAP-21 that were more than held are counted too, and refuse what comes after', async () => {
    const held = capability({ per: 'total', tokens: 10 });
    const { ledger } = ledgerAt();
    const hold = await ledger.hold(held, { tokens: 5 });
    await hold?.settle({ tokens: 25 });
    expect(await usedOf(held, 'tokens')).toBe(25);
    await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
    for (const tokens of [-1, 0.5, Number.NaN, 2 ** 53])
      await expect(hold?.settle({ tokens })).rejects.toThrow(RangeError);
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
      allowed: fc.integer({ min: 1, max: 3_000 }),
      steps: fc.array(step, { minLength: 1, maxLength: 40 }),
      killEvery: fc.integer({ min: 2, max: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ allowed, steps, killEvery }) => {
        const held = capability({ per: 'total', tokens: allowed });
        const ledgers = [ledgerAt().ledger, ledgerAt().ledger];
        let killed = 0;
        const counted = await Promise.all(
          steps.map(async ({ held: tokens, spent }, n) => {
            if ((n + 1) % killEvery === 0) {
              ledgers[n % 2] = ledgerAt().ledger;
              killed += 1;
            }
            const hold = await ledgers[n % 2]!.hold(held, { tokens }).catch((error) => {
              expect(error.code).toBe('BUDGET_EXCEEDED');
              return undefined;
            });
            expect((await usedOf(held, 'tokens')) ?? 0).toBeLessThanOrEqual(allowed);
            if (hold === undefined) return 0;
            if (spent === null) return tokens;
            const actual = Math.min(spent, tokens);
            await Promise.all([hold, hold].map((one) => one.settle({ tokens: actual })));
            return actual;
          }),
        );
        const total = counted.reduce((sum, tokens) => sum + tokens, 0);
        const used = async (): Promise<number> => (await usedOf(held, 'tokens')) ?? 0;
        expect(total).toBeLessThanOrEqual(await used());
        await Promise.all(ledgers.map((ledger) => ledger.close()));
        // Of a killed process one lease is lost, and what stood in for it: a sixteenth of the limit and one call.
        expect(await used()).toBeGreaterThanOrEqual(total);
        expect((await used()) - total).toBeLessThanOrEqual(killed * (allowed / 16 + 40));
      }),
      { numRuns: 25 },
    );
  });

  describe('of which much is left', () => {
    const LIMIT = 16_000;

    it('CAP-21 are leased: the next calls debit nothing, and what they do not spend serves those after them', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      const { ledger } = ledgerAt();
      const first = await ledger.hold(held, { tokens: 100 });
      expect(await usedOf(held, 'tokens')).toBe(LIMIT / 16);
      for (let call = 0; call < 50; call += 1) {
        const hold = await ledger.hold(held, { tokens: 100 });
        await hold?.settle({ tokens: 10 });
      }
      await first?.settle({ tokens: 10 });
      expect(await usedOf(held, 'tokens')).toBe(LIMIT / 16);
      await ledger.close();
      expect(await usedOf(held, 'tokens')).toBe(51 * 10);
    });

    it('are given back beyond one lease when many calls ran at a time', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      const { ledger } = ledgerAt();
      const holds = await Promise.all(Array.from({ length: 60 }, () => ledger.hold(held, { tokens: 100 })));
      expect(await usedOf(held, 'tokens')).toBeGreaterThanOrEqual(6_000);
      await Promise.all(holds.map((hold) => hold?.settle({ tokens: 0 })));
      expect(await usedOf(held, 'tokens')).toBeLessThanOrEqual(LIMIT / 16);
      expect(await usedOf(held, 'tokens')).toBeGreaterThan(0);
    });

    it('are all there for a call that needs more than the lease has and more than is left beside it', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      const { ledger } = ledgerAt();
      await ledger.hold(held, { tokens: 1 });
      expect(await usedOf(held, 'tokens')).toBe(64);
      await ledger.hold(held, { tokens: LIMIT - 1 });
      expect(await usedOf(held, 'tokens')).toBe(LIMIT);
      await expect(ledger.hold(held, { tokens: 1 })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
    });

    it('stay leased when somebody asks for more than there is at all', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      let debits = 0;
      const store = createLedgerStore(database.sql);
      const { ledger } = ledgerAt({
        ...store,
        debit: (request) => {
          debits += 1;
          return store.debit(request);
        },
      });
      await ledger.hold(held, { tokens: 10 });
      for (let call = 0; call < 20; call += 1) {
        await expect(ledger.hold(held, { tokens: LIMIT })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
        await (await ledger.hold(held, { tokens: 10 }))?.settle({ tokens: 1 });
      }
      expect(debits).toBe(21);
    });

    it('are not spent beyond a limit that was lowered meanwhile', async () => {
      const signer = createSigner(random(32), crypto);
      const under = (tokens: number) => below(signer, [{ per: 'total', tokens }]);
      const { ledger } = ledgerAt();
      await ledger.hold(under(LIMIT), { tokens: 10 });
      await expect(ledger.hold(under(500), { tokens: 10 })).rejects.toMatchObject({ data: { link: 0 } });
      await ledger.hold(under(LIMIT), { tokens: 10 });
    });

    it('are counted beyond the hold from the lease first, and beyond the limit if they must', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      const { ledger } = ledgerAt();
      const [first, second] = [
        await ledger.hold(held, { tokens: 100 }),
        await ledger.hold(held, { tokens: 100 }),
      ];
      await first?.settle({ tokens: 300 });
      expect(await usedOf(held, 'tokens')).toBe(LIMIT / 16);
      await second?.settle({ tokens: 2 * LIMIT });
      await ledger.close();
      expect(await usedOf(held, 'tokens')).toBe(2 * LIMIT + 300);
    });

    it('that a call of a past day did not spend are nothing that the next day has', async () => {
      const held = capability({ per: 'day', tokens: LIMIT });
      const { ledger, time } = ledgerAt();
      const late = await ledger.hold(held, { tokens: 100 });
      time.now += 10_000;
      await ledger.hold(held, { tokens: 100 });
      await late?.settle({ tokens: 0 });
      await ledger.close();
      const rows = await database.sql.query(
        'SELECT period, used FROM kernel_ledger WHERE root = $1 ORDER BY period',
        [held.links[0]?.lid ?? ''],
      );
      expect(rows).toEqual([
        { period: '2026-11-30', used: LIMIT / 16 - 100 },
        { period: '2026-12-01', used: 100 },
      ]);
    });

    it('that are settled after the end are given back all the same', async () => {
      const held = capability({ per: 'total', tokens: LIMIT });
      const { ledger } = ledgerAt();
      const hold = await ledger.hold(held, { tokens: 100 });
      await ledger.close();
      expect(await usedOf(held, 'tokens')).toBe(100);
      await hold?.settle({ tokens: 30 });
      expect(await usedOf(held, 'tokens')).toBe(30);
    });

    it('that could not be given back stay spent, and what is owed is written with the next', async () => {
      const held = capability({ per: 'total', tokens: 100 });
      const store = createLedgerStore(database.sql);
      let isDown = false;
      const { ledger } = ledgerAt({
        ...store,
        giveBack: (rests) =>
          isDown ? Promise.reject(new TrustError('UNAVAILABLE', 'down')) : store.giveBack(rests),
      });
      const holds = [
        await ledger.hold(held, { tokens: 20 }),
        await ledger.hold(held, { tokens: 20 }),
        await ledger.hold(held, { tokens: 20 }),
      ];
      isDown = true;
      await expect(holds[0]?.settle({ tokens: 0 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(holds[1]?.settle({ tokens: 25 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      isDown = false;
      await holds[2]?.settle({ tokens: 10 });
      expect(await usedOf(held, 'tokens')).toBe(60 + 5 - 10);
    });
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
    const wait = (ms: number): void => {
      time.now += ms;
      time.monotonic += ms;
    };
    wait(86_400_000);
    await ledger.tidy();
    expect(await usedOf(held, 'rate:60')).toBe(1);
    wait(86_400_000);
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
