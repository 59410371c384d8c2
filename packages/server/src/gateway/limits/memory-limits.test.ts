import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryLimits } from './memory-limits.js';
import type { Demand } from './rate-limits.js';

describe('rate limits in process', () => {
  it('LIM-2 never let more pass than a burst and what flows, over any span of time', async () => {
    const step = fc.record({ wait: fc.nat({ max: 4_000 }), amount: fc.integer({ min: 1, max: 20 }) });
    const rate = fc.record({
      capacity: fc.integer({ min: 20, max: 100 }),
      perMinute: fc.integer({ min: 1, max: 3_000 }),
    });
    await fc.assert(
      fc.asyncProperty(rate, fc.array(step, { maxLength: 80 }), async ({ capacity, perMinute }, steps) => {
        let now = 0;
        const limits = createMemoryLimits(() => now);
        const passed: { at: number; amount: number }[] = [];
        for (const { wait, amount } of steps) {
          now += wait;
          const demand: Demand = { kind: 'requests', key: 'k', capacity, perMinute, amount };
          if ((await limits.take('l', [demand])).missing === undefined) passed.push({ at: now, amount });
        }
        for (const [first, { at: begin }] of passed.entries()) {
          let sum = 0;
          for (const { at, amount } of passed.slice(first)) {
            sum += amount;
            expect(sum).toBeLessThanOrEqual(capacity + ((at - begin) * perMinute) / 60_000 + 0.01);
          }
        }
      }),
    );
  });

  it('forget the counter that was used longest ago, and no place that is taken', async () => {
    const limits = createMemoryLimits(() => 0);
    const one = (key: string): Demand => ({ kind: 'requests', key, capacity: 2, perMinute: 1, amount: 1 });
    const place: Demand = { ...one('p'), kind: 'concurrent', capacity: 1 };
    await limits.take('held', [place]);
    await limits.take('a', [one('a')]);
    await limits.take('b', [one('b')]);
    for (let others = 0; others < 99_999; others += 1) await limits.take('x', [one(`x${others}`)]);
    expect((await limits.take('a', [one('a')])).left).toEqual([1]);
    expect((await limits.take('more', [place])).missing?.index).toBe(0);
  });
});
