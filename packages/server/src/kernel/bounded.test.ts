import { expect, it } from 'vitest';
import { createBoundedMap, createBoundedSet } from './bounded.js';

it('forgets the entry that was used longest ago', () => {
  const map = createBoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size()]).toEqual([1, undefined, 3, 2]);
  map.set('a', 4);
  expect([map.get('a'), map.size()]).toEqual([4, 2]);
  map.delete('a');
  expect([map.get('a'), map.size()]).toEqual([undefined, 1]);
});

it('never grows beyond its capacity', () => {
  const set = createBoundedSet(8);
  for (let index = 0; index < 1_000; index += 1) set.add(String(index));
  const held = Array.from({ length: 1_000 }, (_, index) => String(index)).filter(set.has);
  expect(held).toHaveLength(8);
});
