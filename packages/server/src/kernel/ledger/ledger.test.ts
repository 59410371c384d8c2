import type { Grant, Limit, TrustAnchor } from '@talosprotocol/contracts';
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
import { migrate } from '../../platform/migrations.js';
import { createSql, type Sql } from '../../platform/sql.js';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { kernelMigrations } from '../migrations.js';
import { createLedger } from './ledger.js';
import { createLedgerStore } from './ledger-store.js';

/** The database's clock is never behind those of the tests. */
const LATER = "timestamptz '2200-01-01'";
const crypto = createNodeCrypto();
const organisation = createSigner(random(32), crypto);
const agent = createSigner(random(32), crypto);
const NOW = Date.parse('2026-11-30T23:59:50.000Z');
const GRANTS: Grant[] = [{ scope: 'tool:files', ops: ['read'] }];

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.sql, kernelMigrations);
});
afterAll(() => database?.close());

/** A root link with these limits, under an anchor with those. */
function capability(
  limits: Limit[] | undefined,
  anchorLimits?: Limit[],
  signer = organisation,
): VerifiedCapability {
  const anchor: TrustAnchor = { iss: signer.did, tenant: 'acme', grants: GRANTS };
  if (anchorLimits !== undefined) anchor.limits = anchorLimits;
  const seconds = Math.floor(NOW / 1000);
  const deps = { crypto, now: () => seconds, randomBytes: random };
  const options = { sub: agent.did, aud: [agent.did], grants: GRANTS, exp: seconds + 1e6 };
  const { chain } = issueCapability({ ...options, ...(limits && { limits }) }, signer, deps);
  return verifyCapabilityAsOf(chain, { time: seconds, anchors: parseAnchors([anchor], crypto), crypto });
}

