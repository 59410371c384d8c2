import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { watchWork } from './watched-work.js';

const gone = () => new Error('gone');
const never = new Promise<never>(() => undefined);

it('gives what the work gives, and throws what it throws', async () => {
  const { within } = watchWork(never, 60_000, gone);
  expect(await within(Promise.resolve(1))).toBe(1);
  await expect(within(Promise.reject(new Error('own')))).rejects.toThrow('own');
});

it('ends all that is under way once what it needs is gone, and all that comes', async () => {
  let lose: () => void = () => undefined;
  const { within } = watchWork(new Promise<void>((resolve) => (lose = resolve)), 60_000, gone);
  const under = [within(never), within(never)];
  lose();
  for (const work of [...under, within(never)]) await expect(work).rejects.toThrow('gone');
});

it('ends what takes too long', async () => {
  await expect(watchWork(never, 5, gone).within(never)).rejects.toThrow('gone');
});

it('keeps nothing of what is done, though what it needs is there for good', async () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const { within } = watchWork(never, 60_000, gone);
  const made = async (): Promise<WeakRef<object>> => {
    const value = { some: 'value' };
    await within(Promise.resolve(value));
    return new WeakRef(value);
  };
  const ref = await made();
  await expect
    .poll(() => {
      collect();
      return ref.deref() === undefined;
    })
    .toBe(true);
});
