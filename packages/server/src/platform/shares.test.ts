import { describe, expect, it } from 'vitest';
import { createShares } from './shares.js';

describe('shares', () => {
  it('leave room for others when one address holds all it may', () => {
    const shares = createShares({ all: 3, perAddress: 2 });
    expect(['a', 'a', 'a', 'b', 'c'].map(shares.take)).toEqual([true, true, false, true, false]);
    shares.give('a');
    expect(['c', 'a'].map(shares.take)).toEqual([true, false]);
  });

  it('never grow by giving back what was not taken', () => {
    const shares = createShares({ all: 1, perAddress: 1 });
    shares.give('a');
    expect(['a', 'b'].map(shares.take)).toEqual([true, false]);
  });
});
