import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../audit/service.js';
import { type AuditWorld, auditDeps, openAuditWorld } from '../audit/testing/room.js';
import { clock } from '../platform/system.js';
import { openTestDatabase } from '../platform/testing/database.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { assertClock, examineClock } from './clock-check.js';

let world: AuditWorld;
beforeAll(async () => {
  world = await openAuditWorld();
});
beforeEach(() => world.fresh());
afterAll(() => world?.close());

const aheadBy = (ms: number) => ({ ...clock, now: () => clock.now() + ms });

// AUD-124
describe('the clock at a start', () => {
  const told = async (ms: number) => {
    const lines: string[] = [];
    await assertClock(world.sql, aheadBy(ms), createTestLog(lines));
    return lines.join('\n');
  };

  it('must not be far ahead of that of the database', async () => {
    await expect(told(310_000)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      data: {
        reason: expect.stringMatching(/clock of this machine is 310 s ahead/),
        hint: expect.any(String),
      },
    });
  });

  it('may be a little ahead, or behind, which is said', async () => {
    expect(await told(0)).toBe('');
    expect(await told(60_000)).toMatch(/"hint":.*is ahead of that of the database/);
    expect(await told(-3_600_000)).toMatch(/"hint":.*is behind that of the database/);
  });
});

describe('doctor of the clock', () => {
  it('finds it well beside a database without a log, and with one', async () => {
    const empty = await openTestDatabase();
    try {
      expect(await examineClock(empty.sql, clock)).toMatchObject({ name: 'clock', ok: true });
    } finally {
      await empty.close();
    }
    const well = await examineClock(world.sql, clock);
    expect(well).toMatchObject({ ok: true });
    expect(well).not.toHaveProperty('mend');
  });

  it('finds it ill where a start would refuse it, and looks at smaller differences', async () => {
    expect(await examineClock(world.sql, aheadBy(310_000))).toMatchObject({
      ok: false,
      detail: expect.stringContaining('310 s ahead'),
      mend: expect.stringContaining('NTP'),
    });
    expect(await examineClock(world.sql, aheadBy(60_000))).toMatchObject({
      ok: true,
      mend: expect.any(String),
    });
  });

  it('names the newest event that it is behind', async () => {
    const audit = createAudit(auditDeps(world.sql, await world.fresh(), { clock: aheadBy(3_600_000) }));
    await audit.start();
    await audit.stop();
    expect(await examineClock(world.sql, clock)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('is before the newest event of the log'),
    });
    expect(await examineClock(world.sql, aheadBy(3_600_000 - 20_000))).toMatchObject({ ok: false });
  });
});
