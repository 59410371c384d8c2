import { describe, expect, it } from 'vitest';
import { createSteadiness } from './steady-clock.js';

const HOUR = 3_600_000;

describe('a clock', () => {
  const start = () => {
    const time = { now: Date.parse('2026-11-30T12:00:00.000Z'), monotonic: 5_000 };
    const isSteady = createSteadiness({ now: () => time.now, monotonic: () => time.monotonic });
    const pass = (ms: number, shown = ms): boolean => {
      time.now += shown;
      time.monotonic += ms;
      return isSteady();
    };
    return { pass };
  };

  it('is steady once it has run evenly for an hour', () => {
    const { pass } = start();
    expect([pass(0), pass(HOUR - 1), pass(1), pass(HOUR)]).toEqual([false, false, true, true]);
  });

  it.each([
    ['ahead', 2 * 60_001],
    ['back', -60_001],
  ])('that was set %s is not, until another hour has passed', (_, step) => {
    const { pass } = start();
    expect(pass(2 * HOUR)).toBe(true);
    expect([pass(1_000, 1_000 + step), pass(HOUR - 1), pass(1)]).toEqual([false, false, true]);
  });

  it('may be set right bit by bit', () => {
    const { pass } = start();
    expect(pass(HOUR, HOUR + 59_000)).toBe(true);
  });
});
