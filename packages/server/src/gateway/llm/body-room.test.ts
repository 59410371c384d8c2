import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBodyRoom } from './body-room.js';

// LLM-1
it('large bodies never take more than there is, and give back all they took', () => {
  const step = fc.tuple(fc.nat(4), fc.option(fc.nat(60), { nil: undefined }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const room = createBodyRoom(100);
      const shares = Array.from({ length: 5 }, () => room.enter());
      const taken = [0, 0, 0, 0, 0];
      for (const [who, bytes] of steps) {
        if (bytes === undefined) {
          shares[who]!.leave();
          taken[who] = 0;
        } else if (shares[who]!.grow(bytes)) taken[who] = bytes;
        else expect(taken.reduce((sum, one) => sum + one, bytes - taken[who]!)).toBeGreaterThan(100);
        expect(taken.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(100);
      }
      for (const share of shares) share.leave();
      expect(room.enter().grow(100)).toBe(true);
    }),
  );
});
