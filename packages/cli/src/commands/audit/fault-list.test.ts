import { describe, expect, it } from 'vitest';
import { createFaultList } from './fault-list.js';

describe('the faults of a log', () => {
  it('are all counted, and the first thousand kept', () => {
    const list = createFaultList();
    for (let index = 0; index < 1_500; index += 1) list.add({ where: 'tile/0/000', index, what: 'differs' });
    expect(list.count).toBe(1_500);
    expect(list.faults.map(({ index }) => index)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });
});
