import { createChecker, type Finding, ProblemDetails } from '@talosprotocol/contracts';
import { attenuate, createSigner, parseBearerKey, parseChain, signRevocation } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../platform/testing/database.js';
import { register as registerSigner, registrationOf } from './testing/identity.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from './testing/kernel-world.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());
beforeEach(async () => {
  world = await openWorld(database.sql);
});
afterEach(() => world?.close());

const newDid = (): string => createSigner(random(32), crypto).did;

describe('identities', () => {
  const register = (body: unknown) => world.post('/talos/v1/identities', body, world.admin);
  const newSigner = () => createSigner(random(32), crypto);

  it('are registered, in the log with a sealed name, and found again', async () => {
    const signer = newSigner();
    const answer = await registerSigner(world, signer, { name: 'Invoice reader' });
    expect(answer).toMatchObject({
      status: 201,
      body: { did: signer.did, name: 'Invoice reader', registered: '2026-11-23T12:00:00.000Z' },
    });
    expect((await world.get(`/talos/v1/identities/${signer.did}`, world.admin)).body).toEqual(answer.body);
    const [draft] = world.sink.drafts;
    expect(draft).toMatchObject({
      type: 'identity.registered',
      members: { did: signer.did, kind: 'agent' },
    });
    expect(JSON.stringify(draft?.members)).not.toContain('Invoice');
    expect(draft?.disclosures).toMatchObject([
      { pointer: '/name', value: 'Invoice reader' },
      { pointer: '/actor', value: { kind: 'service', how: 'key' } },
    ]);
  });

  it('may be registered again as the same, not as something else', async () => {
    const signer = newSigner();
    const first = await registerSigner(world, signer);
    expect((await registerSigner(world, signer)).body).toEqual(first.body);
    expect(world.sink.drafts).toHaveLength(1);
    expect(await registerSigner(world, signer, { kind: 'gateway' })).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    });
    const both = [registerSigner(world, signer), registerSigner(world, signer)];
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([201, 201]);
  });

  it('are listed newest first, in pages without gap or repetition', async () => {
    await database.sql.query('DELETE FROM kernel_identity');
    const dids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      const signer = newSigner();
      await registerSigner(world, signer, { name: `n${index}` });
      dids.unshift(signer.did);
      if (index % 3 === 2) world.time.now += 1_000;
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await world.get(`/talos/v1/identities?limit=3${query}`, world.admin);
      expect(body.identities.length).toBeLessThanOrEqual(3);
      seen.push(...body.identities.map(({ did }: { did: string }) => did));
      cursor = body.next;
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen)).toEqual(new Set(dids));
    expect(seen[0]).toBe(dids[0]);
  });

  it.each<[string, unknown]>([
    [
      'a key of another type',
      { did: 'did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc', kind: 'agent', name: 'a' },
    ],
    ['a key off the rule', { did: `did:key:z6Mk${'1'.repeat(44)}`, kind: 'agent', name: 'a' }],
    ['did:web of an address', { did: 'did:web:127.0.0.1', kind: 'gateway', name: 'a' }],
    ['another kind', { did: 'did:web:acme.example', kind: 'robot', name: 'a' }],
    ['an empty name', { did: 'did:web:acme.example', kind: 'agent', name: '' }],
    ['a name of many bytes', { did: 'did:web:acme.example', kind: 'agent', name: '😀'.repeat(40) }],
    ['a name that turns the line around', { did: 'did:web:acme.example', kind: 'agent', name: 'a\u202eb' }],
    ['an unknown member', { did: 'did:web:acme.example', kind: 'agent', name: 'a', admin: true }],
  ])('are refused with %s', async (_, body) => {
    const proof = `a.b.${'A'.repeat(86)}`;
    expect(await register({ ...(body as object), proof })).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED' },
    });
    expect(world.sink.drafts).toEqual([]);
  });

  it.each(['limit=0', 'limit=501', 'limit=x', 'limit=1&limit=2', 'cursor=x', 'cursor=', 'page=2'])(
    'are not listed by the query %s',
    async (query) => {
      expect((await world.get(`/talos/v1/identities?${query}`, world.admin)).body.code).toBe('MALFORMED');
    },
  );
});

