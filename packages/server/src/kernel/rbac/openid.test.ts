import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { type Browser, createBrowser, logInAtProvider } from './testing/browser.js';
import { GLOBAL_SCOPE, openRbacWorld, type RbacWorld } from './testing/rbac-world.js';

let database: TestDatabase;
let world: RbacWorld;
let admin: string;
let provider: ChildProcess;
let issuer: string;
beforeAll(async () => {
  database = await openTestDatabase();
  world = await openRbacWorld(database.sql);
  admin = await world.bootstrap();
  const program = fileURLToPath(new URL('./testing/openid-provider.mjs', import.meta.url));
  provider = spawn(process.execPath, [program, at('callback')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = (await once(provider.stdout!, 'data')) as [Buffer];
  issuer = line.toString().trim();
});
afterAll(async () => {
  provider?.stdin?.end();
  await world?.close();
  await database?.close();
});
beforeEach(() => {
  world.oidc.settings = {
    issuer,
    clientId: 'talos',
    clientSecret: 'a secret of the tests, long enough',
    origin: world.listener.url,
    groupsClaim: 'groups',
  };
});

const at = (path: string): string => `${world.listener.url}/talos/v1/rbac/${path}`;
const bind = async (role: string, subject: object) =>
  (await world.call('POST', 'bindings', { key: admin, body: { role, subject, scope: GLOBAL_SCOPE } })).body;
const whoAmI = (browser: Browser) => browser.get(at('whoami'));
const token = ({ cookies }: Browser): string =>
  cookies.get(`${new URL(world.listener.url).host} talos`) ?? '';

async function logIn(name: string, browser = createBrowser()): Promise<Browser> {
  const back = await logInAtProvider(browser, at('login'), name);
  const done = await browser.get(back);
  if (done.status !== 200) throw new Error(done.text);
  return browser;
}

// RBAC-16
describe('a person', () => {
  it('logs in at a real provider and is issuer and subject, verified address and groups', async () => {
    const browser = await logIn('ann');
    const { principal } = JSON.parse((await whoAmI(browser)).text);
    expect(principal).toEqual({
      kind: 'person',
      id: `${issuer} ann`,
      how: 'cookie',
      subjects: [
        { kind: 'person', issuer, id: 'ann' },
        { kind: 'email', issuer, id: 'ann@example.com' },
        { kind: 'group', issuer, id: 'staff' },
      ],
    });
  });

  it('may do what its bindings, its address and its groups say, and nothing by itself', async () => {
    const browser = await logIn('ann');
    const read = () => browser.get(`${world.listener.url}/other/audit-read`);
    expect((await read()).status).toBe(403);
    const byGroup = await bind('auditor', { kind: 'group', issuer, id: 'staff' });
    expect((await read()).status).toBe(200);
    await world.call('DELETE', `bindings/${byGroup.id}`, { key: admin });
    await bind('auditor', { kind: 'email', issuer: 'https://other.example', id: 'ann@example.com' });
    expect((await read()).status).toBe(403);
    await bind('auditor', { kind: 'email', issuer, id: 'eve@example.com' });
    const eve = await logIn('eve');
    expect((await eve.get(`${world.listener.url}/other/audit-read`)).status).toBe(403);
  });

  it('is not let in where talos.yaml names no provider, or one that does not answer', async () => {
    world.oidc.settings = undefined;
    expect((await createBrowser().get(at('login'))).status).toBe(404);
    world.oidc.settings = { issuer: 'http://127.0.0.1:1', clientId: 'x', origin: world.listener.url };
    expect((await createBrowser().get(at('login'))).status).toBe(503);
  });
});

// RBAC-16
describe('a login', () => {
  it('sends the browser to the provider with PKCE, and asks for nothing that a caller names', async () => {
    const sent = await createBrowser().get(at('login'));
    const { origin, searchParams } = new URL(sent.location!);
    expect([sent.status, origin]).toEqual([303, issuer]);
    expect(searchParams.get('code_challenge_method')).toBe('S256');
    expect(searchParams.get('redirect_uri')).toBe(at('callback'));
    expect(searchParams.get('state')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(sent.setCookie[0]).toMatch(/HttpOnly; SameSite=Lax; Max-Age=600/);
    for (const query of ['return=https://evil.example', 'redirect_uri=https://evil.example'])
      expect((await createBrowser().get(at(`login?${query}`))).status).toBe(400);
  });

  it('sets a cookie no script reads and no other site sends', async () => {
    const browser = createBrowser();
    const back = await logInAtProvider(browser, at('login'), 'ann');
    const done = await browser.get(back);
    expect(done.setCookie[0]).toMatch(
      /^talos=tal_log_[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/,
    );
    expect(done.text).toBe('{"logged_in":true}');
    const kept = JSON.stringify(await database.sql.query('SELECT * FROM rbac_login'));
    expect(kept).not.toContain(token(browser));
    expect(JSON.stringify(world.events)).not.toContain(token(browser));
  });

  it('is completed once: the answer of the provider is not taken twice', async () => {
    const browser = createBrowser();
    const back = await logInAtProvider(browser, at('login'), 'ann');
    const cookies = new Map(browser.cookies);
    expect((await browser.get(back)).status).toBe(200);
    for (const [name, value] of cookies) browser.cookies.set(name, value);
    expect((await browser.get(back)).status).toBe(401);
  });

  it('is completed by the browser that began it, and with its own code', async () => {
    const [mine, theirs] = [createBrowser(), createBrowser()];
    const myBack = await logInAtProvider(mine, at('login'), 'ann');
    const theirBack = await logInAtProvider(theirs, at('login'), 'eve');
    expect((await createBrowser().get(myBack)).status).toBe(401);
    // My state was used up by that; a mixed pair of code and state does not hold either.
    const swapped = new URL(theirBack);
    swapped.searchParams.set('code', new URL(myBack).searchParams.get('code')!);
    expect((await theirs.get(swapped.href)).status).toBe(401);
    expect(token(mine)).toBe('');
    expect(token(theirs)).toBe('');
  });

  it('does not hold with another state, issuer, an error, a member twice, or too late', async () => {
    const change = async (edit: (url: URL) => void) => {
      const browser = createBrowser();
      const url = new URL(await logInAtProvider(browser, at('login'), 'ann'));
      edit(url);
      return (await browser.get(url.href)).status;
    };
    expect(await change((url) => url.searchParams.set('state', 'A'.repeat(43)))).toBe(401);
    expect(await change((url) => url.searchParams.set('iss', 'https://evil.example'))).toBe(401);
    expect(await change((url) => url.searchParams.set('error', 'access_denied'))).toBe(401);
    expect(await change((url) => url.searchParams.delete('state'))).toBe(400);
    expect(await change((url) => url.searchParams.append('state', 'x'))).toBe(400);
    const late = () => {
      world.time.now += 10 * 60_000;
    };
    expect(await change(late)).toBe(401);
  });

  it('always makes a new session and ends the one before: nobody can prepare it', async () => {
    const browser = await logIn('ann');
    const before = token(browser);
    await logIn('ann', browser);
    expect(token(browser)).not.toBe(before);
    expect((await world.call('GET', 'whoami', { key: before })).status).toBe(401);
    const planted = createBrowser();
    planted.cookies.set(`${new URL(world.listener.url).host} talos`, `tal_log_${'A'.repeat(43)}`);
    await logIn('ann', planted);
    expect(token(planted)).not.toBe(`tal_log_${'A'.repeat(43)}`);
  });
});

// RBAC-10, RBAC-17
describe('a session', () => {
  const headers = (browser: Browser, more: object = {}) => ({ cookie: `talos=${token(browser)}`, ...more });
  const own = () => ({ origin: world.listener.url, 'x-talos-csrf': '1' });

  it('changes something by cookie only for a page of ours', async () => {
    const browser = await logIn('ann');
    const check = (more: object) =>
      world.call('POST', 'check', { headers: headers(browser, more), body: { permission: 'audit:read' } });
    expect((await check(own())).status).toBe(200);
    for (const wrong of [
      {},
      { origin: world.listener.url },
      { 'x-talos-csrf': '1' },
      { ...own(), origin: 'http://localhost:1' },
      { ...own(), origin: 'http://127.0.0.1:1' },
    ])
      expect(await check(wrong), JSON.stringify(wrong)).toMatchObject({ status: 403 });
    const key = token(browser);
    expect((await world.call('POST', 'check', { key, body: { permission: 'audit:read' } })).status).toBe(200);
  });

  it('ends by logging out, by an administrator, when it is idle and when it is old', async () => {
    const first = await logIn('ann');
    const out = await world.call('POST', 'logout', { headers: headers(first, own()) });
    expect(out.status).toBe(204);
    expect((await world.call('GET', 'whoami', { key: token(first) })).status).toBe(401);

    const second = await logIn('ann');
    const { sessions } = (await world.call('GET', 'sessions', { key: admin })).body;
    expect(JSON.stringify(sessions)).not.toContain('tal_log_');
    expect(sessions[0]).toMatchObject({ issuer, subject: 'ann' });
    for (const { id } of sessions)
      expect((await world.call('DELETE', `sessions/${id}`, { key: admin })).status).toBe(204);
    expect((await whoAmI(second)).status).toBe(401);

    // A provider that was taken out, or replaced, names nobody any more; put back it does.
    const kept = await logIn('ann');
    const { settings } = world.oidc;
    world.oidc.settings = undefined;
    expect((await world.call('GET', 'whoami', { key: token(kept) })).status).toBe(401);
    world.oidc.settings = { ...settings!, issuer: 'https://other.example' };
    expect((await world.call('GET', 'whoami', { key: token(kept) })).status).toBe(401);
    world.oidc.settings = settings;
    expect((await world.call('GET', 'whoami', { key: token(kept) })).status).toBe(200);

    const idle = await logIn('ann');
    world.time.now += 30 * 60_000;
    expect((await whoAmI(idle)).status).toBe(401);

    const old = await logIn('ann');
    const [before, end] = [world.time.now, world.time.now + 8 * 60 * 60_000];
    while (world.time.now < end - 20 * 60_000) {
      world.time.now += 20 * 60_000;
      expect((await whoAmI(old)).status).toBe(200);
      await expect.poll(() => lastSeen()).toBe(world.time.now);
    }
    world.time.now = end;
    expect((await whoAmI(old)).status).toBe(401);
    world.time.now = before;
  });
});

async function lastSeen(): Promise<number | undefined> {
  const rows = await database.sql.query<{ seen_at: number }>(
    'SELECT max(seen_at) AS seen_at FROM rbac_login',
  );
  return rows[0]?.seen_at;
}
