import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createRbacClient } from '@talosprotocol/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBrowser, logInAtProvider } from '../../packages/server/src/kernel/rbac/testing/browser.js';
import { openWorld, type World } from '../support/world.js';

const PROVIDER = new URL(
  '../../packages/server/src/kernel/rbac/testing/openid-provider.mjs',
  import.meta.url,
);

let world: World;
let provider: ChildProcess;
let issuer: string;
let before: string;
beforeAll(async () => {
  world = await openWorld(undefined, { OIDC_SECRET: 'a secret of the tests, long enough' });
  const redirect = `${world.ready.kernel}/talos/v1/rbac/callback`;
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  provider = spawn(process.execPath, [fileURLToPath(PROVIDER), redirect], { stdio: [...stdio] });
  const [line] = (await once(provider.stdout!, 'data')) as [Buffer];
  issuer = line.toString().trim();
  before = await readFile(world.ready.config, 'utf8');
});
afterAll(async () => {
  provider?.stdin?.end();
  await world?.close();
});

/** Puts `oidc` into talos.yaml as it is (JSON is YAML), and in force. */
async function configure(change: object = {}): Promise<void> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in talos.yaml
  const clientSecret = '${OIDC_SECRET}';
  const origin = world.ready.kernel;
  const oidc = { issuer, clientId: 'talos', clientSecret, origin, groupsClaim: 'groups', ...change };
  await writeFile(world.ready.config, JSON.stringify({ ...JSON.parse(before), oidc }));
  await world.gateway.reloadPolicy();
}

// RBAC-16
it('talos.yaml says where people log in; a member it does not know, or a plain http issuer, is refused', async () => {
  for (const bad of [
    { scope: 'openid' },
    { issuer: 'http://id.example.com' },
    { origin: 'https://talos.example/path' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in talos.yaml
    { clientSecret: '${NOT_THERE}' },
  ])
    await expect(configure(bad), JSON.stringify(bad)).rejects.toMatchObject({ code: 'MALFORMED' });
  await configure();
});

// RBAC-16, RBAC-17
it('a person logs in, does what a group may, is seen by the administrator and sent away', async () => {
  const rbac = createRbacClient({ url: world.ready.kernel, adminToken: world.adminToken });
  const scope = { kind: 'global' as const, attributes: {} };
  await rbac.createBinding({ role: 'auditor', subject: { kind: 'group', issuer, id: 'staff' }, scope });
  const browser = createBrowser();
  const back = await logInAtProvider(browser, `${world.ready.kernel}/talos/v1/rbac/login`, 'ann');
  expect((await browser.get(back)).status).toBe(200);
  const nodes = () => browser.get(`${world.ready.kernel}/talos/v1/nodes`);
  expect((await nodes()).status).toBe(200);
  // The session is one of all services: their guards ask the same database.
  const token = [...browser.cookies.values()].find((value) => value.startsWith('tal_log_')) as string;
  const events = await fetch(`${world.ready.audit}/talos/v1/events?limit=1`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(events.status).toBe(200);
  const reload = await fetch(`${world.ready.gateway}/talos/v1/policy/reload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(reload.status).toBe(403);
  const { sessions } = await rbac.listSessions();
  expect(sessions.map(({ subject }) => subject)).toEqual(['ann']);
  await rbac.endSession(sessions[0]!.id);
  expect((await nodes()).status).toBe(401);
  expect(world.log.join('')).not.toContain(token);
  expect(world.log.join('')).not.toContain('a secret of the tests');
});
