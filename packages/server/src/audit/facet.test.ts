import { describe, expect, it } from 'vitest';
import { facetOf } from './facet.js';
import { columnsOf } from './finished-event.js';
import { decision, outcome } from './testing/room.js';

const usd = (amount: number) => ({ amount, currency: 'USD' });

// AUD-65, AUD-121
describe('an outcome', () => {
  it('is found by all that it came to, also beyond what was held', () => {
    const plain = outcome(decision());
    const paid = { ...plain, members: { ...plain.members, cost: usd(60), excess: usd(940) } };
    expect(facetOf(paid, null)).toMatchObject({ currency: 'USD', digits: 4 });
    expect(columnsOf(paid).cost).toBe(1_000);
    expect(facetOf(plain, null)).toMatchObject({ currency: null, digits: null });
    expect(columnsOf(plain).cost).toBeNull();
  });
});
