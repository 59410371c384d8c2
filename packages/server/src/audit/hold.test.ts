import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clock } from '../platform/system.js';
import { createTestLog } from '../platform/testing/test-log.js';
import { createHold, type Hold } from './hold.js';
import { type Lead, takeLead } from './lead.js';
import { type AuditWorld, gateway, openAuditWorld } from './testing/room.js';

let world: AuditWorld;
beforeAll(async () => {
  world = await openAuditWorld();
});
beforeEach(() => world.fresh());
afterAll(() => world?.close());

const identity = { origin: 'talos.test/log/default', vkey: 'key', emitter: gateway.did, tenant: 'default' };
const take = (waitMs = 5_000): Promise<Lead> =>
  takeLead({ sql: world.sql, clock, identity, start: false, waitMs });

/** A hold that has taken the log again, and waits for the end of what is done with it before it counts. */
async function openHold(): Promise<{ hold: Hold; again: Promise<boolean>; proceed: () => void }> {
  const first = await take();
  let proceed = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  let again: Promise<boolean> = Promise.resolve(false);
  let hold: Hold | undefined;
  await new Promise<void>((taken) => {
    const takeSlowly = async (): Promise<Lead> => {
      const lead = await take();
      taken();
      await gate;
      return lead;
    };
    hold = createHold({ clock, log: createTestLog(), take: takeSlowly, onLost: () => undefined }, first);
    again = hold.takeAgain(5_000);
  });
  return { hold: hold!, again, proceed };
}

describe('the hold on the log', () => {
  it('is taken again', async () => {
    const { hold, again, proceed } = await openHold();
    expect(hold.isUp()).toBe(false);
    proceed();
    expect(await again).toBe(true);
    expect(hold.isUp()).toBe(true);
    await expect(take(0)).rejects.toMatchObject({ code: 'CONFLICT' });
    await hold.close();
    await (await take()).close();
  });

  it.each(['close', 'giveUp'] as const)('keeps no lock that it gets after %s', async (end) => {
    const { hold, again, proceed } = await openHold();
    await hold[end]();
    proceed();
    expect(await again).toBe(false);
    expect(hold.isUp()).toBe(false);
    await (await take(1_000)).close();
  });
});
