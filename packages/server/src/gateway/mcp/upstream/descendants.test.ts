import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { descendantsOf, killDescendants } from './descendants.js';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

describe.skipIf(process.platform !== 'linux')('the descendants of a process', () => {
  it('are found and ended, but not what runs under the number of one that is gone', async () => {
    child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const found = descendantsOf(process.pid).filter(({ pid }) => pid === child?.pid);
    expect(found).toHaveLength(1);
    killDescendants(found.map(({ pid }) => ({ pid, began: '1' })));
    expect(descendantsOf(process.pid)).toContainEqual(found[0]);
    const ended = once(child, 'exit');
    killDescendants(found);
    expect(await ended).toEqual([null, 'SIGKILL']);
    killDescendants(found);
  });

  it('are none of a process that is not there', () => {
    expect(descendantsOf(2 ** 30)).toEqual([]);
  });
});
