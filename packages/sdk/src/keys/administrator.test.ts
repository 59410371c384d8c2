import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMINISTRATOR_FILE, openAdministratorKey } from './administrator.js';

const TOKEN = `tal_boot_${'A'.repeat(43)}`;
const KEY = `tal_svc_${'0'.repeat(32)}_${'A'.repeat(43)}`;
const UUID = '01890000-0000-7000-8000-000000000001';
const HERE = 'http://127.0.0.1:8000';

const REFUSED = {
  type: 'urn:talos:problem:UNAUTHENTICATED',
  title: 'The caller does not show who it is',
  status: 401,
  code: 'UNAUTHENTICATED',
  request_id: `req_${UUID}`,
  retryable: false,
};

let keysFolder: string;
let sent: string[];
beforeEach(() => {
  keysFolder = mkdtempSync(join(tmpdir(), 'talos-keys-'));
  sent = [];
});
afterEach(() => rmSync(keysFolder, { recursive: true, force: true }));

/** A platform that takes its token once. */
const platform: typeof fetch = async (input, init) => {
  sent.push(`${String(input)} ${String(init?.body)}`);
  if (sent.length > 1) return Response.json(REFUSED, { status: 401 });
  const binding = {
    id: `bind_${UUID}`,
    role: 'platform-admin',
    subject: { kind: 'service', id: `svc_${UUID}` },
    scope: { kind: 'global', attributes: {} },
    created: '2026-11-23T12:00:00.000Z',
  };
  return Response.json({ binding, key: KEY }, { status: 201 });
};
const open = (kernel = HERE, fetch = platform) =>
  openAdministratorKey({ keysFolder, kernel: () => kernel, fetch });
const write = (name: string, text: string, mode = 0o600) =>
  writeFileSync(join(keysFolder, name), text, { mode });

// RBAC-14
describe('the key of the administrator of this machine', () => {
  it('is the one that is kept, and nobody is asked', async () => {
    write(ADMINISTRATOR_FILE, `${KEY}\n`);
    expect([await open(), sent]).toEqual([KEY, []]);
  });

  it('is there for nobody without a platform', async () => {
    expect([await open(), sent]).toEqual([undefined, []]);
  });

  it('is redeemed once and kept for its owner alone', async () => {
    write('bootstrap.token', `${TOKEN}\n`);
    expect(await open()).toBe(KEY);
    expect(sent).toEqual([`${HERE}/talos/v1/rbac/bootstrap {"token":"${TOKEN}"}`]);
    const file = join(keysFolder, ADMINISTRATOR_FILE);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([`${KEY}\n`, 0o600]);
    expect(await open()).toBe(KEY);
  });

  it('is the same for several who need it at once', async () => {
    write('bootstrap.token', TOKEN);
    expect(await Promise.all([open(), open(), open()])).toEqual([KEY, KEY, KEY]);
  });

  it('is refused with the word of the platform if the token counts no more', async () => {
    write('bootstrap.token', TOKEN);
    sent.push('somebody else was first');
    await expect(open()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(existsSync(join(keysFolder, ADMINISTRATOR_FILE))).toBe(false);
  });

  it('is asked for on this machine only, and with a token that only its owner reads', async () => {
    write('bootstrap.token', TOKEN);
    for (const url of ['https://talos.example', 'http://10.0.0.7:8000', 'http://127.0.0.1.example:8000'])
      await expect(open(url)).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    rmSync(join(keysFolder, 'bootstrap.token'));
    write('elsewhere', TOKEN);
    symlinkSync(join(keysFolder, 'elsewhere'), join(keysFolder, 'bootstrap.token'));
    await expect(open()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    rmSync(join(keysFolder, 'bootstrap.token'));
    write('bootstrap.token', TOKEN, 0o644);
    await expect(open()).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(sent).toEqual([]);
  });

  it('is not invented when the platform is down or says something else', async () => {
    write('bootstrap.token', TOKEN);
    await expect(open(HERE, () => Promise.reject(new Error('down')))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await expect(open(HERE, async () => Response.json({}))).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
    });
  });
});
