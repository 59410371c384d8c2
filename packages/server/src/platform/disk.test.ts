import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.js';
import { createDisk } from './disk.js';
import { startPostgres } from './postgres.js';
import { createReaper } from './reaper.js';
import { createSql } from './sql.js';
import { clock, random } from './system.js';
import { createTestLog } from './testing/test-log.js';

const MB = 1024 * 1024;
let at = 0;
const stepped = { now: () => at, monotonic: () => at };

describe('the disk reserve', () => {
  it('refuses writes while the room left cannot be read', async () => {
    const disk = createDisk(join(tmpdir(), 'no-such-folder'), 0, stepped);
    await expect(disk.assertWritable()).rejects.toMatchObject({ code: 'DISK_FULL' });
  });

  it('lets writes pass above it', async () => {
    await expect(createDisk(tmpdir(), 1, stepped).assertWritable()).resolves.toBeUndefined();
  });
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')('on a disk that fills up', () => {
  it('writes are refused below the reserve, reads go on, nothing is lost, and room brings writes back', async (context) => {
    const path = mkdtempSync(join(tmpdir(), 'talos-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=0755', 'talos-test', path], {
        stdio: 'ignore',
      });
    } catch {
      rmSync(path, { recursive: true });
      context.skip('mounting is not permitted here');
    }
    const reaper = createReaper();
    const log = createTestLog();
    try {
      const data = join(path, 'data');
      const folder = await openDataFolder({ dataFolder: data, diskReserve: 32 * MB }, stepped);
      const postgres = await startPostgres({ folder, reaper, clock, random, log });
      const sql = createSql({ address: postgres.address });
      await sql.query('CREATE TABLE kept (n bigint)');
      await folder.disk.assertWritable();
      await sql.query('INSERT INTO kept SELECT generate_series(1, 1000)');

      const room = await folder.disk.free();
      writeFileSync(join(path, 'filler'), Buffer.alloc(room - 20 * MB));
      at += 1_000;
      await expect(folder.disk.assertWritable()).rejects.toMatchObject({ code: 'DISK_FULL' });
      expect(await sql.query('SELECT count(*) AS n, sum(n)::bigint AS total FROM kept')).toEqual([
        { n: 1000, total: 500500 },
      ]);

      // A writer that would not ask first runs into the wall; what was committed survives it.
      const reckless = sql.query('INSERT INTO kept SELECT generate_series(1, 2000000)');
      await expect(reckless).rejects.toMatchObject({ code: expect.stringMatching(/DISK_FULL|UNAVAILABLE/) });
      rmSync(join(path, 'filler'));
      at += 1_000;
      await folder.disk.assertWritable();
      await sql.close();
      await postgres.stop(5_000);

      const again = await startPostgres({ folder, reaper, clock, random, log });
      const reopened = createSql({ address: again.address });
      expect(await reopened.query('SELECT count(*) AS n FROM kept')).toEqual([{ n: 1000 }]);
      await reopened.close();
      await again.stop(5_000);
      await folder.release();
    } finally {
      await reaper.close();
      execFileSync('umount', ['-l', path]);
      chmodSync(path, 0o700);
      rmSync(path, { recursive: true });
    }
  });
});
