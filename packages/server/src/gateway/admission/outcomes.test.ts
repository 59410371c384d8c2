import { describe, expect, it, vi } from 'vitest';
import { createMemoryLog } from '../mcp/upstream/testing/deps.js';
import { createOutcomeQueue } from './outcomes.js';

describe('the outcome queue', () => {
  it('refuses a call when so many run or wait, and takes one when a place is given back', () => {
    const queue = createOutcomeQueue(() => 2, createMemoryLog());
    const first = queue.reserve();
    queue.reserve();
    expect(() => queue.reserve()).toThrow('too many calls');
    first.giveBack();
    first.giveBack();
    expect(queue.size).toBe(1);
    queue.reserve();
  });

  it('tries again until the outcome is recorded, and drains only then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] });
    try {
      const queue = createOutcomeQueue(() => 1, createMemoryLog());
      let tries = 0;
      const place = queue.reserve();
      place.follow(async () => {
        tries += 1;
        if (tries < 3) throw new Error('down');
      });
      place.giveBack();
      const drained = queue.drain(10_000);
      expect(() => queue.reserve()).toThrow();
      await vi.advanceTimersByTimeAsync(200);
      expect([await drained, tries, queue.size]).toEqual([true, 3, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(['before', 'during'] as const)(
    'waits for nothing once it was given up %s the drain',
    async (when) => {
      const queue = createOutcomeQueue(() => 1, createMemoryLog());
      let tries = 0;
      queue.reserve().follow(async () => {
        tries += 1;
        throw new Error('down');
      });
      await vi.waitFor(() => expect(tries).toBe(1));
      if (when === 'before') queue.giveUp();
      const drained = queue.drain(10_000);
      queue.giveUp();
      expect(await drained).toBe(false);
      // The try that was planned is the last one, and gives the place back.
      await vi.waitFor(() => expect(queue.size).toBe(0));
      expect(tries).toBe(2);
    },
  );

  it('gives up waiting at its limit', async () => {
    const queue = createOutcomeQueue(() => 1, createMemoryLog());
    queue.reserve();
    expect(await queue.drain(5)).toBe(false);
  });
});
