import { describe, expect, it } from 'vitest';
import { createSharedRead } from './shared-read.js';

/** A source whose reads answer when they are told to. */
function source() {
  const reads: { name: string; answer: (value: number) => void; fail: (error: Error) => void }[] = [];
  const read = createSharedRead<number>(
    (name) => new Promise((answer, fail) => void reads.push({ name, answer, fail })),
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { reads, read, settled };
}

describe('reads that are shared', () => {
  it('give nobody an answer that is older than the question', async () => {
    const { reads, read, settled } = source();
    const first = read('a');
    const [second, third] = [read('a'), read('a')];
    expect(reads.length).toBe(1);
    reads[0]?.answer(1);
    await settled();
    expect([await first, reads.length]).toEqual([1, 2]);
    const fourth = read('a');
    reads[1]?.answer(2);
    await settled();
    expect([await second, await third, reads.length]).toEqual([2, 2, 3]);
    reads[2]?.answer(3);
    expect(await fourth).toBe(3);
    await settled();
    void read('a');
    expect(reads.length).toBe(4);
  });

  it('are apart by name', () => {
    const { reads, read } = source();
    void read('a');
    void read('b');
    expect(reads.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('fail for those who share them, and not for the next', async () => {
    const { reads, read, settled } = source();
    const first = read('a').catch(String);
    const second = read('a');
    reads[0]?.fail(new Error('gone'));
    expect(await first).toBe('Error: gone');
    await settled();
    reads[1]?.answer(2);
    expect(await second).toBe(2);
  });
});
