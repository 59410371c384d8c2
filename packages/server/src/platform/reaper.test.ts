import { execFileSync, spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { createReaper } from './reaper.js';

const groups: number[] = [];
afterEach(() => {
  for (const group of groups.splice(0)) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It is gone, as it should be.
    }
  }
});

function startGroup(): number {
  const child = spawn('/bin/sh', ['-c', 'sleep 600 & wait'], { detached: true, stdio: 'ignore' });
  groups.push(child.pid!);
  return child.pid!;
}

const isAlive = (group: number): boolean => {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
};

/** The watchdog shells of this process. */
function shells(): number[] {
  const rows = execFileSync('ps', ['-o', 'pid=,ppid=,args=', '-A']).toString().split('\n');
  return rows
    .filter((row) => row.includes(` ${process.pid} /bin/sh -c`) && row.includes('trap'))
    .map((row) => Number.parseInt(row, 10));
}

describe('the reaper', () => {
  it('leaves what it was told to forget, and everything when it is closed', async () => {
    const reaper = createReaper();
    const [forgotten, listed] = [startGroup(), startGroup()];
    reaper.addGroup(forgotten);
    reaper.addGroup(listed);
    reaper.removeGroup(forgotten);
    await reaper.close();
    expect([isAlive(forgotten), isAlive(listed)]).toEqual([true, true]);
    expect(shells()).toEqual([]);
  });

  it('comes back with its list when it is killed', async () => {
    const reaper = createReaper();
    reaper.addGroup(startGroup());
    const [first] = shells();
    process.kill(first!, 'SIGKILL');
    await expect.poll(() => shells().filter((pid) => pid !== first)).toHaveLength(1);
    await reaper.close();
  });

  it('refuses ids that mean ourselves or everybody', async () => {
    const reaper = createReaper();
    for (const id of [0, 1, -1, 1.5, Number.NaN]) expect(() => reaper.addGroup(id)).toThrow(RangeError);
    await reaper.close();
  });
});
