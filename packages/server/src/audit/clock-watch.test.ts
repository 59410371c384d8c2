import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestLog } from '../platform/testing/test-log.js';
import { type ClockWatch, createClockWatch } from './clock-watch.js';

const NEWEST = Date.parse('2026-11-23T10:00:00.000Z');
const time = { now: NEWEST };
const lines: string[] = [];
let watch: ClockWatch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  lines.length = 0;
  time.now = NEWEST;
  const clock = { now: () => time.now, monotonic: () => 0 };
  watch = createClockWatch({ clock, log: createTestLog(lines), newestMs: () => NEWEST });
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

/** The clock is so far behind for some looks. */
function behindBy(seconds: number): void {
  time.now = NEWEST - seconds * 1_000;
  vi.advanceTimersByTime(3_000);
}
const said = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

// AUD-124
describe('a clock that is behind the newest event', () => {
  it('is named once, and once more when it has caught up', () => {
    watch.start();
    for (const seconds of [86_400, 40_000, 6, 4, 1]) behindBy(seconds);
    expect(said()).toMatchObject([
      {
        level: 'error',
        msg: 'the clock is behind the newest event of the log',
        durationMs: 86_400_000,
        hint: expect.stringContaining('set the clock'),
      },
    ]);
    behindBy(0);
    behindBy(-60);
    expect(said()).toMatchObject([
      {},
      { level: 'info', msg: 'the clock is no longer behind the newest event of the log' },
    ]);
    behindBy(60);
    expect(said()).toHaveLength(3);
  });

  it('is named at once at a start', () => {
    time.now = NEWEST - 3_600_000;
    watch.start();
    expect(said()).toHaveLength(1);
  });

  it('is not worth a word while a clock that is kept right may be corrected by as much', () => {
    watch.start();
    behindBy(5);
    expect(said()).toEqual([]);
  });

  it('makes not ready beyond the skew that is forgiven', () => {
    behindBy(30);
    watch.assertSound();
    behindBy(31);
    expect(() => watch.assertSound()).toThrow(
      expect.objectContaining({
        code: 'UNAVAILABLE',
        data: { reason: 'the clock is 31 s behind the newest event of the log', hint: expect.any(String) },
      }),
    );
    expect(watch.behindMs()).toBe(31_000);
    behindBy(-5);
    watch.assertSound();
    expect(watch.behindMs()).toBe(0);
  });
});