describe('issuing', () => {
  const issue = (body: unknown) => world.post('/talos/v1/capabilities', body, world.admin);
  const claims = () => ({ sub: newDid(), grants: GRANTS, exp: world.seconds() + 3600 });

  it('signs a root for this gateway, in the log before it is answered', async () => {
    const { status, body } = await issue({ ...claims(), dlg: 1, prn: 'mailto:a@acme.example' });
    expect(status).toBe(201);
    const chain = parseChain(body.chain, crypto);
    expect(body).toEqual({ chain: chain.chain, lid: chain.leaf.lid, cth: chain.cth });
    expect(chain.root.claims).toMatchObject({
      iss: world.organisation.did,
      aud: [world.gateway.did],
      dlg: 1,
    });
    expect(world.sink.drafts.map(({ type }) => type)).toEqual(['chain', 'capability.issued']);
    const [, issued] = world.sink.drafts;
    const actor = { $c: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(issued?.members).toEqual({ cth: chain.cth, lid: chain.leaf.lid, actor });
    // AUD-4: who issued it
    expect(issued?.disclosures).toMatchObject([
      { pointer: '/actor', value: { kind: 'service', id: expect.stringMatching(/^svc_/), how: 'key' } },
    ]);
  });

  it('gives a bearer key once and keeps nothing that opens it', async () => {
    const { sub: _, ...rest } = claims();
    const { body } = await issue({ ...rest, bearer: true });
    const caller = await world.kernel.credentials.authenticateBearer(body.key);
    expect(caller.capability.cth).toBe(body.cth);
    expect(parseBearerKey(body.key, crypto).chain.chain).toBe(body.chain);
    const seed = body.key.slice(body.key.lastIndexOf('~') + 1);
    const rows = await database.sql.query('SELECT row_to_json(t)::text AS row FROM kernel_capability t');
    expect(JSON.stringify([rows, world.sink.drafts])).not.toContain(seed);
  });

  it('gives no key for a holder who has one', async () => {
    expect((await issue({ ...claims(), bearer: true })).body).not.toHaveProperty('key');
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['more than the anchor allows', { grants: [{ scope: 'tool:other', ops: ['read'] }] }, 'POLICY_DENIED'],
    [
      'an operation the anchor does not allow',
      { grants: [{ scope: 'tool:files', ops: ['write'] }] },
      'POLICY_DENIED',
    ],
    [
      'prefix on a path',
      {
        grants: [
          { scope: 'tool:files', ops: ['read'], where: [{ ptr: '/path', op: 'prefix', value: '/docs' }] },
        ],
      },
      'MALFORMED',
    ],
    ['a bearer key that lives too long', { bearer: true, exp: 1_764_000_000 }, 'DELEGATION_INVALID'],
    ['an end in the past', { exp: 1_600_000_000 }, 'EXPIRED'],
    ['more than a year', { exp: 1_900_000_000 }, 'MALFORMED'],
    ['an issuer of its own', { iss: 'did:web:acme.example' }, 'MALFORMED'],
    ['a parent', { par_hash: 'A'.repeat(43) }, 'MALFORMED'],
    [
      'a scope with a wildcard in its resource',
      { grants: [{ scope: 'tool:files/method:a/resource:/a*', ops: ['read'] }] },
      'MALFORMED',
    ],
    ['no holder', { sub: undefined }, 'MALFORMED'],
  ])('refuses %s', async (_, change, code) => {
    const body = { ...claims(), ...change };
    if (change['exp'] === 1_764_000_000) body.exp = world.seconds() + 86_401;
    expect((await issue(body)).body.code).toBe(code);
    expect(world.sink.drafts).toEqual([]);
  });

  it('CAP-28 shows every way in which a request exceeds the anchor, and the bound of each', async () => {
    const [anchor] = world.policy.anchors;
    const limits = [{ per: 'day' as const, calls: 5, cost: { amount: 10, currency: 'EUR' } }];
    world.policy.anchors.splice(0, 1, { ...anchor!, limits });
    const { status, body } = await issue({
      ...claims(),
      grants: [
        { scope: 'tool:files/method:a', ops: ['read', 'write'] },
        { scope: 'admin:x', ops: ['read'] },
      ],
      limits: [{ per: 'day', calls: 6, cost: { amount: 1, currency: 'USD' } }],
    });
    expect([status, body.code, body.link]).toEqual([403, 'POLICY_DENIED', 0]);
    expect(body.detail).toContain('and 3 more');
    const shown = body.findings.map(({ at, exceeds, bound }: Finding) => [at, exceeds, bound]);
    expect(shown).toEqual([
      ['grants[0].ops', 'op', 'read tool:files'],
      ['grants[1].scope', 'scope', 'tool:files'],
      ['limits[0].calls', 'limit', '5 calls per day'],
      ['limits[0].cost', 'limit', '10 EUR micro-units per day'],
    ]);
    expect(createChecker(ProblemDetails)(body)).toBeUndefined();
    expect(world.sink.drafts).toEqual([]);
    const prefix = { ptr: '/path', op: 'prefix', value: '/docs' };
    const many = Array.from({ length: 16 }, () => prefix);
    const grants = Array.from({ length: 5 }, () => ({ scope: 'tool:files', ops: ['read'], where: many }));
    const refused = await issue({ ...claims(), grants });
    expect(refused.body.code).toBe('MALFORMED');
    expect(refused.body.findings).toHaveLength(64);
    expect(refused.body.findings[63].at).toBe('grants[3].where[15]');
  });

  it('CAP-28 holds a request against the policy in force, not that of the start', async () => {
    const other = [{ scope: 'tool:other', ops: ['read'] }];
    expect((await issue({ ...claims(), grants: other })).body.code).toBe('POLICY_DENIED');
    const [anchor] = world.policy.anchors;
    world.policy.anchors.splice(0, 1, { ...anchor!, grants: [{ scope: 'tool:other', ops: ['read'] }] });
    expect((await issue({ ...claims(), grants: other })).status).toBe(201);
    expect((await issue(claims())).body.findings[0].bound).toBe('tool:other');
  });

  it('says so if the organisation is no anchor', async () => {
    world.policy.anchors.length = 0;
    expect((await issue(claims())).body).toMatchObject({
      code: 'UNTRUSTED_ISSUER',
      hint: expect.stringContaining('talos.yaml'),
    });
  });
});

describe('authorize (DEC-11)', () => {
  const ask = (body: unknown) => world.post('/talos/v1/authorize', body, world.admin);
  const call = { server: 'files', tool: 'read_file' };
  const item = { scope: 'tool:files/method:read_file/resource:/docs/a', op: 'read' };

  it('decides on items, or on a call by its manifest, and consumes nothing', async () => {
    const { chain } = issueTo(world, { limits: [{ per: 'total', calls: 1 }] });
    for (let time = 0; time < 3; time += 1) {
      const byItems = await ask({ chain: chain.chain, items: [item] });
      expect(byItems).toMatchObject({ status: 200, body: { decision: { effect: 'allow' }, items: [item] } });
    }
    const byCall = await ask({ chain: chain.chain, call, arguments: { path: '/docs/a', weight: 0.5 } });
    expect(byCall.body).toEqual({ decision: { effect: 'allow' }, items: [item] });
    expect(world.sink.drafts).toEqual([]);
  });

  it('looks anew at a chain whose signatures it knows', async () => {
    const { chain } = issueTo(world);
    const effect = async () => {
      const { decision } = (await ask({ chain: chain.chain, items: [item] })).body;
      return decision.code ?? decision.effect;
    };
    expect([await effect(), await effect()]).toEqual(['allow', 'allow']);
    const anchors = world.policy.anchors.splice(0);
    expect(await effect()).toBe('UNTRUSTED_ISSUER');
    world.policy.anchors.push(...anchors);
    expect(await effect()).toBe('allow');
    expect(
      (await world.post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin)).status,
    ).toBeLessThan(300);
    expect(await effect()).toBe('REVOKED');
  });

  it('names code, link, item, caveat and hint of a denial', async () => {
    const { agent, chain, issuing } = issueTo(world, { dlg: 1 });
    const where = [{ ptr: '/path', op: 'within' as const, value: '/docs' }];
    const grants = [{ scope: 'tool:files', ops: ['read' as const], where }];
    const narrow = attenuate(chain, { sub: newDid(), grants, exp: 'same' }, agent, issuing);
    const { body } = await ask({ chain: narrow.chain, call, arguments: { path: '/etc/passwd' } });
    expect(body.decision).toMatchObject({
      effect: 'deny',
      code: 'CONSTRAINT_VIOLATED',
      link: 2,
      item: 'read tool:files/method:read_file/resource:/etc/passwd',
      caveat: expect.stringContaining('/docs'),
      hint: expect.any(String),
    });
  });

  it('turns a bad chain into a denial', async () => {
    const { chain } = issueTo(world);
    await world.post('/talos/v1/revocations', { lid: chain.leaf.lid }, world.admin);
    const { body } = await ask({ chain: chain.chain, items: [item] });
    expect(body.decision).toMatchObject({ effect: 'deny', code: 'REVOKED', link: 1 });
  });

  it('says what the gateway would of the same call: scope before existence (DEC-8)', async () => {
    const { chain } = issueTo(world, { grants: [{ scope: 'tool:files/method:read_file', ops: ['read'] }] });
    for (const tool of ['rm', 'write_file']) {
      const { body } = await ask({ chain: chain.chain, call: { ...call, tool }, arguments: {} });
      expect(body.decision).toEqual({
        effect: 'deny',
        code: 'SCOPE_MISMATCH',
        link: 1,
        item: `tool:files/method:${tool}`,
        hint: expect.stringContaining(`--grant 'tool:files/method:${tool}:<read or write>'`),
      });
    }
  });

  it('says what was wrong with a link that is malformed, as the gateway does', async () => {
    const [header, , signature] = issueTo(world).chain.chain.split('.');
    const { body } = await ask({ chain: `${header}.e30.${signature}`, items: [item] });
    expect(body.decision).toMatchObject({
      code: 'MALFORMED',
      hint: expect.stringMatching(/^What was wrong: .+\. Check/),
    });
  });

  it('denies an unknown tool, a value its kind does not allow, and a limit nobody counts', async () => {
    const { chain } = issueTo(world);
    const unknown = await ask({ chain: chain.chain, call: { ...call, tool: 'rm' }, arguments: {} });
    expect(unknown.body.decision.code).toBe('UNKNOWN_TOOL');
    const up = await ask({ chain: chain.chain, call, arguments: { path: '/docs/../etc' } });
    expect(up.body.decision.code).toBe('CONSTRAINT_VIOLATED');
    const tokens = issueTo(world, { limits: [{ per: 'day', tokens: 5 }] }).chain;
    const limited = await ask({ chain: tokens.chain, items: [item] });
    expect(limited.body.decision).toEqual({ effect: 'allow' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['no items', { items: [] }],
    ['a wildcard', { items: [{ scope: 'tool:*', op: 'read' }] }],
    ['items and a call', { items: [item], call }],
    ['neither', {}],
    ['an unknown member', { items: [item], x: 1 }],
    ['arguments that are no object', { items: [item], arguments: [] }],
  ])('refuses a request with %s', async (_, body) => {
    const { chain } = issueTo(world);
    const answer = await ask({ chain: chain.chain, ...body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
  });
});

describe('what was decided about a request', () => {
  it.each<[string, number]>([
    ['req_01234567-89ab-7def-8123-456789abcdef', 404],
    ['req_x', 400],
    ['evt_01234567-89ab-7def-8123-456789abcdef', 400],
  ])('%s answers %i', async (id, status) => {
    expect((await world.get(`/talos/v1/requests/${id}`, world.admin)).status).toBe(status);
  });
  // AUD-88
  it('says where a refusal is counted that has no event of its own', async () => {
    const id = 'req_01234567-89ab-7def-8123-456789abcdef';
    const { body } = await world.get(`/talos/v1/requests/${id}`, world.admin);
    const { hint } = body as { hint: string };
    expect(hint).toContain('limits.denialsPerMinute');
    expect(hint).toContain('talos audit tail --type denials');
  });
});

describe('the public document', () => {
  it('says who answers here', async () => {
    const { status, body } = await world.get('/.well-known/talos.json');
    expect(status).toBe(200);
    expect(body).toMatchObject({ gateway: world.gateway.did, organisation: world.organisation.did });
  });
});

describe('readiness', () => {
  it('tries the gate, and fails when revocations are stale', async () => {
    const { canary, revocations } = world.kernel.checks;
    await canary?.();
    expect(() => revocations?.()).not.toThrow();
    world.time.monotonic += 60_001;
    expect(() => revocations?.()).toThrow();
    await expect(canary?.()).rejects.toThrow('canary');
  });
});

const POSTS = ['identities', 'capabilities', 'authorize', 'sessions', 'revocations'].map(
  (name) => `/talos/v1/${name}`,
);
const ADMIN = ['/talos/v1/identities', '/talos/v1/identities/x', '/talos/v1/requests/x'];

describe('hostile input', () => {
  const headersOf = (path: string) => (/sessions|revocations/.test(path) ? {} : world.admin);

  it.each(POSTS)('%s refuses every body that is no strict JSON object', async (path) => {
    const bodies = [
      '',
      '[]',
      'null',
      '1',
      '"x"',
      '{',
      '{"a":1,"a":1}',
      '{"a":1}{',
      '\ufeff{}',
      '{"a":"\\ud800"}',
      '{"__proto__":{}}',
    ];
    for (const body of [...bodies, `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, '{"a":9007199254740993}']) {
      const answer = await world.post(path, body, headersOf(path));
      expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'MALFORMED']);
    }
  });

  it.each(POSTS)('%s refuses other content types and large bodies', async (path) => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=utf-16',
      '',
    ]) {
      const answer = await world.post(path, '{}', { ...headersOf(path), 'content-type': type });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    const large = await world.post(path, `{"a":"${'x'.repeat(1024 * 1024)}"}`, headersOf(path));
    expect(large).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
  });

  it.each(POSTS)('%s answers a body that is not UTF-8', async (path) => {
    const response = await fetch(`${world.listener.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headersOf(path) },
      body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
    });
    expect(response.status).toBe(400);
  });

  it('gives a typed answer to any JSON in any place', async () => {
    const { agent, chain, issuing } = issueTo(world);
    const revocation = signRevocation({ chain }, agent, issuing);
    const sound: [string, Record<string, unknown>][] = [
      ['/talos/v1/identities', { did: newDid(), kind: 'agent', name: 'a', proof: revocation }],
      [`/talos/v1/identities/${agent.did}/rotation`, { statement: revocation, succession: revocation }],
      [`/talos/v1/identities/${agent.did}/deactivation`, { statement: revocation }],
      [
        '/talos/v1/capabilities',
        { sub: newDid(), grants: GRANTS, exp: world.seconds() + 60, limits: [], bearer: true },
      ],
      [
        '/talos/v1/authorize',
        { chain: chain.chain, items: [], call: { server: 'files', tool: 'a' }, arguments: {} },
      ],
      ['/talos/v1/sessions', { chain: chain.chain, proof: revocation }],
      ['/talos/v1/revocations', { revocation, lid: chain.leaf.lid }],
    ];
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        chain.chain,
        revocation,
        `${chain.chain}~`,
        `${chain.chain}~${chain.chain}`,
        'a.b.c',
        '~',
        '__proto__',
      ),
    );
    const value = fc.oneof(
      text,
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom(GRANTS, null, {}, [], -1, 2 ** 53),
    );
    const member = fc.oneof(fc.constantFrom(...sound.flatMap(([, body]) => Object.keys(body))), text);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...sound),
        member,
        value,
        fc.boolean(),
        async ([path, body], name, changed, drop) => {
          const base = drop ? {} : body;
          const answer = await world.post(path, { ...base, [name]: changed }, headersOf(path));
          expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
          if (answer.status >= 400) expect(answer.body.type).toBe(`urn:talos:problem:${answer.body.code}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('lets nobody at administrator routes without the token', async () => {
    const tokens = [
      {},
      { authorization: 'Bearer x' },
      { authorization: `Bearer tal_admin_${'b'.repeat(43)}` },
    ];
    for (const headers of [...tokens, { authorization: 'Basic YTpi' }, { 'x-api-key': 'x' }]) {
      for (const path of POSTS.slice(0, 3)) expect((await world.post(path, {}, headers)).status).toBe(401);
      for (const path of ADMIN) expect((await world.get(path, headers)).status).toBe(401);
    }
    expect(world.sink.drafts).toEqual([]);
  });

  it('refuses a credential beside an opening', async () => {
    const answer = await world.post('/talos/v1/sessions', {}, { authorization: 'Bearer x' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
  });

  it('asks the limiter before it works', async () => {
    world.flood.on = true;
    for (const path of ['/talos/v1/nonces', '/talos/v1/sessions', '/talos/v1/revocations']) {
      expect(await world.post(path, '{')).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    }
  });

  it('serves no other method', async () => {
    for (const path of POSTS) {
      const response = await fetch(`${world.listener.url}${path}`, { method: 'PUT', headers: world.admin });
      expect(response.status).toBe(405);
    }
  });
});

describe('below the reserve of free disk', () => {
  it('nothing new is registered or issued, and revoking goes on', async () => {
    const capability = { sub: newDid(), grants: GRANTS, exp: world.seconds() + 60 };
    const issued = await world.post('/talos/v1/capabilities', capability, world.admin);
    world.sink.isFull = true;
    const before = world.sink.drafts.length;
    const signer = createSigner(random(32), crypto);
    const identity = await registrationOf(world, signer);
    for (const [path, body] of [
      ['/talos/v1/identities', identity],
      ['/talos/v1/capabilities', capability],
    ] as const) {
      const answer = await world.post(path, body, world.admin);
      expect(answer).toMatchObject({ status: 503, body: { code: 'DISK_FULL' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(world.sink.drafts).toHaveLength(before);
    const { lid } = issued.body;
    expect(await world.post('/talos/v1/revocations', { lid }, world.admin)).toMatchObject({ status: 200 });
    world.sink.isFull = false;
    expect(await registerSigner(world, signer)).toMatchObject({ status: 201 });
  });
});
