import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../packages/cli/src/io.js';
import { run } from '../../packages/cli/src/run.js';
import { openTerminal } from '../support/terminal.js';
import { openWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

/** One command line against the platform; `own` is what is at its keyboard or in its standard input. */
async function talos(argv: readonly string[], own: Partial<Io> & { readonly key?: string } = {}) {
  const { key, ...io } = own;
  const env = { TALOS_DATA: world.ready.data, ...(key === undefined ? {} : { TALOS_KEY_FILE: key }) };
  const terminal = openTerminal({ env, cwd: world.files.root, ...io });
  const code = await run([...argv, '--kernel', world.ready.kernel], terminal.io);
  return { code, text: terminal.out() + terminal.err() };
}

const answering = (value: string, asked: string[] = []): Partial<Io> => ({
  ask: { confirm: async () => true, secret: async (question) => (asked.push(question) > 0 ? value : '') },
});

// SEC-1, SEC-5
describe('talos secrets', () => {
  it('asks for the value, without showing it, and lists what there is', async () => {
    const asked: string[] = [];
    const set = await talos(['secrets', 'set', 'openai-key'], answering('sk-canary', asked));
    expect([set.code, asked]).toEqual([0, ['Value of openai-key']]);
    const list = await talos(['secrets', 'list']);
    expect(list.text).toMatch(/^openai-key {2}version 1, set 2/);
    const again = await talos(['secrets', 'set', 'openai-key', '--json'], answering('sk-canary'));
    expect(JSON.parse(again.text)).toMatchObject({ ok: true, secret: { name: 'openai-key', version: 2 } });
    expect(set.text + list.text + again.text).not.toContain('canary');
    const removed = await talos(['secrets', 'remove', 'openai-key']);
    expect([removed.code, removed.text]).toEqual([0, 'openai-key is removed\n']);
    expect((await talos(['secrets', 'list'])).text).toContain('no secrets');
    expect((await talos(['secrets', 'remove', 'openai-key'])).text).toContain(
      'there is no secret openai-key',
    );
  });

  it('takes it from a file or standard input where there is nobody to ask', async () => {
    await writeFile(join(world.files.root, 'k'), 'sk-canary\n');
    expect((await talos(['secrets', 'set', 'a', '--file', 'k'])).code).toBe(0);
    const piped = { readStdin: async () => 'sk-canary\r\n' };
    expect((await talos(['secrets', 'set', 'b', '--file', '-'], piped)).code).toBe(0);
    const nobody = await talos(['secrets', 'set', 'c']);
    expect([nobody.code, nobody.text]).toEqual([1, expect.stringContaining('--file')]);
    await writeFile(join(world.files.root, 'binary'), Uint8Array.of(0xff, 0xfe));
    expect((await talos(['secrets', 'set', 'c', '--file', 'binary'])).code).toBe(1);
    expect((await talos(['secrets', 'set', 'c'], answering(''))).text).toContain('empty');
    expect((await talos(['secrets', 'set', 'C'], answering('x'))).text).toContain('MALFORMED');
  });

  it('is for whoever holds the permission, also for one secret alone (RBAC-18)', async () => {
    const create = ['rbac', 'service-account', 'create', '--name', 'one', '--out', 'one.key', '--json'];
    const { id } = JSON.parse((await talos(create)).text).service_account;
    const role = ['rbac', 'role', 'create', '--name', 'keys', '--allow', 'secret:write', '--json'];
    const made = JSON.parse((await talos(role)).text).role;
    const bind = ['rbac', 'binding', 'create', '--role', made.id, '--service', id];
    expect((await talos([...bind, '--scope', 'secret:secret_id=mine'])).code).toBe(0);
    const own = { ...answering('x'), key: 'one.key' };
    expect((await talos(['secrets', 'set', 'mine'], own)).code).toBe(0);
    expect((await talos(['secrets', 'set', 'other'], own)).code).toBe(2);
    expect((await talos(['secrets', 'list'], own)).code).toBe(2);
    expect((await talos(['secrets', 'remove', 'mine'], own)).code).toBe(0);
  });
});
