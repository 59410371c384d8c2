import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../io.js';
import { createTestCli, type TestCli } from '../testing/cli.js';
import { createStateFile } from './watch-state.js';

let cli: TestCli;
const open = () => createStateFile({ cwd: cli.folder } as Io, 'watch.json');
const path = (): string => join(cli.folder, 'watch.json');
const did = 'did:key:z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2';
/** What the walk of a monitor knows of the counts of a log. */
const counts = {
  from: 0,
  isWhole: true,
  endings: [[did, 1] as [string, number]],
  subjects: [[did, [0, 2]] as [string, number[]]],
  targets: [[did, [1]] as [string, number[]]],
};
/** And of whom events must be booked on. */
const bookings = {
  isWhole: true,
  chains: [['ab'.repeat(21).concat('c'), 'cd'.repeat(32)] as [string, string]],
  calls: [['evt_01890000-0000-7000-8000-000000000000', 'cd'.repeat(32)] as [string, string]],
};
const seen = (fresh: number) => ({
  format: 'talos-watch-v1' as const,
  monitor: {
    origin: 'log.example/log',
    note: null,
    fresh,
    witnessed: 0,
    failing: [],
    ahead: [],
    proven: [],
    walk: {
      next: 0,
      boot: 0,
      tenant: null,
      emitters: [],
      subjects: [],
      partial: false,
      // What was kept by earlier programs has none, or only the first.
      ...(fresh === 1 ? {} : { counts }),
      ...(fresh === 3 ? { bookings } : {}),
    },
  },
  raised: [],
  waiting: [],
});

beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

describe('the state file of a monitor', () => {
  it('is read as it was written, and written on', async () => {
    const file = open();
    expect(await file.read()).toBeUndefined();
    await file.write(seen(1));
    await file.write(seen(2));
    const next = open();
    expect(await next.read()).toEqual(seen(2));
    await next.write(seen(3));
    expect(await open().read()).toEqual(seen(3));
  });

  it('serves one monitor: what another wrote is not written over', async () => {
    const one = open();
    const other = open();
    await one.read();
    await other.read();
    await one.write(seen(1));
    const lost = { code: 'CONFLICT', data: { hint: expect.stringContaining('--state') } };
    await expect(other.write(seen(2))).rejects.toMatchObject(lost);
    await expect(other.write(seen(1))).rejects.toMatchObject(lost);
    expect(await open().read()).toEqual(seen(1));
    rmSync(path());
    await expect(one.write(seen(3))).rejects.toMatchObject(lost);
  });

  it('is not begun anew over what is no state of a monitor', async () => {
    writeFileSync(path(), '{"format":"talos-watch-v1"}');
    const file = open();
    await expect(file.read()).rejects.toMatchObject({
      code: 'MALFORMED',
      data: { reason: expect.stringContaining('watch.json') },
    });
    await expect(file.write(seen(1))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(readFileSync(path(), 'utf8')).toBe('{"format":"talos-watch-v1"}');
  });
});
