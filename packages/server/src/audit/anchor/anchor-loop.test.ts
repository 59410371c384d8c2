import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { clock } from '../../platform/system.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { type AnchorLoop, createAnchorLoop } from './anchor-loop.js';
import type { AnchorRow, AnchorStore } from './anchor-store.js';
import type { Anchorer, AnchorProgress } from './anchorer.js';

const loops: AnchorLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

/** A loop over a log that grows all the time, at a place that never comes to an end; what it did. */
function startLoop(pace: Pick<Anchorer, 'everyMs' | 'pollMs'>, progress: () => AnchorProgress) {
  const rows: AnchorRow[] = [];
  const followed: number[] = [];
  let size = 0;
  const store: Partial<AnchorStore> = {
    open: async () => [...rows],
    newestAt: async () => undefined,
    confirmed: async () => undefined,
    newestImported: async () => undefined,
    lastBegun: async () => rows.at(-1),
    begin: async (_, head, begunMs) => {
      const row = { ...head, begunMs, state: undefined, version: 1 };
      rows.push(row);
      return row;
    },
  };
  const anchorer: Anchorer = {
    ...pace,
    place: 'opentimestamps',
    kind: 'opentimestamps',
    maxOpen: 24,
    follow: async (anchor) => {
      followed.push(anchor.size);
      return progress();
    },
    holds: async () => true,
    knows: async () => undefined,
    look: async () => ({ alarms: [], blind: undefined, unseen: 0 }),
  };
  const loop = createAnchorLoop(anchorer, {
    anchored: { origin: 'log.test', size: () => ++size, rootAt: async () => '' },
    store: store as AnchorStore,
    clock,
    log: createTestLog(),
    timeOf: async () => 0,
  });
  loops.push(loop);
  loop.start();
  return { rows, followed };
}

const waiting = (): AnchorProgress => ({ kind: 'waiting' });

// AUD-40
describe('an anchor loop', () => {
  it('begins as often as everySeconds says, though it looks at open anchors less often', async () => {
    const { rows, followed } = startLoop({ everyMs: 100, pollMs: 3_600_000 }, waiting);
    await expect.poll(() => rows.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(4);
    // Nobody is asked again what came of the first ones: that has its own time.
    expect(new Set(followed).size).toBe(followed.length);
    for (const [i, row] of rows.entries())
      if (i > 0) expect(row.begunMs - (rows[i - 1] as AnchorRow).begunMs).toBeGreaterThanOrEqual(100);
  });

  it('looks at open anchors as often as it is to, and begins none before its time', async () => {
    const { rows, followed } = startLoop({ everyMs: 3_600_000, pollMs: 20 }, waiting);
    await expect.poll(() => followed.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(4);
    expect(rows).toHaveLength(1);
  });

  it('tries again what failed before its time comes', async () => {
    let failed = false;
    const { followed } = startLoop({ everyMs: 3_600_000, pollMs: 3_600_000 }, () => {
      if (failed) return waiting();
      failed = true;
      throw new Error('no');
    });
    await sleep(100);
    await expect.poll(() => followed.length, { timeout: 5_000 }).toBe(2);
  });
});
