import { describe, expect, it } from 'vitest';
import { createMemberOrders } from './member-order.js';
import { encodeUtf8 } from './utf8.js';

/** Orders, and how often a label was made. */
function openOrders() {
  let made = 0;
  const orders = createMemberOrders((name, isFirst) => {
    made += 1;
    return encodeUtf8(`${isFirst}${name}`);
  });
  const madeFor = (names: readonly string[]): number => {
    const before = made;
    expect(orders(names).names).toEqual([...names].sort());
    return made - before;
  };
  return { orders, madeFor };
}

describe('orders of members', () => {
  it('are worked out once for each list of names', () => {
    const { orders, madeFor } = openOrders();
    expect(orders(['b', 'a'])).toMatchObject({
      names: ['a', 'b'],
      labels: [encodeUtf8('truea'), encodeUtf8('falseb')],
    });
    expect(madeFor(['b', 'a'])).toBe(0);
    expect(madeFor(['a', 'b'])).toBe(2);
    expect(madeFor(['b'])).toBe(1);
  });

  it("are right for lists that take each other's place", () => {
    const { madeFor } = openOrders();
    for (let round = 0; round < 2; round++) {
      expect(madeFor(['a', 'x', 'b'])).toBe(3);
      expect(madeFor(['a', 'y', 'b'])).toBe(3);
    }
    // Of two names and of 258: one place, and the first and the last are alike.
    const many = ['a', ...Array.from({ length: 256 }, (_, i) => `n${i}`), 'b'];
    expect(madeFor(['a', 'b'])).toBe(2);
    expect(madeFor(many)).toBe(258);
    expect(madeFor(['a', 'b'])).toBe(0);
  });

  it('of long lists and long names are not kept', () => {
    const { madeFor } = openOrders();
    const names = Array.from({ length: 41 }, (_, i) => `n${i}`);
    expect([madeFor(names), madeFor(names)]).toEqual([41, 41]);
    expect([madeFor(names.slice(1)), madeFor(names.slice(1))]).toEqual([40, 0]);
    const long = 'n'.repeat(33);
    expect([madeFor([long]), madeFor([long])]).toEqual([1, 1]);
    expect([madeFor([long.slice(1)]), madeFor([long.slice(1)])]).toEqual([1, 0]);
  });

  it('may hold a name without a character', () => {
    expect(openOrders().madeFor([''])).toBe(1);
  });
});
