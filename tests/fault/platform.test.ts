import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTestDatabase } from '../../packages/server/src/platform/testing/database.js';
import { callOnce, connect } from '../support/mcp-clients.js';
import { idOf, usePlatforms, wholeLog } from '../support/own-platforms.js';
import { expectNoSurvivors, failToStart, familyOf, processes } from '../support/platform-process.js';

const { newPlace, start, startWithTools, program } = usePlatforms();

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  // DEC-13, AUD-7
  it('lets a running call finish, records it, and leaves no process', async () => {
    const place = newPlace();
    const { platform, cast } = await startWithTools(place);
    const caller = await connect(platform.ready.gateway, { identity: cast.agent, chain: cast.agentChain });
    expect(await caller.call('odd__look')).toEqual({ text: 'looked' });
    const slow = caller.call('odd__slow', { ms: 2_000 });
    await expect.poll(() => readFileSync(place.journal, 'utf8')).toContain('slow');
    const family = familyOf(platform.pid);
    expect(family.length).toBeGreaterThan(5);
    const end = platform.end(signal);
    // From now on nothing new is taken, at no port, while the call is waited for.
    for (const url of [platform.ready.kernel, platform.ready.gateway, platform.ready.audit]) {
      await expect.poll(() => isOpen(url)).toBe(false);
    }
    expect(await Promise.race([slow, 'running'])).toBe('running');
    expect(await slow).toEqual({ text: 'slept' });
    const receipt = caller.last().headers.get('x-talos-receipt')!;
    expect(await end).toEqual({ code: 0, signal: null });
    await expectNoSurvivors(family, 1_000);

    const again = await start(place.data);
    const { events } = await wholeLog(again);
    const outcome = events.find((event) => event.type === 'outcome' && event.decision === idOf(receipt));
    expect(outcome).toMatchObject({ status: 'completed' });
    await again.end('SIGTERM');
  }, 60_000);
});

