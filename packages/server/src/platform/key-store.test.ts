import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeKeyFile } from './key-file.js';
import { createKeyStore } from './key-store.js';
import { createSecret } from './secret.js';
import { random } from './system.js';

let folder: string;
const passphrase = createSecret('correct horse battery');
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-keys-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the key store', () => {
  it('makes a seed once, mode 0600, and gives the same one ever after', async () => {
    const store = createKeyStore({ folder, random });
    const all = await Promise.all([1, 2, 3].map(() => store.loadOrCreateSeed('log')));
    const again = await createKeyStore({ folder, random }).loadOrCreateSeed('log');
    expect(new Set(all.map((seed) => seed.reveal().join()))).toEqual(new Set([again.reveal().join()]));
    expect((await stat(join(folder, 'log.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['log.key']);
    expect(JSON.stringify(all)).not.toContain(Buffer.from(again.reveal()).toString('base64url'));
  });

  it.each([
    ['readable by a group', (path: string) => chmod(path, 0o640), /chmod 600|read by others/],
    ['writable by all', (path: string) => chmod(path, 0o602), /read by others/],
    ['cut short', (path: string) => writeFile(path, '{'), /malformed/],
  ])('refuses a file that is %s', async (_, spoil, expected) => {
    const store = createKeyStore({ folder, random });
    await store.loadOrCreateSeed('log');
    await spoil(join(folder, 'log.key'));
    await expect(store.loadOrCreateSeed('log')).rejects.toThrow(expected);
  });

  it('refuses a link in place of a file, and names that leave the folder', async () => {
    const store = createKeyStore({ folder, random });
    await store.loadOrCreateSeed('log');
    await symlink(join(folder, 'log.key'), join(folder, 'gateway.key'));
    await expect(store.load('gateway')).rejects.toThrow(/is a link/);
    await expect(store.load('../log')).rejects.toThrow(RangeError);
  });

  it('encrypts a plain file once a passphrase is set, and then needs it', async () => {
    const seed = await createKeyStore({ folder, random }).loadOrCreateSeed('log');
    const sealed = createKeyStore({ folder, random, passphrase });
    expect((await sealed.loadOrCreateSeed('log')).reveal()).toEqual(seed.reveal());
    expect(await readFile(join(folder, 'log.key'), 'utf8')).toContain('"sealed"');
    expect((await sealed.loadOrCreateSeed('log')).reveal()).toEqual(seed.reveal());
    await expect(createKeyStore({ folder, random }).load('log')).rejects.toMatchObject({
      code: 'PROOF_INVALID',
    });
  });

  it('exports a backup that another folder takes in, but not over a key it has', async () => {
    const store = createKeyStore({ folder, random });
    const seed = await store.loadOrCreateSeed('log');
    const text = await store.exportKey('log', passphrase);
    await expect(store.exportKey('none', passphrase)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.importKey(text, createSecret('another one entirely'))).rejects.toMatchObject({
      code: 'PROOF_INVALID',
    });
    await rm(join(folder, 'log.key'));
    expect(await store.importKey(text, passphrase)).toBe('log');
    expect((await store.load('log'))?.reveal()).toEqual(seed.reveal());
    await rm(join(folder, 'log.key'));
    await store.loadOrCreateSeed('log');
    await expect(store.importKey(text, passphrase)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await store.names()).toEqual(['log']);
  });
});

it('replaces a file whole', async () => {
  await writeKeyFile(folder, 'a', 'one');
  await writeKeyFile(folder, 'a', 'two');
  expect([await readFile(join(folder, 'a'), 'utf8'), await readdir(folder)]).toEqual(['two', ['a']]);
});
