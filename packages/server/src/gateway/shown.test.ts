import { expect, it } from 'vitest';
import { shown } from './shown.js';

it.each([
  ['text', 'text'],
  [undefined, 'undefined'],
  [null, 'null'],
  [1.5, '1.5'],
  [true, 'true'],
  [['a', 1], '["a",1]'],
  [{ toString: null, valueOf: 1, toJSON: 2 }, '{"toString":null,"valueOf":1,"toJSON":2}'],
])('shows %j', (value, text) => {
  expect(shown(value)).toBe(text);
});
