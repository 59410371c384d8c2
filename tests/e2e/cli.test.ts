import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editTalosYaml } from '../../packages/cli/src/config-edit.js';
import type { Io } from '../../packages/cli/src/io.js';
import { run } from '../../packages/cli/src/run.js';
import { writeServerRecord } from '../../packages/cli/src/server-record.js';
import { openTerminal } from '../support/terminal.js';
import { filesystemServer, openWorld, testEnvironment, type World } from '../support/world.js';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-cli-e2e-'));
  // As root the database runs as another user, who must get through to the data folders in it.
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function talos(env: Io['env'], ...argv: string[]): Promise<Ran> {
  const { io, out, err } = openTerminal({ env, cwd: folder });
  const code = await run(argv, io);
  return { code, stdout: out(), stderr: err() };
}

describe('commands that ask a running platform', () => {
  let world: World;
  const ask = (...argv: string[]) => talos({ TALOS_DATA: world.ready.data }, ...argv);
  const document = async (...argv: string[]) => JSON.parse((await ask(...argv, '--json')).stdout);

  beforeAll(async () => {
    world = await openWorld();
    await writeServerRecord(world.ready.data, { ...world.ready, pid: process.pid });
  });
  afterAll(() => world?.close());

  it('issue, explain, verify, revoke, and say why', async () => {
    const { did } = await document('id', 'create', 'reader');
    const issued = await ask(
      'cap',
      'issue',
      '--to',
      'reader',
      '--grant',
      'tool:files/method:read_text_file:read',
      '--calls',
      '3',
      '--out',
      'c.txt',
    );
    expect(issued.code).toBe(0);
    expect((await document('cap', 'inspect', 'c.txt')).links[0].claims.sub).toBe(did);
    expect((await ask('cap', 'verify', 'c.txt')).code).toBe(0);
    const explain = (tool: string) =>
      ask(
        'cap',
        'explain',
        'c.txt',
        '--call',
        `files/${tool}`,
        '--arguments',
        JSON.stringify({ path: world.files.guide }),
      );
    expect((await explain('read_text_file')).code).toBe(0);
    const denied = await explain('list_directory');
    expect(denied.code).toBe(2);
    expect(denied.stdout).toContain('SCOPE_MISMATCH');
    expect((await ask('cap', 'revoke', 'c.txt')).code).toBe(0);
    const after = await ask('cap', 'verify', 'c.txt');
    expect(after.code).toBe(2);
    expect(after.stderr).toContain('REVOKED');
  });

  it('a bearer key is made here, works, can be narrowed, and is never shown', async () => {
    const made = await ask(
      'cap',
      'issue',
      '--bearer',
      '--bearer-below',
      '--dlg',
      '1',
      '--grant',
      'tool:files:read',
      '--out',
      'key.txt',
      '--json',
    );
    const narrowed = await ask(
      'cap',
      'attenuate',
      'key.txt',
      '--bearer',
      '--where',
      `/path within ${world.files.docs}`,
      '--out',
      'narrow.txt',
      '--json',
    );
    const key = (await readFile(join(folder, 'narrow.txt'), 'utf8')).trim();
    const seed = key.slice(key.lastIndexOf('~') + 1);
    const call = async (path: string) => {
      const response = await fetch(`${world.ready.gateway}/mcp/files`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'read_text_file', arguments: { path } },
        }),
      });
      return response.json();
    };
    expect(await call(world.files.guide)).toHaveProperty('result');
    const { error } = (await call(world.files.secret)) as {
      error: { data: { code: string; request_id: string } };
    };
    expect(error.data.code).toBe('CONSTRAINT_VIOLATED');
    const why = await ask('why', error.data.request_id);
    expect(why.code).toBe(0);
    expect(why.stdout).toContain(`/path within ${world.files.docs}`);
    const tail = await ask('audit', 'tail', '--limit', '50');
    expect(tail.stdout).toContain(error.data.request_id);
    for (const { stdout, stderr } of [made, narrowed, why, tail]) expect(stdout + stderr).not.toContain(seed);
  });

  it('what was exported is proven by a command without a platform, and any change is seen', async () => {
    expect((await ask('audit', 'export', '--out', 'b.json', '--trust-out', 't.json')).code).toBe(0);
    const nowhere = { TALOS_DATA: join(folder, 'nowhere') };
    const proven = await talos(nowhere, 'audit', 'verify', 'b.json', '--trust', 't.json');
    expect(proven.code).toBe(0);
    const bytes = await readFile(join(folder, 'b.json'), 'utf8');
    await writeFile(join(folder, 'b2.json'), bytes.replace('"allow"', '"deny"'));
    expect((await talos(nowhere, 'audit', 'verify', 'b2.json', '--trust', 't.json')).code).toBe(3);
  });

  it('tools are suggested and confirmed in talos.yaml', async () => {
    const suggested = await document('mcp', 'policy', 'suggest', 'files');
    expect(suggested.tools.find(({ name }: { name: string }) => name === 'write_file').state).toBe('pinned');
    const refused = await ask('mcp', 'policy', 'confirm', 'files', 'get_file_info');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--yes');
    const confirmed = await ask('mcp', 'policy', 'confirm', 'files', 'get_file_info', '--yes');
    expect(confirmed.code).toBe(0);
    const again = await document('mcp', 'policy', 'suggest', 'files');
    expect(again.tools.find(({ name }: { name: string }) => name === 'get_file_info').state).toBe('pinned');
  });
});