function ledgerAt(sql: Sql = database.sql) {
  const time = { now: NOW, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  return { time, ledger: createLedger({ store: createLedgerStore(sql, LATER), clock }) };
}

async function usedOf(held: VerifiedCapability, period = 'total'): Promise<number> {
  const rows = await database.sql.query<{ used: number }>(
    'SELECT used FROM kernel_ledger WHERE counter = $1 AND period = $2',
    [held.links[0]?.lid ?? '', period],
  );
  return rows[0]?.used ?? 0;
}

async function countHolds(holds: readonly Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(holds);
  for (const one of settled) if (one.status === 'rejected') expect(one.reason.code).toBe('BUDGET_EXCEEDED');
  return settled.filter((one) => one.status === 'fulfilled').length;
}

const ONE_OF_FIVE = { period: 'total', ends: 0, allowed: 5, amount: 1, largest: 1 };

describe('the ledger', () => {
  it('lets through as many calls as the limit says, then names the link and what would help (CAP-21)', async () => {
    const held = capability([{ per: 'total', calls: 5 }]);
    const { ledger } = ledgerAt();
    for (let call = 0; call < 5; call += 1) await ledger.hold(held);
    await expect(ledger.hold(held)).rejects.toMatchObject({
      code: 'BUDGET_EXCEEDED',
      data: { link: 1, caveat: 'calls 5 per total', hint: expect.stringContaining(organisation.did) },
    });
  });

  it('debits a small limit call by call: what a killed process did not use is left', async () => {
    const held = capability([{ per: 'total', calls: 5 }]);
    await ledgerAt().ledger.hold(held);
    expect(await usedOf(held)).toBe(1);
    const restarted = ledgerAt().ledger;
    for (let call = 0; call < 4; call += 1) await restarted.hold(held);
    await expect(restarted.hold(held)).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  });

  it('leases from a large limit, gives the rest back at the end, and counts it as spent after a kill', async () => {
    const held = capability([{ per: 'total', calls: 1000 }]);
    const first = ledgerAt().ledger;
    await Promise.all([first.hold(held), first.hold(held)]);
    await first.hold(held);
    await first.close();
    expect(await usedOf(held)).toBe(3);
    await expect(first.hold(held)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await ledgerAt().ledger.hold(held);
    expect(await usedOf(held)).toBe(3 + 62);
  });

  it('takes from every link and the anchor, or from none', async () => {
    const signer = createSigner(random(32), crypto);
    const wide = capability([{ per: 'total', calls: 3 }], [{ per: 'total', calls: 4 }], signer);
    const other = capability([{ per: 'total', calls: 9 }], [{ per: 'total', calls: 4 }], signer);
    const { ledger } = ledgerAt();
    for (let call = 0; call < 3; call += 1) await ledger.hold(wide);
    await expect(ledger.hold(wide)).rejects.toMatchObject({ data: { link: 1 } });
    await ledger.hold(other);
    await expect(ledger.hold(other)).rejects.toMatchObject({
      data: { link: 0, hint: expect.stringContaining('operator') },
    });
    expect(await usedOf(other)).toBe(1);
  });

  it('counts days and months in UTC and begins anew with each', async () => {
    const held = capability([
      { per: 'day', calls: 2 },
      { per: 'month', calls: 3 },
    ]);
    const { ledger, time } = ledgerAt();
    await ledger.hold(held);
    await ledger.hold(held);
    await expect(ledger.hold(held)).rejects.toMatchObject({ data: { caveat: 'calls 2 per day' } });
    time.now += 10_000;
    await ledger.hold(held);
    expect([await usedOf(held, '2026-11-30'), await usedOf(held, '2026-11')]).toEqual([2, 2]);
    expect([await usedOf(held, '2026-12-01'), await usedOf(held, '2026-12')]).toEqual([1, 1]);
  });

  it('does not carry a lease into the next period, and forgets old ones', async () => {
    const held = capability([{ per: 'day', calls: 320 }]);
    const { ledger, time } = ledgerAt();
    await ledger.hold(held);
    expect(await usedOf(held, '2026-11-30')).toBe(20);
    time.now += 10_000;
    await ledger.hold(held);
    expect(await usedOf(held, '2026-12-01')).toBe(20);
    time.monotonic += 120_000;
    await ledger.tidy();
    expect([await usedOf(held, '2026-11-30'), await usedOf(held, '2026-12-01')]).toEqual([20, 1]);
    const later = Date.parse('2027-01-02T00:00:00.000Z') - time.now;
    time.now += later;
    time.monotonic += later;
    await ledger.tidy();
    expect([await usedOf(held, '2026-11-30'), await usedOf(held, '2026-12-01')]).toEqual([20, 1]);
    // Closed first, and forgotten the next time.
    await ledger.tidy();
    expect([await usedOf(held, '2026-11-30'), await usedOf(held, '2026-12-01')]).toEqual([0, 1]);
  });

  it('bounds the counters below one root and below one second link, and takes nothing beyond', async () => {
    const store = createLedgerStore(database.sql);
    const debit = (counter: string, branch?: string) =>
      store.debit({
        root: 'root-of-many',
        debits: [{ ...ONE_OF_FIVE, counter, branch }],
        maxRows: { root: 3, branch: 2 },
      });
    expect([await debit('a1', 'a'), await debit('a2', 'a')]).toEqual([{ taken: [1] }, { taken: [1] }]);
    expect(await debit('a3', 'a')).toEqual({ crowded: true });
    expect(await debit('a2', 'a')).toEqual({ taken: [1] });
    expect(await debit('b1', 'b')).toEqual({ taken: [1] });
    expect(await debit('c1', 'c')).toEqual({ crowded: true });
    expect(await debit('of-the-root')).toEqual({ taken: [1] });
    const rows = await database.sql.query('SELECT counter, used FROM kernel_ledger WHERE root = $1', [
      'root-of-many',
    ]);
    expect(rows).toHaveLength(4);
  });

  it('does not wait in a circle when links are debited in other orders', async () => {
    const store = createLedgerStore(database.sql);
    const debit = (names: readonly string[]) =>
      store.debit({
        root: 'circle',
        debits: names.map((counter) => ({ ...ONE_OF_FIVE, counter, allowed: 1_000 })),
        maxRows: { root: 100, branch: 100 },
      });
    const names = ['c1', 'c2', 'c3'];
    const both = Array.from({ length: 40 }, (_, n) => debit(n % 2 === 0 ? names : names.toReversed()));
    for (const outcome of await Promise.all(both)) expect(outcome).toEqual({ taken: [1, 1, 1] });
  });

  it('asks the database nothing for a capability without limits', async () => {
    const asked = { transaction: () => Promise.reject(new Error('asked')) } as unknown as Sql;
    await ledgerAt(asked).ledger.hold(capability(undefined));
    await expect(ledgerAt(asked).ledger.hold(capability([{ per: 'total', calls: 1 }]))).rejects.toThrow(
      'asked',
    );
  });

  it('never exceeds a limit while connections are cut under it', async () => {
    const held = capability([{ per: 'total', calls: 300 }]);
    const sql = createSql({ address: database.address, onIdleError: () => undefined });
    const { ledger } = ledgerAt(sql);
    let passed = 0;
    for (let round = 0; round < 12; round += 1) {
      const holds = Array.from({ length: 10 }, () => ledger.hold(held));
      const cut = database.sql.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND query LIKE '%kernel_ledger%'`,
      );
      for (const one of await Promise.allSettled(holds)) {
        if (one.status === 'fulfilled') passed += 1;
        else expect(one.reason.code).toMatch(/^(UNAVAILABLE|BUDGET_EXCEEDED)$/);
      }
      await cut;
    }
    const used = await usedOf(held);
    expect(passed).toBeLessThanOrEqual(used);
    expect(used).toBeLessThanOrEqual(300);
    await sql.close();
  });

  it('never exceeds a limit, whoever asks how often, and if processes die in between', async () => {
    const scenario = fc.record({
      calls: fc.integer({ min: 1, max: 200 }),
      rounds: fc.array(
        fc.record({ holds: fc.integer({ min: 1, max: 60 }), end: fc.constantFrom('close', 'kill') }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ calls, rounds }) => {
        const held = capability([{ per: 'total', calls }], [{ per: 'total', calls: 1_000_000_000 }]);
        let passed = 0;
        let lost = false;
        for (const { holds, end } of rounds) {
          const ledgers = [ledgerAt().ledger, ledgerAt().ledger];
          passed += await countHolds(Array.from({ length: holds }, (_, n) => ledgers[n % 2]!.hold(held)));
          if (end === 'close') await Promise.all(ledgers.map((ledger) => ledger.close()));
          else lost = true;
          expect(passed).toBeLessThanOrEqual(calls);
          expect(await usedOf(held)).toBeGreaterThanOrEqual(passed);
          expect(await usedOf(held)).toBeLessThanOrEqual(calls);
        }
        if (!lost) expect(await usedOf(held)).toBe(passed);
      }),
      { numRuns: 12 },
    );
  });
});
