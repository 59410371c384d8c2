import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { GLOBAL_SCOPE, openRbacWorld, type RbacWorld, unknownId } from './testing/rbac-world.js';

let database: TestDatabase;
let world: RbacWorld;
let admin: string;
beforeAll(async () => {
  database = await openTestDatabase();
  world = await openRbacWorld(database.sql);
  admin = await world.bootstrap();
});
afterAll(async () => {
  await world?.close();
  await database?.close();
});

const call = (method: string, path: string, key: string, body?: object, version?: number) =>
  world.call(method, path, { key, ...(body ? { body } : {}), ...(version ? { version } : {}) });
const team = (team_id: string) => ({ kind: 'team', attributes: { team_id } });
const toService = (id: string) => ({ kind: 'service', id });
const role = (allow: string[], deny: string[] = []) => ({ name: 'a role', allow, deny });
const createRole = async (allow: string[], deny: string[] = []): Promise<string> =>
  (await call('POST', 'roles', admin, role(allow, deny))).body.id;
const FORBIDDEN = { status: 403, body: { code: 'FORBIDDEN' } };
const UNAUTHENTICATED = { status: 401, body: { code: 'UNAUTHENTICATED' } };

// RBAC-9, RBAC-10
describe('a caller', () => {
  it('that shows nothing, or what does not count, is nobody', async () => {
    const { key } = await world.account(admin, 'viewer');
    const other = `${key.slice(0, -2)}${key.endsWith('AA') ? 'BE' : 'AA'}`;
    const swapped = key.replace(/svc_[0-9a-f]{32}/, `svc_${'0'.repeat(32)}`);
    for (const wrong of ['x', 'tal_svc_', other, swapped, key.toUpperCase(), `tal_log_${'A'.repeat(43)}`])
      expect(await call('GET', 'whoami', wrong), wrong).toMatchObject(UNAUTHENTICATED);
    expect(await world.call('GET', 'whoami')).toMatchObject(UNAUTHENTICATED);
    const cookie = await world.call('GET', 'whoami', { headers: { cookie: `__Host-talos=${key}` } });
    expect(cookie).toMatchObject(UNAUTHENTICATED);
  });

  it('is refused on record: what was asked, who it is if that is known, and of a credential a hash (AUD-5)', async () => {
    const { id, key } = await world.account(admin, 'auditor');
    const before = world.denials.length;
    const answers = [
      await world.call('GET', '/other/policy-reload'),
      await call('GET', '/other/policy-reload', `${key.slice(0, -4)}AAAA`),
      await call('GET', '/other/policy-reload', key),
    ];
    const made = world.denials.slice(before);
    const method = 'admin/policy:reload';
    expect(made.map(({ members }) => members)).toMatchObject([
      { surface: 'admin', code: 'UNAUTHENTICATED', credential: { kind: 'none' }, action: { method } },
      { surface: 'admin', code: 'UNAUTHENTICATED', credential: { kind: 'bearer' }, action: { method } },
      { surface: 'admin', code: 'FORBIDDEN', credential: { kind: 'bearer' }, action: { method } },
    ]);
    expect(made.map(({ members }) => members.request)).toEqual(answers.map(({ body }) => body.request_id));
    expect(made.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    expect(made.map(({ disclosures }) => disclosures.map(({ value }) => value))).toMatchObject([
      [{ caveat: 'the credential is missing or does not count' }],
      [{ caveat: 'the credential is missing or does not count' }],
      [
        { caveat: 'policy:reload is not permitted: no binding grants it' },
        { kind: 'service', id, how: 'key' },
      ],
    ]);
    expect(JSON.stringify(made)).not.toContain(key.slice(8, 40));
  });

  it('that is let in and asks for more than it may give is refused on record, once; so is who has no token (RBAC-7, RBAC-14)', async () => {
    const { id, key } = await world.account(admin, 'security-admin');
    const before = world.denials.length;
    const subject = { kind: 'service', id };
    const answers = [
      await call('POST', 'bindings', key, { role: 'platform-admin', subject, scope: GLOBAL_SCOPE }),
      await call('POST', 'roles', key, { name: 'all', allow: ['*:*'] }),
      await world.call('POST', 'bootstrap', { body: { token: `tal_boot_${'A'.repeat(43)}` } }),
      await call('POST', 'check', (await world.account(admin, 'viewer')).key, {
        permission: 'audit:read',
        subject,
      }),
      await call('GET', '/other/policy-reload', key),
    ];
    const made = world.denials.slice(before);
    expect(made.map(({ members }) => [members.code, members.request])).toEqual(
      answers.map(({ body }) => [body.code, body.request_id]),
    );
    expect(made.map(({ members }) => members.code)).toEqual([
      'FORBIDDEN',
      'FORBIDDEN',
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'FORBIDDEN',
    ]);
    expect(made[0]?.disclosures.map(({ value }) => value)).toMatchObject([
      { caveat: expect.stringContaining('cannot give it') },
      { kind: 'service', id },
    ]);
  });

  it('of an address from which too many came that do not count is not looked up; one that counts is', async () => {
    const { key } = await world.account(admin, 'auditor');
    const own = await world.restart();
    const ask = (text: string) => own.call('GET', 'whoami', { key: text });
    const wrong = (n: number) => `tal_svc_${n.toString(16).padStart(32, '0')}_${'A'.repeat(43)}`;
    try {
      expect((await ask(key)).status).toBe(200);
      const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => ask(wrong(n))));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 401)).toHaveLength(60);
      expect(statuses.filter((status) => status === 429)).toHaveLength(10);
      expect((await ask(key)).status).toBe(200);
      expect((await ask(admin)).status).toBe(429);
      own.time.now += 60_000;
      expect((await ask(admin)).status).toBe(200);
      own.time.now -= 60_000;
    } finally {
      await own.listener.closeGracefully(1_000);
    }
  });

  it('shows one credential only', async () => {
    const headers = { cookie: `__Host-talos=tal_log_${'A'.repeat(43)}` };
    expect((await world.call('GET', 'whoami', { key: admin, headers })).status).toBe(400);
    const twice = `__Host-talos=tal_log_${'A'.repeat(43)}; __Host-talos=tal_log_${'B'.repeat(43)}`;
    expect((await world.call('GET', 'whoami', { headers: { cookie: twice } })).status).toBe(400);
  });

  it('learns who it is and what it holds, even if that is nothing', async () => {
    const { id, key, binding } = await world.account(admin, 'viewer');
    const { body } = await call('GET', 'whoami', key);
    expect(body.principal).toEqual({ kind: 'service', id, how: 'key', subjects: [toService(id)] });
    expect(body.bindings.map((one: { id: string }) => one.id)).toEqual([binding]);
    await call('DELETE', `bindings/${binding}`, admin);
    expect((await call('GET', 'whoami', key)).body.bindings).toEqual([]);
    expect(await call('GET', '/other/audit-read', key)).toMatchObject(FORBIDDEN);
  });

  // RBAC-18
  it('may read the one request that a binding names, and a denial of one counts above a global role', async () => {
    const trace = (trace_id: string) => ({ kind: 'trace', attributes: { trace_id } });
    const reader = await createRole(['audit:read']);
    const { key } = await world.account(admin, reader, trace('req_a'));
    const read = async (who: string, request: string) =>
      (await call('GET', `/other/requests/${request}`, who)).status;
    expect(await read(key, 'req_a')).toBe(200);
    for (const other of ['req_b', 'req_aa', 'REQ_A', '*', '%2A', 'req_a%2F'])
      expect(await read(key, other), other).toBe(403);
    expect(await call('GET', '/other/audit-read', key)).toMatchObject(FORBIDDEN);
    const auditor = await world.account(admin, 'auditor');
    const blind = await createRole([], ['audit:*']);
    const subject = toService(auditor.id);
    const denial = await call('POST', 'bindings', admin, { role: blind, subject, scope: trace('req_a') });
    expect(denial.status).toBe(201);
    expect([await read(auditor.key, 'req_a'), await read(auditor.key, 'req_b')]).toEqual([403, 200]);
    expect(await read(auditor.key, '*')).toBe(403);
    // What it denies in one place it does not deny where everything is listed.
    expect((await call('GET', '/other/audit-read', auditor.key)).status).toBe(200);
    await call('DELETE', `bindings/${denial.body.id}`, admin);
    expect(await read(auditor.key, 'req_a')).toBe(200);
  });

  it('may be given the keys of one account to look after, and no more by it than it holds', async () => {
    const secret = (secret_id: string) => ({ kind: 'secret', attributes: { secret_id } });
    const [mine, other] = [await world.account(admin, 'viewer'), await world.account(admin, 'viewer')];
    const keeper = await createRole(['rbac:read', 'rbac:write']);
    const { id, key } = await world.account(admin, keeper, secret(mine.id));
    const rotate = (account: string) => call('POST', `service-accounts/${account}/keys`, key, { overlap: 0 });
    expect((await call('GET', `service-accounts/${mine.id}`, key)).status).toBe(200);
    expect(await call('GET', `service-accounts/${other.id}`, key)).toMatchObject(FORBIDDEN);
    expect(await call('GET', 'service-accounts', key)).toMatchObject(FORBIDDEN);
    expect(await call('POST', 'service-accounts', key, { name: 'more' })).toMatchObject(FORBIDDEN);
    expect(await rotate(other.id)).toMatchObject(FORBIDDEN);
    // Whoever makes a key of an account has all that the account has (RBAC-7).
    expect(await rotate(mine.id)).toMatchObject(FORBIDDEN);
    await call('POST', 'bindings', admin, { role: 'viewer', subject: toService(id), scope: GLOBAL_SCOPE });
    expect((await rotate(mine.id)).status).toBe(201);
    expect(await rotate(other.id)).toMatchObject(FORBIDDEN);
    const locked = await createRole([], ['rbac:*']);
    const subject = toService(id);
    await call('POST', 'bindings', admin, { role: locked, subject, scope: secret(mine.id) });
    expect(await rotate(mine.id)).toMatchObject(FORBIDDEN);
  });

  it('may call the routes whose permission it has, and the handler knows who it is', async () => {
    const { id, key } = await world.account(admin, 'auditor');
    expect(await call('GET', '/other/audit-read', key)).toMatchObject({ status: 200, body: { id } });
    for (const path of ['/other/capability-issue', '/other/policy-reload'])
      expect(await call('GET', path, key)).toMatchObject(FORBIDDEN);
    expect(await call('POST', 'roles', key, role(['audit:read']))).toMatchObject(FORBIDDEN);
  });

  it('with a role in one team does nothing where no team is meant', async () => {
    const { key } = await world.account(admin, 'auditor', team('a'));
    expect(await call('GET', '/other/audit-read', key)).toMatchObject(FORBIDDEN);
  });

  it('denied by any binding is told which', async () => {
    const { id, key } = await world.account(admin, 'auditor');
    const denying = await createRole([], ['audit:*']);
    const bound = await call('POST', 'bindings', admin, {
      role: denying,
      subject: toService(id),
      scope: GLOBAL_SCOPE,
    });
    const answer = await call('GET', '/other/audit-read', key);
    expect(answer).toMatchObject(FORBIDDEN);
    expect(answer.body.detail).toContain(bound.body.id);
  });
});

