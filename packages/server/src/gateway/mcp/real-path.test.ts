import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realPathOf } from './real-path.js';

let root: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'talos-real-')));
  await mkdir(join(root, 'a'));
  await mkdir(join(root, 'b'));
  await writeFile(join(root, 'b/file'), '');
  await symlink(join(root, 'b'), join(root, 'a/out'));
  await symlink('loop', join(root, 'a/loop'));
  await symlink(join(root, 'b/nothing'), join(root, 'a/dangling'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('realPathOf', () => {
  it.each([
    ['b/file', 'b/file'],
    ['a/out/file', 'b/file'],
    ['a/out/new/deep', 'b/new/deep'],
    ['a/new', 'a/new'],
  ])('%s is %s', async (path, real) => {
    expect(await realPathOf(join(root, path))).toBe(join(root, real));
  });

  it('of the root and of what is not there is itself', async () => {
    expect(await realPathOf('/')).toBe('/');
    expect(await realPathOf('/talos-nothing/x')).toBe('/talos-nothing/x');
  });

  it.each(['a/loop', 'a/loop/x', 'a/dangling', 'a/dangling/x', 'b/file/x'])('refuses %s', async (path) => {
    await expect(realPathOf(join(root, path))).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });
});
