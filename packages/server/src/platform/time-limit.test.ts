import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startTimeLimit } from './time-limit.js';

describe('a time limit', () => {
  it('aborts when its time is over, and says that this was why', async () => {
    const outer = new AbortController();
    const limit = startTimeLimit(5, outer.signal);
    expect([limit.signal.aborted, limit.isOver()]).toEqual([false, false]);
    await expect.poll(() => limit.signal.aborted).toBe(true);
    expect([limit.isOver(), outer.signal.aborted]).toEqual([true, false]);
  });

  it('aborts with the other signal, also if that aborted before', () => {
    const outer = new AbortController();
    const before = startTimeLimit(60_000, outer.signal);
    outer.abort();
    const after = startTimeLimit(60_000, outer.signal);
    expect([before, after].map(({ signal, isOver }) => [signal.aborted, isOver()])).toEqual([
      [true, false],
      [true, false],
    ]);
    before.end();
    after.end();
  });

  it('tells on why the other one aborted', () => {
    const outer = new AbortController();
    const limit = startTimeLimit(60_000, outer.signal);
    const reason = new Error('revoked');
    outer.abort(reason);
    expect(limit.signal.reason).toBe(reason);
    limit.end();
  });

  it('leaves nothing on a signal that lives on, however often', () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 100; i += 1) startTimeLimit(60_000, signal).end();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