// RBAC-2, RBAC-8, RBAC-13
describe('roles', () => {
  it('are listed with the built-in ones, page by page', async () => {
    for (let n = 0; n < 3; n += 1) await createRole(['audit:read']);
    const first = await call('GET', 'roles?limit=2', admin);
    expect(first.body.roles).toHaveLength(7);
    const second = await call('GET', `roles?limit=2&cursor=${first.body.next}`, admin);
    const ids = [...first.body.roles, ...second.body.roles].map((one: { id: string }) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const bad of ['limit=0', 'limit=501', 'cursor=x', 'x=1'])
      expect((await call('GET', `roles?${bad}`, admin)).status).toBe(400);
  });

  it('change only from the version one has read', async () => {
    const id = await createRole(['audit:read']);
    const changed = await call('PUT', `roles/${id}`, admin, role(['audit:*']), 1);
    expect(changed.body).toMatchObject({ version: 2, allow: ['audit:*'] });
    expect((await call('PUT', `roles/${id}`, admin, role(['*:*']), 1)).body.code).toBe('CONFLICT');
    expect((await call('PUT', `roles/${id}`, admin, role(['*:*']))).body.code).toBe('MALFORMED');
    expect((await call('DELETE', `roles/${id}`, admin, undefined, 1)).body.code).toBe('CONFLICT');
    expect((await call('DELETE', `roles/${id}`, admin, undefined, 2)).status).toBe(204);
    expect((await call('GET', `roles/${id}`, admin)).status).toBe(404);
  });

  it('of two changes at once one is refused', async () => {
    const id = await createRole(['audit:read']);
    const both = await Promise.all(
      ['audit:read', 'audit:export'].map((one) => call('PUT', `roles/${id}`, admin, role([one]), 1)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('that are built in never change, and one that is bound is not removed', async () => {
    for (const id of ['platform-admin', 'viewer']) {
      expect((await call('PUT', `roles/${id}`, admin, role([]), 1)).body.code).toBe('CONFLICT');
      expect((await call('DELETE', `roles/${id}`, admin, undefined, 1)).body.code).toBe('CONFLICT');
    }
    const id = await createRole(['audit:read']);
    await world.account(admin, id);
    expect((await call('DELETE', `roles/${id}`, admin, undefined, 1)).body.code).toBe('CONFLICT');
  });

  it('take only what is a pattern', async () => {
    for (const bad of ['audit', '*', '*:read', 'audit:*x', 'Audit:read', 'a:b:c', 'audit:re*'])
      expect((await call('POST', 'roles', admin, role([bad]))).status, bad).toBe(400);
    expect((await call('POST', 'roles', admin, { ...role([]), id: 'viewer' })).status).toBe(400);
    expect((await call('POST', 'roles', admin, { name: 'x\u202e', allow: [] })).status).toBe(400);
  });

  it('that change are in force with the next request, in every process', async () => {
    const id = await createRole(['audit:read']);
    const { key } = await world.account(admin, id);
    const other = await world.restart();
    expect((await other.call('GET', '/other/audit-read', { key })).status).toBe(200);
    await call('PUT', `roles/${id}`, admin, role(['identity:read']), 1);
    for (const at of [world, other])
      expect((await at.call('GET', '/other/audit-read', { key })).status).toBe(403);
    await other.listener.closeGracefully(1_000);
  });
});

// RBAC-7
describe('nobody grants what they lack', () => {
  it('not by a role, not by a binding, not to a group, not by changing a role they hold', async () => {
    const { id, key } = await world.account(admin, 'security-admin');
    const attempts = [
      call('POST', 'roles', key, role(['*:*'])),
      call('POST', 'roles', key, role(['capability:issue'])),
      call('POST', 'roles', key, role([], ['policy:reload'])),
      ...[toService(id), { kind: 'group', issuer: 'https://id.example', id: 'mine' }].map((subject) =>
        call('POST', 'bindings', key, { role: 'platform-admin', subject, scope: GLOBAL_SCOPE }),
      ),
      call('POST', 'bindings', key, { role: 'operator', subject: toService(id), scope: team('a') }),
    ];
    for (const answer of await Promise.all(attempts)) expect(answer).toMatchObject(FORBIDDEN);
    expect((await call('POST', 'roles', key, role(['audit:read']))).status).toBe(201);
    const own = await createRole(['rbac:*']);
    const holder = await world.account(admin, own);
    expect(await call('PUT', `roles/${own}`, holder.key, role(['*:*']), 1)).toMatchObject(FORBIDDEN);
  });

  it('nor takes away, or takes over, what is above them', async () => {
    const { key } = await world.account(admin, 'security-admin');
    const above = await world.account(admin, 'operator');
    const denied = await world.account(admin, await createRole(['*:*'], ['policy:*']));
    expect(await call('DELETE', `bindings/${above.binding}`, key)).toMatchObject(FORBIDDEN);
    expect(await call('DELETE', `bindings/${denied.binding}`, denied.key)).toMatchObject(FORBIDDEN);
    const path = `service-accounts/${above.id}`;
    expect(await call('POST', `${path}/keys`, key, {})).toMatchObject(FORBIDDEN);
    expect(await call('PUT', path, key, { disabled: true }, 2)).toMatchObject(FORBIDDEN);
    expect((await call('GET', 'whoami', above.key)).status).toBe(200);
  });

  it('whoever holds it in one team grants it in that team only', async () => {
    const id = await createRole(['rbac:write', 'audit:read']);
    const reader = await createRole(['audit:read']);
    const { key } = await world.account(admin, id, team('a'));
    const to = await world.account(admin, 'viewer');
    const grant = (scope: object, which = reader) =>
      call('POST', 'bindings', key, { role: which, subject: toService(to.id), scope });
    expect((await grant(team('a'))).status).toBe(201);
    for (const scope of [team('b'), team('*'), GLOBAL_SCOPE])
      expect(await grant(scope)).toMatchObject(FORBIDDEN);
    expect(await grant({ kind: 'repo', attributes: { team_id: 'a' } })).toMatchObject(FORBIDDEN);
    expect(await grant(team('a'), 'viewer')).toMatchObject(FORBIDDEN);
    expect(await call('POST', 'roles', key, role(['audit:read']))).toMatchObject(FORBIDDEN);
    expect(await call('POST', 'service-accounts', key, { name: 'x' })).toMatchObject(FORBIDDEN);
  });
});

// RBAC-3, RBAC-4, RBAC-13
describe('bindings', () => {
  it('need an attribute, a role and an account that exist, and are not made twice', async () => {
    const { id } = await world.account(admin, 'viewer');
    const make = (change: object) =>
      call('POST', 'bindings', admin, {
        role: 'viewer',
        subject: toService(id),
        scope: team('a'),
        ...change,
      });
    for (const scope of [
      { kind: 'team', attributes: {} },
      { kind: 'global', attributes: { team_id: 'a' } },
      { kind: 'team', attributes: { repo_id: 'a' } },
      { kind: 'team', attributes: { team_id: 'a*' } },
      { kind: 'path', attributes: { path: '/a/../b' } },
      { kind: 'path', attributes: { path: 'a' } },
      { kind: 'other', attributes: { team_id: 'a' } },
    ])
      expect((await make({ scope })).status, JSON.stringify(scope)).toBe(400);
    expect((await make({ role: unknownId('role') })).status).toBe(404);
    expect((await make({ subject: toService(unknownId('svc')) })).status).toBe(404);
    expect((await make({})).status).toBe(201);
    expect((await make({})).body.code).toBe('CONFLICT');
  });

  it('the last administrator stays, and can be followed by another', async () => {
    const { body } = await call('GET', 'whoami', admin);
    const [{ id }] = body.bindings;
    const self = `service-accounts/${body.principal.id}`;
    expect((await call('DELETE', `bindings/${id}`, admin)).body.code).toBe('CONFLICT');
    const { version } = (await call('GET', self, admin)).body;
    expect((await call('PUT', self, admin, { disabled: true }, version)).body.code).toBe('CONFLICT');
    const next = await world.account(admin, 'platform-admin');
    expect((await call('DELETE', `bindings/${next.binding}`, admin)).status).toBe(204);
    // Nobody can log in as one of these.
    for (const kind of ['person', 'email', 'group']) {
      const subject = { kind, issuer: 'https://nowhere.example', id: 'a@nowhere.example' };
      const body = { role: 'platform-admin', subject, scope: GLOBAL_SCOPE };
      expect((await call('POST', 'bindings', admin, body)).status).toBe(201);
    }
    expect((await call('DELETE', `bindings/${id}`, admin)).body.code).toBe('CONFLICT');
  });

  it('the last administrator who may write to RBAC is not denied it, anywhere: nobody could take that away (RBAC-13, RBAC-7)', async () => {
    const { body } = await call('GET', 'whoami', admin);
    const [{ id }] = body.bindings;
    const subject = toService(body.principal.id);
    const all = await createRole([], ['*:*']);
    const denied = { status: 409, body: { code: 'CONFLICT' } };
    for (const scope of [GLOBAL_SCOPE, team('a')])
      expect(await call('POST', 'bindings', admin, { role: all, subject, scope })).toMatchObject(denied);
    const bound = await createRole(['llm:read']);
    expect((await call('POST', 'bindings', admin, { role: bound, subject, scope: team('a') })).status).toBe(
      201,
    );
    const denies = role([], ['rbac:*']);
    expect(await call('PUT', `roles/${bound}`, admin, denies, 1)).toMatchObject(denied);
    // Another administrator may be denied it, and is none then who could undo anything.
    const other = await world.account(admin, 'platform-admin');
    const others = { role: all, subject: toService(other.id), scope: GLOBAL_SCOPE };
    expect((await call('POST', 'bindings', admin, others)).status).toBe(201);
    expect(await call('DELETE', `bindings/${id}`, admin)).toMatchObject(denied);
  });
});

// RBAC-12
describe('service accounts', () => {
  it('show a key once, keep its hash, and say coarsely when it was used', async () => {
    const { id, key } = await world.account(admin, 'viewer');
    expect(key).toMatch(/^tal_svc_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/);
    await call('GET', 'whoami', key);
    const listed = await call('GET', 'service-accounts', admin);
    expect(JSON.stringify(listed.body)).not.toContain(key.slice(-43));
    await expect
      .poll(async () => (await call('GET', `service-accounts/${id}`, admin)).body.keys[0].last_used)
      .toBe(new Date(world.time.now).toISOString());
    const kept = JSON.stringify(await database.sql.query('SELECT * FROM rbac_service_key'));
    expect(kept).not.toContain(key.slice(-43));
    expect(JSON.stringify(world.events)).not.toContain(key.slice(-43));
    expect(world.log.join('')).not.toContain(key.slice(-43));
  });

  it('rotate with an overlap', async () => {
    const { id, key } = await world.account(admin, 'viewer');
    const before = world.time.now;
    const rotated = await call('POST', `service-accounts/${id}/keys`, admin, { overlap: 60 });
    const fresh = rotated.body.key;
    for (const one of [key, fresh]) expect((await call('GET', 'whoami', one)).status).toBe(200);
    world.time.now += 60_000;
    expect(await call('GET', 'whoami', key)).toMatchObject(UNAUTHENTICATED);
    expect((await call('GET', 'whoami', fresh)).status).toBe(200);
    await call('POST', `service-accounts/${id}/keys`, admin, { overlap: 0 });
    expect(await call('GET', 'whoami', fresh)).toMatchObject(UNAUTHENTICATED);
    world.time.now = before + 60_000;
  });

  it('have four live keys at most', async () => {
    const { id } = await world.account(admin, 'viewer');
    const more = () => call('POST', `service-accounts/${id}/keys`, admin, { overlap: 600 });
    for (let n = 0; n < 3; n += 1) expect((await more()).status).toBe(201);
    expect((await more()).body.code).toBe('CONFLICT');
  });

  it('end with their key, and while they are disabled', async () => {
    const { body } = await call('POST', 'service-accounts', admin, { name: 'short', expires_in: 60 });
    const path = `service-accounts/${body.service_account.id}`;
    const { version } = body.service_account;
    const off = await call('PUT', path, admin, { disabled: true }, version);
    expect(await call('GET', 'whoami', body.key)).toMatchObject(UNAUTHENTICATED);
    expect((await call('PUT', path, admin, { disabled: false }, version)).body.code).toBe('CONFLICT');
    expect((await call('POST', `${path}/keys`, admin, {})).body.code).toBe('CONFLICT');
    await call('PUT', path, admin, { disabled: false }, off.body.version);
    expect((await call('GET', 'whoami', body.key)).status).toBe(200);
    world.time.now += 60_000;
    expect(await call('GET', 'whoami', body.key)).toMatchObject(UNAUTHENTICATED);
    for (const expires_in of [0, 59, 366 * 86_400 + 1, 1.5])
      expect((await call('POST', 'service-accounts', admin, { name: 'x', expires_in })).status).toBe(400);
  });
});

// RBAC-5, RBAC-6
describe('a check', () => {
  it('tells callers about themselves, and about others those who may read bindings', async () => {
    const { id, key, binding } = await world.account(admin, 'viewer');
    const ask = (as: string, body: object) => call('POST', 'check', as, body);
    expect((await ask(key, { permission: 'identity:read' })).body).toEqual({
      effect: 'allow',
      reason: 'allowed',
      binding,
      role: 'viewer',
      pattern: 'identity:read',
    });
    expect((await ask(key, { permission: 'policy:reload', scope: team('a') })).body).toEqual({
      effect: 'deny',
      reason: 'not_granted',
    });
    const about = { permission: 'audit:read', subject: toService(id) };
    expect(await ask(key, about)).toMatchObject(FORBIDDEN);
    expect((await ask(admin, about)).body.effect).toBe('deny');
    expect((await ask(key, { permission: 'audit:*' })).status).toBe(400);
    expect((await ask(key, { permission: 'audit:read', scope: team('*') })).body.reason).toBe('malformed');
  });
});

// RBAC-15
it('every change is an event before it is in force, and without log nothing changes', async () => {
  const id = await createRole(['audit:read']);
  expect(world.events.at(-1)).toMatchObject({
    type: 'rbac.changed',
    tenant: 'acme',
    members: { change: 'role.created', target: id },
    disclosures: [
      { pointer: '/actor', value: { kind: 'service', how: 'key' } },
      { pointer: '/detail', value: { allow: ['audit:read'] } },
    ],
  });
  world.sink.isDown = true;
  expect((await call('PUT', `roles/${id}`, admin, role(['*:*']), 1)).status).toBe(503);
  world.sink.isDown = false;
  expect((await call('GET', `roles/${id}`, admin)).body.version).toBe(1);
});

// RBAC-11: fail closed; the statement that asks is gone.
it('without the table nobody is let in', async () => {
  await database.sql.query('ALTER TABLE rbac_state RENAME TO rbac_state_gone');
  expect((await call('GET', '/other/audit-read', admin)).status).toBeGreaterThanOrEqual(500);
  await database.sql.query('ALTER TABLE rbac_state_gone RENAME TO rbac_state');
  expect((await call('GET', '/other/audit-read', admin)).status).toBe(200);
});
