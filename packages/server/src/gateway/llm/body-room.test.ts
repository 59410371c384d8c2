import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBodyRoom } from './body-room.js';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

// LLM-1
describe('large bodies', () => {
  it('never take more than there is, nor several of one caller more than a quarter, and give back all they took', () => {
    const step = fc.tuple(fc.nat(7), fc.option(fc.nat(60), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const room = createBodyRoom(100);
        // Two of each of four callers.
        const shares = Array.from({ length: 8 }, () => room.enter());
        const taken = Array.from({ length: 8 }, () => 0);
        for (const [who, bytes] of steps) {
          const other = taken[who ^ 1] as number;
          const rest = sum(taken) - (taken[who] as number);
          if (bytes === undefined) {
            shares[who]?.leave();
            taken[who] = 0;
            continue;
          }
          const fault = shares[who]?.grow(bytes, `caller ${who >> 1}`);
          const grows = bytes > (taken[who] as number);
          if (fault === undefined) taken[who] = bytes;
          const isBeyond = grows && other > 0 && other + bytes > 25;
          const said = isBeyond ? 'RATE_LIMITED' : grows && rest + bytes > 100 ? 'UNAVAILABLE' : undefined;
          expect(fault?.code).toBe(said);
        }
        for (const share of shares) share.leave();
        expect(room.enter().grow(100, 'caller 0')).toBeUndefined();
      }),
    );
  });

  it('of one caller that asks for everything leave room for those of others', () => {
    const room = createBodyRoom(100);
    const greedy = Array.from({ length: 50 }, () => room.enter());
    const faults = greedy.map((share) => share.grow(5, 'greedy'));
    expect(faults.filter((fault) => fault === undefined)).toHaveLength(5);
    expect(faults.at(-1)).toMatchObject({
      code: 'RATE_LIMITED',
      data: { hint: expect.stringContaining('one after the other') },
    });
    expect(room.enter().grow(60, 'another')).toBeUndefined();
    for (const share of greedy) share.leave();
    expect(room.enter().grow(25, 'greedy')).toBeUndefined();
  });
});
