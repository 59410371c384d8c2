import { describe, expect, it } from 'vitest';
import { createEntrance } from './entrance.js';

describe('an entrance', () => {
  it('lets so many in, the others in the order in which they came, and tells when all are gone', async () => {
    const { enter, idle } = createEntrance({ inside: 2, waiting: 3 });
    const seen: string[] = [];
    const leave: (() => void)[] = [];
    const visit = (name: string) =>
      enter(async () => {
        seen.push(name);
        await new Promise<void>((resolve) => leave.push(resolve));
        return name;
      });
    await idle();
    const visits = ['a', 'b', 'c', 'd', 'e'].map(visit);
    let isIdle = false;
    const ended = idle().then(() => {
      isIdle = true;
    });
    await expect.poll(() => seen).toEqual(['a', 'b']);
    await expect(visit('f')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    for (let left = 0; left < 5; left += 1) {
      await expect.poll(() => leave.length).toBeGreaterThan(left);
      expect(isIdle).toBe(false);
      leave[left]?.();
    }
    expect(await Promise.all(visits)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    await ended;
  });

  it('is left by whoever fails, at once or later', async () => {
    const { enter, idle } = createEntrance({ inside: 1, waiting: 2 });
    const atOnce = enter(() => {
      throw new RangeError('at once');
    });
    const later = enter(async () => Promise.reject(new RangeError('later')));
    const fine = enter(async () => 'fine');
    await expect(atOnce).rejects.toThrow('at once');
    await expect(later).rejects.toThrow('later');
    expect(await fine).toBe('fine');
    await idle();
  });
});
