import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReplayWindow, isWindowWidth, WINDOW_WIDTHS, type WindowVerdict } from './window.js';

/** SES-9 read aloud, with a set that forgets nothing. */
function createReference(width: number) {
  const used = new Set<number>();
  let highest = 0;
  const check = (seq: number): WindowVerdict => {
    if (used.has(seq) && seq > highest - width) return 'seen';
    return seq <= highest - width ? 'below_window' : 'fresh';
  };
  return {
    check,
    mark(seq: number): WindowVerdict {
      const verdict = check(seq);
      if (verdict === 'fresh') {
        used.add(seq);
        highest = Math.max(highest, seq);
      }
      return verdict;
    },
  };
}

const MAX = Number.MAX_SAFE_INTEGER;

describe.each(WINDOW_WIDTHS)('replay window of %i (SES-9)', (width) => {
  it('gives the same verdicts as a set that forgets nothing', () => {
    const near = fc.integer({ min: 1, max: 4 * width });
    const jump = fc.oneof(
      { weight: 8, arbitrary: near },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: MAX }) },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(jump, fc.boolean()), { maxLength: 600 }), (steps) => {
        const window = createReplayWindow(width);
        const reference = createReference(width);
        for (const [seq, only] of steps) {
          const ours = only ? window.check(seq) : window.mark(seq);
          expect(ours).toBe(only ? reference.check(seq) : reference.mark(seq));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('walks the same way when every number is near the highest', () => {
    const step = fc.integer({ min: -width - 2, max: width + 2 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const window = createReplayWindow(width);
        const reference = createReference(width);
        for (const step of steps) {
          const seq = Math.max(1, window.highest() + step);
          expect(window.mark(seq)).toBe(reference.mark(seq));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('accepts each number of a shuffled half window exactly once', () => {
    const numbers = Array.from({ length: width / 2 }, (_, i) => i + 1);
    fc.assert(
      fc.property(fc.shuffledSubarray(numbers, { minLength: numbers.length }), (order) => {
        const window = createReplayWindow(width);
        expect(order.map((seq) => window.mark(seq)).every((verdict) => verdict === 'fresh')).toBe(true);
        expect(order.map((seq) => window.mark(seq)).every((verdict) => verdict === 'seen')).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('draws the line exactly at highest - width', () => {
    const window = createReplayWindow(width);
    window.mark(width + 10);
    expect(window.check(10)).toBe('below_window');
    expect(window.check(11)).toBe('fresh');
    expect(window.mark(11)).toBe('fresh');
    expect(window.mark(11)).toBe('seen');
  });

  it('does not mark when it only checks', () => {
    const window = createReplayWindow(width);
    expect(window.check(5)).toBe('fresh');
    expect(window.highest()).toBe(0);
    expect(window.mark(5)).toBe('fresh');
    expect(window.check(5)).toBe('seen');
  });

  it('forgets a full turn of the ring', () => {
    const window = createReplayWindow(width);
    for (let seq = 1; seq <= width; seq++) window.mark(seq);
    expect(window.mark(2 * width)).toBe('fresh');
    for (let seq = width + 1; seq < 2 * width; seq++) expect(window.check(seq)).toBe('fresh');
    expect(window.check(width)).toBe('below_window');
  });

  it('counts up to 2^53 - 1', () => {
    const window = createReplayWindow(width);
    expect(window.mark(MAX)).toBe('fresh');
    expect(window.mark(MAX)).toBe('seen');
    expect(window.mark(MAX - width + 1)).toBe('fresh');
    expect(window.mark(MAX - width)).toBe('below_window');
    expect(window.mark(1)).toBe('below_window');
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses %d', (seq) => {
    const window = createReplayWindow(width);
    expect(window.mark(seq)).toBe('below_window');
    expect(window.highest()).toBe(0);
  });
});

it('knows its widths', () => {
  expect([256, 1024, 255, 0, '256', undefined].map(isWindowWidth)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