describe('commands that start a platform', () => {
  const environment = (name: string) => ({
    ...testEnvironment(join(folder, name)),
    TALOS_LOG_LEVEL: 'error',
  });

  it('init, doctor and up: made, well, served, and stopped cleanly', async () => {
    const env = environment('up');
    const made = await talos(env, 'init', '--json');
    expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, config_written: true });
    const doctor = await talos(env, 'doctor', '--json');
    expect([doctor.code, JSON.parse(doctor.stdout).ok]).toEqual([0, true]);
    const terminal = openTerminal({ env, cwd: folder });
    const up = run(['up', '--json'], terminal.io);
    await expect.poll(() => terminal.out().length, { timeout: 30_000 }).toBeGreaterThan(0);
    const ready = JSON.parse(terminal.out());
    expect((await fetch(`${ready.kernel}/health/ready`)).status).toBe(200);
    expect((await talos(env, 'audit', 'tail')).code).toBe(0);
    const token = (await readFile(join(folder, 'up/keys/admin.credential'), 'utf8')).trim();
    terminal.interrupt();
    expect(await up).toBe(0);
    expect((await talos(env, 'audit', 'tail')).code).toBe(4);
    expect([terminal.out(), terminal.err(), made.stdout, doctor.stdout].join('')).not.toContain(token);
  });

  it('up, sent a SIGHUP, puts an edit of talos.yaml in force', async () => {
    const env = environment('reload');
    const terminal = openTerminal({ env, cwd: folder });
    const up = run(['up', '--json'], terminal.io);
    await expect.poll(() => terminal.out().length, { timeout: 30_000 }).toBeGreaterThan(0);
    const { config } = JSON.parse(terminal.out());
    const asked = () => talos(env, 'mcp', 'policy', 'suggest', 'files');
    await editTalosYaml(terminal.io, config, (yaml) => yaml.addServer('files', filesystemServer(folder)));
    expect((await asked()).code).toBe(1);
    expect(terminal.hangUp()).toBe(1);
    await expect.poll(async () => (await asked()).code, { timeout: 20_000 }).toBe(0);
    terminal.interrupt();
    expect(await up).toBe(0);
  });

  it('up says how to put tools and models behind it', async () => {
    const terminal = openTerminal({ env: environment('next'), cwd: folder });
    const up = run(['up'], terminal.io);
    const told = () => terminal.out() + terminal.err();
    await expect.poll(told, { timeout: 30_000 }).toContain('Ctrl-C');
    expect(told()).toMatch(/talos mcp wrap --data /);
    expect(told()).toMatch(/talos llm add openai --data \S+ --cost 5\.00USD --per day/);
    terminal.interrupt();
    expect(await up).toBe(0);
  });

  it('up, stopped while it starts, leaves nothing that runs', async () => {
    const env = environment('early');
    const terminal = openTerminal({ env, cwd: folder });
    const up = run(['up'], terminal.io);
    await expect.poll(() => terminal.interrupt()).toBe(1);
    expect(await up).toBe(130);
    expect(terminal.err()).toContain('stopped');
    const doctor = JSON.parse((await talos(env, 'doctor', '--json')).stdout);
    expect(doctor.checks[0].detail).toMatch(/not in use|not there yet|no platform in it yet/);
  });

  it('witness: says that it follows no log and how to name one, and which option changes its port', async () => {
    const env = environment('witness');
    const terminal = openTerminal({ env, cwd: folder });
    const witness = run(['witness', '--port', '0', '--json'], terminal.io);
    await expect.poll(() => terminal.out().length, { timeout: 30_000 }).toBeGreaterThan(0);
    const ready = JSON.parse(terminal.out());
    expect(ready).toMatchObject({ ok: true, follows: 0, hint: expect.stringContaining('--follow <vkey>') });
    expect(ready.hint).toContain(`witness.logs in ${ready.config}`);
    const { port } = new URL(ready.witness);
    const busy = await talos(environment('witness-2'), 'witness', '--port', port);
    expect([busy.code, busy.stdout]).toEqual([1, '']);
    expect(busy.stderr).toMatch(/hint: .*set --port \(TALOS_WITNESS_PORT\) to a free one/);
    terminal.interrupt();
    expect(await witness).toBe(0);
  });

  it('witness: names nothing more once it follows a log', async () => {
    const init = await talos(environment('followed'), 'init', '--json');
    const { vkey } = JSON.parse(init.stdout).log;
    const told = async (...argv: string[]) => {
      const terminal = openTerminal({ env: environment('follower'), cwd: folder });
      const witness = run(['witness', '--port', '0', ...argv], terminal.io);
      await expect.poll(terminal.out, { timeout: 30_000 }).toContain('data');
      terminal.interrupt();
      expect(await witness).toBe(0);
      return terminal.out();
    };
    expect(await told()).toMatch(/^The witness is up\.\nBut it follows no log yet: .*--follow <vkey>/);
    const followed = await told('--follow', vkey);
    expect(followed).toMatch(/\n {2}follows +1 log\n/);
    expect(followed).not.toContain('no log yet');
    expect(JSON.parse(await told('--json'))).not.toHaveProperty('hint');
  });

  it('mcp wrap: one line from a stdio server to a key', async () => {
    const env = environment('wrap');
    const { command, args = [] } = filesystemServer(folder);
    const terminal = openTerminal({ env, cwd: folder });
    const wrapped = run(
      ['mcp', 'wrap', '--name', 'files', '--read-only', '--yes', '--json', '--', command, ...args],
      terminal.io,
    );
    await expect.poll(() => terminal.out().length, { timeout: 60_000 }).toBeGreaterThan(0);
    const offer = JSON.parse(terminal.out());
    expect(offer).toMatchObject({ ok: true, server: 'files' });
    expect(offer.tools).toContain('read_text_file');
    expect(offer.tools).not.toContain('write_file');
    const key = (await readFile(offer.key_file, 'utf8')).trim();
    expect(terminal.out()).not.toContain(key);
    const more = await talos(env, 'mcp', 'wrap', '--name', 'more', '--yes', '--json', '--', command, ...args);
    expect(JSON.parse(more.stdout).tools).toContain('write_file');
    terminal.interrupt();
    expect(await wrapped).toBe(0);
  });

  it('mcp policy suggest of a command leaves nothing behind', async () => {
    const { command, args = [] } = filesystemServer(folder);
    const suggested = await talos(
      environment('none'),
      'mcp',
      'policy',
      'suggest',
      '--json',
      '--',
      command,
      ...args,
    );
    expect(suggested.code).toBe(0);
    expect(JSON.parse(suggested.stdout)).toMatchObject({ ok: true, server: 'filesystem' });
  });

  it('a setting that is wrong is exit code 1, said by name and not by value', async () => {
    const ran = await talos({ ...environment('bad'), TALOS_GATEWAY_PORT: 'canary' }, 'up');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('TALOS_GATEWAY_PORT');
    expect(ran.stderr).not.toContain('canary');
  });
});
