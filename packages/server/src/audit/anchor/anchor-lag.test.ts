import { describe, expect, it } from 'vitest';
import { createAnchorLag } from './anchor-lag.js';

const START = 1_790_000_000_000;

/** A log whose events have these times, in seconds after the start. */
function lagOf(times: readonly (number | undefined)[]) {
  const state = {
    now: START,
    size: 0,
    asked: 0,
    confirmed: undefined as { readonly size: number; readonly begunMs: number } | undefined,
  };
  const lag = createAnchorLag({
    anchored: { size: () => state.size },
    clock: { now: () => state.now },
    timeOf: async (index) => {
      state.asked += 1;
      const seconds = times[index];
      return seconds === undefined ? undefined : START + seconds * 1_000;
    },
    confirmed: () => state.confirmed,
  });
  const at = async (seconds: number, size: number) => {
    Object.assign(state, { now: START + seconds * 1_000, size });
    await lag.look();
    return lag.now();
  };
  return { state, lag, at };
}

// AUD-40
describe('the lag of an anchor', () => {
  it('counts from the oldest event that is not anchored, not from the last anchor', async () => {
    const { state, at } = lagOf([0, 1, 1_791, 1_795]);
    expect(await at(1, 2)).toEqual({ entries: 2, seconds: 1 });
    state.confirmed = { size: 2, begunMs: START + 2_000 };
    expect(await at(1_790, 2)).toEqual({ entries: 0, seconds: 0 });
    expect(await at(1_800, 4)).toEqual({ entries: 2, seconds: 9 });
    expect(await at(1_810, 4)).toEqual({ entries: 2, seconds: 19 });
    // Each is asked for once.
    expect(state.asked).toBe(2);
    state.confirmed = { size: 3, begunMs: START + 1_805_000 };
    expect(await at(1_815, 4)).toEqual({ entries: 1, seconds: 20 });
  });

  it('is that of events which were there before the start', async () => {
    const { at } = lagOf([-500]);
    expect(await at(0, 1)).toEqual({ entries: 1, seconds: 500 });
  });

  it('is bounded by when all was anchored, until the time is found out or where it cannot be', async () => {
    const { state, lag, at } = lagOf([0, undefined]);
    state.confirmed = { size: 1, begunMs: START };
    await at(600, 1);
    Object.assign(state, { now: START + 603_000, size: 2 });
    expect(lag.now()).toEqual({ entries: 1, seconds: 3 });
    expect(await at(604, 2)).toEqual({ entries: 1, seconds: 4 });
    expect(await at(634, 2)).toEqual({ entries: 1, seconds: 34 });
  });
});
