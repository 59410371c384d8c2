import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCli, type TestCli } from '../../testing/cli.js';

let cli: TestCli;
beforeEach(() => {
  cli = createTestCli();
});
afterEach(() => cli.remove());

const seedIn = (file: string): string => JSON.parse(readFileSync(file, 'utf8')).seed;

describe('talos id', () => {
  it('makes an identity whose key only its owner can read, and never prints the key', async () => {
    const made = await cli.run(['id', 'create', 'researcher', '--json']);
    expect(made.code).toBe(0);
    const { did, file, encrypted } = made.json<{ did: string; file: string; encrypted: boolean }>();
    expect(did).toMatch(/^did:key:z6Mk/);
    expect(encrypted).toBe(false);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(cli.data, 'identities')).mode & 0o777).toBe(0o700);
    const outputs = [
      made,
      await cli.run(['id', 'list']),
      await cli.run(['id', 'list', '--json']),
      await cli.run(['id', 'show', 'researcher']),
      await cli.run(['id', 'show', 'researcher', '--json']),
    ];
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(seedIn(file));
    expect(outputs[1]?.stdout).toContain(did);
    expect(outputs[3]?.stderr).toContain('Next:');
  });

  it('refuses a name that is taken, and keeps the key that was there', async () => {
    const { file } = (await cli.run(['id', 'create', 'a', '--json'])).json<{ file: string }>();
    const before = readFileSync(file, 'utf8');
    const again = await cli.run(['id', 'create', 'a', '--json']);
    expect(again.code).toBe(1);
    expect(again.json()).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it.each(['../evil', '', 'A', '.hidden', 'a/b', 'x'.repeat(65), 'a\nb', '--'])(
    'refuses the name %j',
    async (name) => {
      const { code, stderr } = await cli.run(['id', 'create', '--', name]);
      expect(code).toBe(1);
      expect(stderr).toContain('talos:');
      expect(() => readdirSync(cli.data)).toThrow();
    },
  );

  it('refuses a key file that others can read', async () => {
    const { file } = (await cli.run(['id', 'create', 'a', '--json'])).json<{ file: string }>();
    chmodSync(file, 0o644);
    const { code, stderr } = await cli.run(['id', 'show', 'a']);
    expect(code).toBe(1);
    expect(stderr).toContain('chmod 600');
  });

  it('encrypts at rest with TALOS_KEY_PASSPHRASE', async () => {
    const env = { TALOS_KEY_PASSPHRASE: 'correct horse battery' };
    const { encrypted, file } = (await cli.run(['id', 'create', 'a', '--json'], { env })).json<{
      encrypted: boolean;
      file: string;
    }>();
    expect(encrypted).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toContain('"seed"');
    expect((await cli.run(['id', 'show', 'a'])).code).toBe(0);
    const unopened = ['cap', 'issue', '--as', 'a', '--to', 'a', '--grant', 'tool:x:read', '--aud'];
    const { did } = (await cli.run(['id', 'show', 'a', '--json'])).json<{ did: string }>();
    expect((await cli.run([...unopened, did])).code).toBe(3);
    expect((await cli.run([...unopened, did], { env })).code).toBe(0);
  });

  it('backs up and restores: encrypted, one key or all, never over one that is there', async () => {
    const { did, file } = (await cli.run(['id', 'create', 'a', '--json'])).json<{
      did: string;
      file: string;
    }>();
    writeFileSync(join(cli.folder, 'pass'), 'a long passphrase\n');
    const pass = ['--passphrase-file', 'pass'];
    const backup = await cli.run(['id', 'backup', 'a', '--out', 'a.json', ...pass]);
    expect(backup.code).toBe(0);
    const text = readFileSync(join(cli.folder, 'a.json'), 'utf8');
    expect(statSync(join(cli.folder, 'a.json')).mode & 0o777).toBe(0o600);
    expect(text + backup.stdout + backup.stderr).not.toContain(seedIn(file));
    expect((await cli.run(['id', 'backup', '--all', '--out', 'all.json', ...pass])).code).toBe(0);

    expect((await cli.run(['id', 'restore', 'a.json', ...pass])).code).toBe(0);
    const taken = ['--data', join(cli.folder, 'taken')];
    await cli.run(['id', 'create', 'a', ...taken]);
    const conflict = await cli.run(['id', 'restore', 'a.json', ...pass, ...taken, '--json']);
    expect(conflict.json()).toMatchObject({ ok: false, error: { code: 'CONFLICT' } });
    expect(conflict.code).toBe(1);
    const elsewhere = ['--data', join(cli.folder, 'other')];
    writeFileSync(join(cli.folder, 'wrong'), 'another passphrase\n');
    const wrong = await cli.run([
      'id',
      'restore',
      'all.json',
      '--passphrase-file',
      'wrong',
      ...elsewhere,
      '--json',
    ]);
    expect(wrong.code).toBe(3);
    const restored = await cli.run(['id', 'restore', 'all.json', ...pass, ...elsewhere, '--json']);
    expect(restored.code).toBe(0);
    expect(restored.stdout + restored.stderr).not.toContain(seedIn(file));
    const shown = await cli.run(['id', 'show', 'a', ...elsewhere, '--json']);
    expect(shown.json()).toMatchObject({ did });
    expect(seedIn(join(cli.folder, 'other/identities/a.key'))).toBe(seedIn(file));
  });

  it('asks for the passphrase twice, and refuses a short or different one', async () => {
    await cli.run(['id', 'create', 'a']);
    const ask = (...answers: string[]) => ({
      confirm: async () => true,
      secret: async () => answers.shift() ?? '',
    });
    const backup = ['id', 'backup', 'a', '--out', 'b.json'];
    expect((await cli.run(backup, { ask: ask('long enough 12', 'long enough 13') })).code).toBe(1);
    expect((await cli.run(backup, { ask: ask('short', 'short') })).code).toBe(1);
    expect((await cli.run(backup)).stderr).toContain('--passphrase-file');
    expect((await cli.run(backup, { ask: ask('long enough 12', 'long enough 12') })).code).toBe(0);
  });

  it.each([
    '',
    'null',
    '{"format":"talos-key-backup-v1","keys":[]}',
    '{"format":"talos-key-backup-v1","keys":[null]}',
    '{"format":"talos-key-backup-v1","keys":[{"folder":"../x","key":{}}]}',
    '{"format":"talos-key-backup-v1","keys":[{"folder":"keys","key":{},"more":1}]}',
    '[]',
    '\u0000',
  ])('refuses %j as a backup', async (text) => {
    writeFileSync(join(cli.folder, 'bad'), text);
    writeFileSync(join(cli.folder, 'pass'), 'a long passphrase\n');
    const { code, json } = await cli.run(['id', 'restore', 'bad', '--passphrase-file', 'pass', '--json']);
    expect(code).toBe(1);
    expect(json()).toMatchObject({ ok: false, error: { code: 'MALFORMED' } });
  });
});
