import { expect, test } from 'vitest';
import type { DetectorSpec } from '../detect/detector.js';
import { createScanner } from './scanner.js';

const me = { owner: 'me', isWanted: () => true };
const words = (...list: string[]): DetectorSpec => ({ kind: 'deny', words: list, patterns: [] });

test('texts are looked through in a thread, each by itself', async () => {
  const scanner = createScanner();
  const spec = words('project x');
  const [first, second] = await Promise.all([
    scanner.scan(spec, ['about Project X', 'project', 'x'], me),
    scanner.scan({ kind: 'personal', types: ['email'], country: 'US' }, ['a@b.co'], me),
  ]);
  expect(first).toEqual([[{ type: 'word', start: 6, end: 15 }], [], []]);
  expect(second).toEqual([[{ type: 'email', start: 0, end: 6 }]]);
  expect(await scanner.scan(spec, ['nothing'], me)).toEqual([[]]);
  await scanner.stop();
  await expect(scanner.scan(spec, ['late'], me)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a thread that does not answer is ended, and what waits behind it is looked at by another', async () => {
  const program = new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ texts }) => {
        if (texts[0] === 'hang') for (;;);
        if (texts[0] === 'die') process.exit(1);
        parentPort.postMessage(texts[0] === 'fail' ? undefined : texts.map(() => []));
      });`)}`,
  );
  const scanner = createScanner(300, program);
  const outcomes = await Promise.allSettled(
    ['fine', 'hang', 'after', 'die', 'fail', 'last'].map((text) => scanner.scan(words('x1'), [text], me)),
  );
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'rejected', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
  ]);
  for (const one of outcomes) {
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'UNAVAILABLE' });
  }
  await scanner.stop();
});

test('no more waits than there is room for', async () => {
  const scanner = createScanner();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 1100 }, (_, one) =>
      scanner.scan(words('x1'), ['x1'], { ...me, owner: `${one % 8}` }),
    ),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(1024);
  await scanner.stop();
});

test('nobody waits behind all that another one asks, and what nobody wants any more is not looked at', async () => {
  const scanner = createScanner();
  const done: string[] = [];
  const scan = (owner: string, isWanted = true) =>
    scanner.scan(words('x1'), ['x1'], { owner, isWanted: () => isWanted }).then(() => void done.push(owner));
  const all = [...Array.from({ length: 50 }, () => scan('greedy')), scan('modest')];
  const gone = scan('gone', false);
  await expect(gone).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await Promise.all(all);
  expect(done.indexOf('modest')).toBeLessThan(4);
  const many = await Promise.allSettled(Array.from({ length: 300 }, () => scan('one')));
  expect(many.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  await scanner.stop();
});
