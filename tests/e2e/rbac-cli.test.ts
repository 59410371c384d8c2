import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/src/run.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

/** One command line against the platform, its answer as JSON, and everything it printed. */
const talos = (...argv: string[]) => talosAs(undefined, ...argv);

/** The same with a key file of one's own. */
async function talosAs(keyFile: string | undefined, ...argv: string[]) {
  const env = { TALOS_DATA: world.ready.data, ...(keyFile === undefined ? {} : { TALOS_KEY_FILE: keyFile }) };
  const { io, out, err } = openTerminal({ env, cwd: world.files.root });
  const code = await run([...argv, '--kernel', world.ready.kernel, '--json'], io);
  const printed = out();
  return { code, answer: printed === '' ? undefined : JSON.parse(printed), text: printed + err() };
}

// RBAC-12, RBAC-14
describe('talos rbac', () => {
  it('is the administrator of this machine, with a key only its owner reads', async () => {
    const { code, answer, text } = await talos('rbac', 'whoami');
    expect([code, answer.principal.kind, answer.bindings[0].role]).toEqual([0, 'service', 'platform-admin']);
    const file = join(world.ready.data, 'keys/admin.credential');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(text).not.toContain((await readFile(file, 'utf8')).trim());
    await expect(stat(join(world.ready.data, 'keys/bootstrap.token'))).rejects.toThrow('ENOENT');
    await expect(stat(join(world.ready.data, 'keys/admin.token'))).rejects.toThrow('ENOENT');
  });

  it('speaks with the key of whoever names one, which may do what its role allows and no more', async () => {
    const made = await talos('rbac', 'service-account', 'create', '--name', 'reader', '--out', 'reader.key');
    const { id } = made.answer.service_account;
    await talos('rbac', 'binding', 'create', '--role', 'auditor', '--service', id);
    const own = await talosAs('reader.key', 'rbac', 'whoami');
    expect([own.code, own.answer.principal.id]).toEqual([0, id]);
    expect((await talosAs('reader.key', 'rbac', 'role', 'list')).code).toBe(0);
    const beyond = await talosAs(
      'reader.key',
      'rbac',
      'service-account',
      'create',
      '--name',
      'x',
      '--out',
      'x.key',
    );
    expect([beyond.code, beyond.answer.error.code]).toEqual([2, 'FORBIDDEN']);
    await expect(stat(join(world.files.root, 'x.key'))).rejects.toThrow('ENOENT');
    expect((await talosAs('no.key', 'rbac', 'whoami')).answer.error.code).toBe('SETTINGS_INVALID');
    await chmod(join(world.files.root, 'reader.key'), 0o644);
    expect((await talosAs('reader.key', 'rbac', 'whoami')).answer.error.hint).toMatch(/^chmod 600/);
  });

  it('makes an account whose key is only in a file, gives it a role, asks, takes it away', async () => {
    const made = await talos('rbac', 'service-account', 'create', '--name', 'ci', '--out', 'ci.key');
    const { id } = made.answer.service_account;
    const key = (await readFile(join(world.files.root, 'ci.key'), 'utf8')).trim();
    expect((await stat(join(world.files.root, 'ci.key'))).mode & 0o777).toBe(0o600);
    const list = await talos('rbac', 'service-account', 'list');
    for (const { text } of [made, list]) expect(text).not.toContain(key);
    const check = () => talos('rbac', 'check', 'capability:issue', '--service', id);
    expect((await check()).code).toBe(2);
    const bound = await talos('rbac', 'binding', 'create', '--role', 'operator', '--service', id);
    expect(bound.answer.routed).toBe(true);
    expect((await check()).answer).toMatchObject({ ok: true, role: 'operator', pattern: 'capability:issue' });
    const issue = () =>
      fetch(`${world.ready.kernel}/talos/v1/identities`, { headers: { authorization: `Bearer ${key}` } });
    expect((await issue()).status).toBe(200);
    await talos('rbac', 'binding', 'remove', bound.answer.binding.id);
    expect((await issue()).status).toBe(403);
    await talos('rbac', 'service-account', 'rotate', id, '--overlap', '0', '--out', 'ci2.key');
    expect((await issue()).status).toBe(401);
    expect((await talos('rbac', 'service-account', 'disable', id)).answer.service_account.disabled).toBe(
      true,
    );
    expect((await talos('rbac', 'service-account', 'enable', id)).answer.service_account.disabled).toBe(
      false,
    );
  });

  describe('asks for a key only if it can keep it', () => {
    const account = (...argv: string[]) => talos('rbac', 'service-account', ...argv);
    const keys = async () => (await account('list')).answer.service_accounts.flatMap(keysOf);
    const keysOf = (one: { keys: { id: string }[] }) => one.keys.map(({ id }) => id);
    const at = (name: string) => join(world.files.root, name);
    /** Both commands that make a key, with what they are told. */
    const makers = async (): Promise<[string, ...string[]][]> => {
      const [{ id }] = (await account('list')).answer.service_accounts;
      return [
        ['create', '--name', 'kept'],
        ['rotate', id],
      ];
    };

    it('leaves a file that is there as it is, also a link that leads nowhere', async () => {
      await writeFile(at('other.key'), 'the key of another account');
      await symlink(at('nowhere'), at('link.key'));
      const before = await keys();
      for (const maker of await makers())
        for (const out of ['other.key', 'link.key']) {
          const { code, answer } = await account(...maker, '--out', out);
          expect([code, answer.error.code], maker[0]).toEqual([1, 'CONFLICT']);
          expect(answer.error.hint).toContain('another file with --out');
        }
      expect(await readFile(at('other.key'), 'utf8')).toBe('the key of another account');
      await expect(stat(at('nowhere'))).rejects.toThrow('ENOENT');
      expect(await keys()).toEqual(before);
    });

    it('makes none where no file can be made', async () => {
      await writeFile(at('file'), '');
      const before = await keys();
      for (const maker of await makers())
        for (const out of ['no-folder/x.key', 'file/x.key'])
          expect((await account(...maker, '--out', out)).answer.error.code).toBe('SETTINGS_INVALID');
      expect(await keys()).toEqual(before);
    });

    it('leaves no file if the platform refuses', async () => {
      const refused = [
        ['create', '--name', 'x'.repeat(1_000)],
        ['rotate', 'svc_01890a5d-ac96-774b-bcce-b302099a8057'],
      ];
      for (const argv of refused) {
        expect((await account(...argv, '--out', 'refused.key')).code, argv[0]).not.toBe(0);
        await expect(stat(at('refused.key'))).rejects.toThrow('ENOENT');
      }
    });
  });

  it('makes, changes, lists and removes a role', async () => {
    const made = await talos(
      'rbac',
      'role',
      'create',
      '--name',
      'reads',
      '--allow',
      'audit:read',
      'node:read',
    );
    const { id } = made.answer.role;
    const changed = await talos('rbac', 'role', 'change', id, '--allow', 'audit:*', '--deny', 'audit:export');
    expect(changed.answer.role).toMatchObject({ name: 'reads', allow: ['audit:*'], version: 2 });
    const bound = await talos(
      ...['rbac', 'binding', 'create', '--role', id, '--group', 'staff'],
      ...['--issuer', 'https://id.example.com', '--scope', 'team:team_id=a'],
    );
    expect(bound.answer.binding.scope).toEqual({ kind: 'team', attributes: { team_id: 'a' } });
    // A denial there would deny nothing, and whoever binds it is told.
    expect(bound.answer.routed).toBe(false);
    expect((await talos('rbac', 'role', 'remove', id)).code).toBe(1);
    await talos('rbac', 'binding', 'remove', bound.answer.binding.id);
    expect((await talos('rbac', 'role', 'remove', id)).code).toBe(0);
    const ids = (await talos('rbac', 'role', 'list')).answer.roles.map((role: { id: string }) => role.id);
    expect(ids).toEqual(['platform-admin', 'security-admin', 'operator', 'auditor', 'viewer']);
  });

  it('says what is wrong with a call before anything is sent', async () => {
    for (const argv of [
      ['binding', 'create', '--role', 'viewer'],
      ['binding', 'create', '--service', 'svc_x', '--role', 'viewer'],
      ['binding', 'create', '--group', 'x', '--role', 'viewer'],
      ['binding', 'create', '--group', 'x', '--issuer', 'https://a', '--role', 'viewer', '--scope', 'team:'],
      ['role', 'create', '--allow', 'audit:read'],
      ['role', 'create', '--name', 'x'],
      ['service-account', 'create', '--name', 'x'],
    ])
      expect((await talos('rbac', ...argv)).code, argv.join(' ')).toBe(1);
    expect((await talos('rbac', 'session', 'list')).answer.sessions).toEqual([]);
  });

  it('leaves its changes in the log, with who made them', async () => {
    const { events } = await world.audit.events({ limit: 100 });
    const changes = events.filter(({ event }) => event.type === 'rbac.changed');
    expect(changes.map(({ event }) => 'change' in event && event.change)).toContain('bootstrapped');
    expect(changes[0]?.disclosures.find(({ pointer }) => pointer === '/actor')?.value).toMatchObject({
      kind: 'service',
      how: 'key',
    });
  });
});
