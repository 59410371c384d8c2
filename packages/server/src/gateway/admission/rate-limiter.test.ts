import { describe, expect, it } from 'vitest';
import { createRateLimiter } from './rate-limiter.js';

function setUp(perMinute: number) {
  let now = 0;
  const limiter = createRateLimiter(
    () => perMinute,
    () => now,
  );
  const passes = (address: string): boolean => {
    try {
      limiter.take(address);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'RATE_LIMITED' });
      return false;
    }
  };
  return { passes, wait: (ms: number) => (now += ms) };
}

describe('the limiter of addresses', () => {
  it('lets a burst pass, then the rate', () => {
    const { passes, wait } = setUp(60);
    expect(Array.from({ length: 16 }, () => passes('a')).filter(Boolean)).toHaveLength(15);
    wait(1_000);
    expect([passes('a'), passes('a')]).toEqual([true, false]);
  });

  it('never saves up more than a burst', () => {
    const { passes, wait } = setUp(60);
    passes('a');
    wait(3_600_000);
    expect(Array.from({ length: 30 }, () => passes('a')).filter(Boolean)).toHaveLength(15);
  });

  it('keeps addresses apart, and forgets the one seen longest ago', () => {
    const { passes } = setUp(1);
    expect([passes('a'), passes('a'), passes('b')]).toEqual([true, false, true]);
    for (let i = 0; i < 9_999; i++) passes(`x${i}`);
    expect(passes('b')).toBe(false);
    expect(passes('a')).toBe(true);
  });
});
