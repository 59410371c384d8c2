import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { clock } from '../../platform/system.js';
import { createTestLog } from '../../platform/testing/test-log.js';
import { type AnchorLoop, createAnchorLoop } from './anchor-loop.js';
import type { AnchorRow, AnchorStore, ProvenAnchor } from './anchor-store.js';
import type { Anchorer, AnchorProgress } from './anchorer.js';

const loops: AnchorLoop[] = [];
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.stop();
});

/** A loop over a log that grows all the time, at a place that never comes to an end; what it did. */
function startLoop(
  pace: Pick<Anchorer, 'everyMs' | 'pollMs'>,
  progress: () => AnchorProgress,
  came: Partial<AnchorStore & Pick<Anchorer, 'knows'>> = {},
) {
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
    ...came,
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
    knows: came.knows ?? (async () => undefined),
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
  return { rows, followed, loop };
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

/** Anchors that came with an archive, and what the chain says of each; with them, what was asked. */
function imported(answers: Readonly<Record<number, () => boolean | undefined>>) {
  const anchors = Object.keys(answers).map((size): ProvenAnchor => {
    const head = { size: Number(size), root: '' };
    const proof = { kind: 'opentimestamps' as const, origin: 'log.test', ...head, ots: '' };
    return { ...head, place: 'opentimestamps', begunMs: 0, proof, imported: true };
  });
  const asked: number[] = [];
  const accepted: ProvenAnchor[] = [];
  const came: Partial<AnchorStore & Pick<Anchorer, 'knows'>> = {
    newestImported: async (_, below = Number.POSITIVE_INFINITY) =>
      anchors.filter((one) => one.size < below && !accepted.includes(one)).at(-1),
    newestAt: async () => accepted[0],
    confirmed: async () => accepted[0],
    accept: async (anchor) => void accepted.push(anchor),
    knows: async ({ size }) => {
      asked.push(size);
      return answers[size]?.();
    },
  };
  return { came, asked };
}

// AUD-133
describe('what came with an archive', () => {
  it('is asked about one after the other, whatever comes of the one before, and then anew', async () => {
    const { came, asked } = imported({
      5: () => true,
      7: () => {
        throw new Error('no');
      },
      9: () => undefined,
    });
    const { loop } = startLoop({ everyMs: 3_600_000, pollMs: 10 }, waiting, came);
    await expect.poll(() => asked.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(5);
    expect(asked.slice(0, 5)).toEqual([9, 7, 5, 9, 7]);
    expect(loop.status()).toMatchObject({ proven: { size: 5 }, fault: undefined });
  });
});
