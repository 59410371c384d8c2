import { describe, expect, it } from 'vitest';
import { readQuery } from './json-exchange.js';

describe('a query', () => {
  it('has each of its members once', () => {
    expect([...readQuery('a=1&b=%20', ['a', 'b', 'c'])]).toEqual([
      ['a', '1'],
      ['b', ' '],
    ]);
  });

  it.each([
    ['d=1', 'takes only a, b'],
    ['a=1&a=1', 'a is given twice'],
    ['b=x%00y', 'b has a NUL'],
  ])('%s is refused', (query, reason) => {
    expect(() => readQuery(query, ['a', 'b'])).toThrow(reason);
  });
});
