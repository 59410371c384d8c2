import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPackage, placeBinaries, preparePostgresBinaries } from './postgres-binaries.js';
import { findPostgresOwner } from './postgres-owner.js';

const run = promisify(execFile);
const stranger = { uid: 4242, gid: 4242, foreign: true };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-bin-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('uses the installed package where the owner reaches it, libraries linked', async () => {
  const owner = await findPostgresOwner(undefined);
  const { source } = await findPackage();
  const place = await preparePostgresBinaries(join(folder, 'unused'), owner);
  if (place !== source) return;
  expect((await run(join(place, 'bin/postgres'), ['--version'])).stdout).toMatch(/PostgreSQL\) 18\./);
});

it('copies them, readable by all, if the package is closed to the owner, and only once', async () => {
  const { source } = await findPackage();
  const closed = join(folder, 'closed');
  await cp(source, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
  await chmod(closed, 0o700);
  const copies = join(folder, 'copies');
  const place = await placeBinaries({ source: join(closed, 'native'), version: '1-test' }, copies, stranger);
  expect(place).toBe(join(copies, '1-test'));
  expect((await run(join(place, 'bin/postgres'), ['--version'])).stdout).toMatch(/PostgreSQL\) 18\./);

  await rm(closed, { recursive: true });
  await chmod(folder, 0o700);
  // Whoever runs this reaches what he installed.
  const us = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, foreign: true };
  const other = await placeBinaries({ source, version: '2-test' }, copies, us);
  expect(other).toBe(source);
  expect(await readdir(copies)).toEqual(['1-test']);
});
