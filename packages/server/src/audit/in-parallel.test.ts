import { expect, it } from 'vitest';
import { inParallel } from './in-parallel.js';

it('gives the results in the order of the items, however long each takes', async () => {
  const work = async (wait: number): Promise<number> => {
    for (let i = 0; i < wait; i++) await Promise.resolve();
    return wait;
  };
  expect(await inParallel([30, 1, 20, 2], 2, work)).toEqual([30, 1, 20, 2]);
});

it('begins nothing after a failure, and throws it once what was begun has ended', async () => {
  const begun: number[] = [];
  let end = (): void => undefined;
  const slow = new Promise<void>((resolve) => {
    end = resolve;
  });
  let isSettled = false;
  const all = inParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('the second');
    await slow;
  }).finally(() => {
    isSettled = true;
  });
  const refused = expect(all).rejects.toThrow('the second');
  await new Promise(setImmediate);
  expect([begun, isSettled]).toEqual([[1, 2], false]);
  end();
  await refused;
  expect(begun).toEqual([1, 2]);
});
