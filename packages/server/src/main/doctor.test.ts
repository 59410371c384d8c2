import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigner } from '@talosprotocol/protocol';
import { createFastestCrypto, createNodeCrypto } from '@talosprotocol/protocol/node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { currentMachine, readSettings } from '../platform/settings.js';
import { examine } from './doctor.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talos-doctor-'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true, force: true }));

const did = (byte: number) => createSigner(new Uint8Array(32).fill(byte), createNodeCrypto()).did;
const anchor = (byte: number, tenant: string) =>
  `  - { iss: "${did(byte)}", tenant: ${tenant}, grants: [{ scope: "tool:*", ops: [read] }] }\n`;

async function examineConfig(text: string) {
  const TALOS_CONFIG = join(folder, 'talos.yaml');
  await writeFile(TALOS_CONFIG, text);
  const ports = { TALOS_KERNEL_PORT: '0', TALOS_GATEWAY_PORT: '0', TALOS_AUDIT_PORT: '0' };
  const env = { TALOS_DATA: join(folder, 'none'), TALOS_CONFIG, ...ports };
  const { checks, ok } = await examine(readSettings(env, currentMachine()), env);
  return { ok, config: checks.find(({ name }) => name === 'talos.yaml') };
}

describe('doctor', () => {
  it('says which crypto provider a start uses: the fastest one that works here', async () => {
    const env = { TALOS_DATA: join(folder, 'none') };
    const { checks } = await examine(readSettings(env, currentMachine()), env);
    const said = { sodium: /^libsodium/, node: /^OpenSSL/ }[(await createFastestCrypto()).name];
    expect(checks).toContainEqual({ name: 'crypto', ok: true, detail: expect.stringMatching(said!) });
  });

  it('leaves nothing behind where there is no platform, though it starts a database', async () => {
    const [data, trials] = [join(folder, 'empty'), join(folder, 'tmp')];
    for (const path of [data, trials]) await mkdir(path, { mode: 0o711 });
    await chmod(folder, 0o711);
    vi.stubEnv('TMPDIR', trials);
    const env = { TALOS_DATA: data };
    const { checks } = await examine(readSettings(env, currentMachine()), env);
    expect(checks.find(({ name }) => name === 'embedded database')).toEqual({
      name: 'embedded database',
      ok: true,
      detail: expect.stringMatching(/^PostgreSQL .* starts and answers$/),
    });
    expect(checks[0]).toMatchObject({ ok: true, detail: expect.stringContaining('no platform in it yet') });
    expect([await readdir(data), await readdir(trials)]).toEqual([[], []]);
  });

  it('makes no data folder to look at a database of your own', async () => {
    const data = join(folder, 'none');
    const env = { TALOS_DATA: data, TALOS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { checks } = await examine(readSettings(env, currentMachine()), env);
    expect(checks.find(({ name }) => name === 'database')?.ok).toBe(false);
    await expect(stat(data)).rejects.toThrow('ENOENT');
  });

  it('looks at the Redis of the settings, if they name one', async () => {
    const env = { TALOS_DATA: join(folder, 'none') };
    const without = await examine(readSettings(env, currentMachine()), env);
    expect(without.checks.map(({ name }) => name)).not.toContain('redis');
    const named = { ...env, TALOS_REDIS_URL: 'redis://:p-canary@127.0.0.1:1' };
    const { ok, checks } = await examine(readSettings(named, currentMachine()), named);
    expect(ok).toBe(false);
    expect(checks.find(({ name }) => name === 'redis')).toMatchObject({ ok: false });
    expect(JSON.stringify(checks)).not.toContain('canary');
  });

  it('finds a talos.yaml well that a start takes', async () => {
    const { config } = await examineConfig(
      `version: 1\nanchors:\n${anchor(1, 'a')}${anchor(2, 'a')}servers: {}\n`,
    );
    expect(config).toMatchObject({ ok: true, detail: expect.stringContaining('2 anchors, 0 tool servers') });
  });

  it('points out a grant of an anchor that lets neighbours pass (CAP-27), and is well all the same', async () => {
    const where = '[{ ptr: /filename, op: prefix, value: reports }]';
    const grants = `[{ scope: "tool:*", ops: [read], where: ${where} }]`;
    const { ok, config } = await examineConfig(
      `version: 1\nanchors:\n  - { iss: "${did(1)}", tenant: a, grants: ${grants} }\nservers: {}\n`,
    );
    expect(ok).toBe(true);
    expect(config?.ok).toBe(true);
    expect(config?.mend).toContain(`anchor ${did(1)}, grants[0].where[0]: \`prefix\` on a path or URL`);
  });

  it('says what a start would refuse: anchors of several tenants', async () => {
    const { ok, config } = await examineConfig(
      `version: 1\nanchors:\n${anchor(1, 'a')}${anchor(2, 'b')}servers: {}\n`,
    );
    expect(ok).toBe(false);
    expect(config).toMatchObject({
      ok: false,
      detail: expect.stringContaining('is of tenant b, this process serves a'),
      mend: expect.stringContaining('the same tenant'),
    });
  });
});
