import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyFile, readOrCreateKeyFile, writeKeyFile } from './key-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-key-file-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('readKeyFile', () => {
  it('gives what was written, and undefined for no file', async () => {
    expect(await readKeyFile(folder, 'a')).toBeUndefined();
    await writeKeyFile(folder, 'a', 'one');
    await writeKeyFile(folder, 'a', 'two');
    expect(await readKeyFile(folder, 'a')).toBe('two');
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o600);
  });

  it.each<[string, RegExp, (path: string) => unknown]>([
    ['that others can read', /chmod 600|read by others/, (path) => chmod(path, 0o640)],
    ['that is too large', /too large/, (path) => writeFile(path, 'x'.repeat(65_537))],
    ['that is a folder', /regular file/, (path) => replace(path, () => mkdir(path))],
    [
      'that is a pipe, without waiting for a writer',
      /regular file/,
      (path) => replace(path, () => pipe(path)),
    ],
    ['that is a link to a good one', /is a link/, (path) => replace(path, () => symlink(other(), path))],
    ['that is a link to a device', /is a link/, (path) => replace(path, () => symlink('/dev/zero', path))],
  ])('refuses one %s', async (_, reason, spoil) => {
    await writeKeyFile(folder, 'a', 'secret');
    await writeKeyFile(folder, 'b', 'secret');
    await spoil(join(folder, 'a'));
    await expect(readKeyFile(folder, 'a')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringMatching(reason),
    });
  });
});

describe('readOrCreateKeyFile', () => {
  it('gives all that create it at once the same content, and leaves no draft', async () => {
    const made = await Promise.all(
      ['x', 'y', 'z'].map((text) => readOrCreateKeyFile(folder, 'a', () => text)),
    );
    expect(new Set(made).size).toBe(1);
    expect(await readdir(folder)).toEqual(['a']);
  });
});

const other = (): string => join(folder, 'b');
const pipe = (path: string) => execFileSync('mkfifo', ['-m', '600', path]);

async function replace(path: string, make: () => unknown): Promise<void> {
  await rm(path);
  await make();
}