describe('SIGHUP', () => {
  it('takes a talos.yaml, and says what is wrong with one that it does not take', async () => {
    const { data } = newPlace();
    const platform = await start(data);
    const config = join(data, 'talos.yaml');
    const sound = readFileSync(config, 'utf8');
    writeFileSync(config, 'version: 1\nservers: { a: { command: "x } }\n');
    process.kill(platform.pid, 'SIGHUP');
    await expect.poll(() => platform.log()).toMatch(/talos\.yaml:[0-9]+:[0-9]+.*the policy was not loaded/);
    expect(platform.log()).not.toContain('policy loaded');
    writeFileSync(config, sound);
    process.kill(platform.pid, 'SIGHUP');
    await expect.poll(() => platform.log()).toContain('policy loaded');
    expect(await platform.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(platform.log()).not.toContain('an idle database connection failed');
  }, 60_000);
});

describe('a start', () => {
  it('is refused while another platform runs on the folder, which it does not disturb', async () => {
    const { data } = newPlace();
    const first = await start(data);
    const { error, end } = await failToStart(program(), data);
    expect(error).toMatchObject({
      code: 'CONFLICT',
      reason: expect.stringContaining(`process ${first.pid}`),
    });
    expect(error.hint).toContain('TALOS_DATA');
    expect(end.code).toBe(1);
    expect((await fetch(new URL('/health/ready', first.ready.kernel))).status).toBe(200);
    expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const second = await start(data);
    expect(second.ready.gatewayDid).toBe(first.ready.gatewayDid);
  }, 60_000);

  it('says which setting to change when a port is in use, and leaves nothing', async () => {
    const { data } = newPlace();
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    try {
      for (const name of ['KERNEL', 'GATEWAY', 'AUDIT']) {
        const setting = `TALOS_${name}_PORT`;
        const { error, end } = await failToStart(program(), data, { [setting]: String(port) });
        expect(error).toMatchObject({ code: 'SETTINGS_INVALID', hint: expect.stringContaining(setting) });
        expect(error.reason).toContain(`127.0.0.1:${port}`);
        expect(end.code).toBe(1);
        expect(processesIn(data)).toEqual([]);
      }
    } finally {
      holder.close();
    }
    const platform = await start(data, { TALOS_AUDIT_PORT: String(port) });
    expect(platform.ready.audit).toBe(`http://127.0.0.1:${port}`);
  }, 60_000);

  it('on a folder of a newer version is refused, and the folder stays as it is', async () => {
    const { data } = newPlace();
    mkdirSync(data);
    writeFileSync(join(data, 'version'), '2\n');
    const { error, end } = await failToStart(program(), data);
    expect(error).toMatchObject({
      code: 'SETTINGS_INVALID',
      reason: expect.stringContaining('newer version'),
    });
    expect(end.code).toBe(1);
    expect(readdirSync(data)).toEqual(['version']);
  });

  it.each([
    ['a setting there is not', { TALOS_PROT: '1' }, /TALOS_PROT is not a setting/],
    ['a bad port', { TALOS_GATEWAY_PORT: '99999' }, /TALOS_GATEWAY_PORT must be a port/],
    ['two ports that are one', { TALOS_KERNEL_PORT: '18000', TALOS_AUDIT_PORT: '18000' }, /must differ/],
    ['a talos.yaml that is not there', { TALOS_CONFIG: '/nonexistent/talos.yaml' }, /talos\.yaml cannot be/],
    ['a short passphrase', { TALOS_KEY_PASSPHRASE: 'short-canary'.slice(0, 8) }, /at least 12/],
  ])('with %s is refused with words, no stack, and exit code 1', async (_, env, words) => {
    const { data } = newPlace();
    const { error, end, said } = await failToStart(program(), data, env as unknown as Record<string, string>);
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', reason: expect.stringMatching(words) });
    expect(end.code).toBe(1);
    expect(said).not.toMatch(/\n\s+at /);
    expect(said).not.toContain('short-ca');
  });
});

describe("a PostgreSQL of the operator's own", () => {
  it('is used instead of the embedded one, keeps the data, and its password is never said', async () => {
    const database = await openTestDatabase();
    try {
      const {
        socketFolder,
        port,
        user,
        password,
        database: name,
      } = database.address as never as {
        socketFolder: string;
        port: number;
        user: string;
        password: { reveal(): string };
        database: string;
      };
      const url = (secret: string) =>
        `postgres://${user}:${secret}@/${name}?host=${encodeURIComponent(socketFolder)}&port=${port}`;
      const env = { TALOS_DATABASE_URL: url(password.reveal()) };
      const place = newPlace();
      const { platform, cast } = await startWithTools(place, env);
      expect(familyOf(platform.pid).filter(({ command }) => command.includes('postgres'))).toEqual([]);
      expect(readdirSync(place.data)).not.toContain('pg');
      const credential = { identity: cast.agent, chain: cast.agentChain };
      expect(await callOnce(platform.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      const { report } = await wholeLog(platform);
      const family = familyOf(platform.pid);
      await platform.end('SIGKILL');
      await expectNoSurvivors(family);

      const again = await start(place.data, env);
      expect(await callOnce(again.ready.gateway, credential, 'odd__look', {})).toEqual({ text: 'looked' });
      expect((await wholeLog(again)).report.size).toBeGreaterThan(report.size);
      expect(again.log()).not.toContain(password.reveal());
      expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });

      const wrong = await failToStart(program(), newPlace().data, {
        TALOS_DATABASE_URL: url('canary-wrong'),
      });
      expect(wrong.end.code).toBe(1);
      expect(wrong.error).toMatchObject({
        code: 'SETTINGS_INVALID',
        reason: expect.stringContaining('refuses this user or password'),
        hint: expect.stringContaining('TALOS_DATABASE_URL'),
      });
      expect(wrong.said).not.toContain('canary-wrong');
    } finally {
      await database.close();
    }
  }, 60_000);
});

function isOpen(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connectSocket({ host: hostname, port: Number(port) });
    const settle = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}

/** Processes that work in a folder or name it. */
function processesIn(folder: string): string[] {
  return processes()
    .filter(({ command }) => command.includes(folder))
    .map(({ pid, command }) => `${pid} ${command}`);
}
