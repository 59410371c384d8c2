import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { didKeyKeys, portableCrypto, verifyRegistration } from '@talosprotocol/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdentity } from '../agent/identity.js';
import { createAuditClient } from './audit.js';
import { createGatewayClient } from './gateway.js';
import { createKernelClient } from './kernel.js';

const did = createIdentity().did;
const uuid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const hash = 'A'.repeat(43);
const registered = {
  did,
  kind: 'agent',
  name: 'reader',
  registered: '2026-11-23T15:04:05.678Z',
  proven: true,
  status: 'active',
} as const;
const trust = { format: 'talos-trust-v1', logs: [], exporters: [], emitters: [], anchors: [] } as const;

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let seen: { line: string; authorization: string | undefined; body: string }[];

beforeEach(async () => {
  seen = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { authorization } = request.headers;
    seen.push({
      line: `${request.method} ${request.url}`,
      authorization,
      body: Buffer.concat(chunks).toString(),
    });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const say = (body: unknown, status = 200) => {
  answer = (_, response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
};
const kernel = (options: object = {}) => createKernelClient({ url, adminToken: 'secret', ...options });
const audit = () => createAuditClient({ url, adminToken: 'secret' });
const code = (code: string) => expect.objectContaining({ code });
const lines = () => seen.map(({ line }) => line);

describe('kernel client', () => {
  it('lists the nodes of the platform, and takes no list that is none', async () => {
    const node = { node: 1, boot: 3, services: ['kernel'], url: null, version: '0.1.0' };
    const listed = { ...node, started: registered.registered, seen: 0, live: true };
    say({ self: 1, nodes: [listed] });
    expect(await kernel().nodes()).toEqual({ self: 1, nodes: [listed] });
    expect(seen).toMatchObject([{ line: 'GET /talos/v1/nodes', authorization: 'Bearer secret' }]);
    say({ self: 1, nodes: [{ ...listed, services: ['cat'] }] });
    await expect(kernel().nodes()).rejects.toThrow(code('UPSTREAM_FAILED'));
  });

  it('calls the routes with the administrator token', async () => {
    say(registered);
    expect(await kernel().registerIdentity({ did, kind: 'agent', name: 'reader', proof: 'a.b.c' })).toEqual(
      registered,
    );
    expect(await kernel().getIdentity(did)).toEqual(registered);
    say({ identities: [registered], next: null });
    await kernel().listIdentities();
    await kernel().listIdentities({ limit: 5 });
    await kernel().listIdentities({ cursor: undefined, limit: undefined } as never);
    say({ chain: `e30.e30.${'A'.repeat(86)}`, lid: hash, cth: hash });
    await kernel().issueCapability({
      sub: did,
      exp: 2,
      grants: [{ scope: 'tool:fs', ops: ['read'] }],
    } as never);
    say({ lid: hash, by: 'administrator', revoked: registered.registered });
    await kernel().revoke({ lid: hash });
    say({ decision: { effect: 'allow' }, items: [] });
    await kernel().authorize({ chain: 'x', items: [{ scope: 'tool:fs', op: 'read' }] });
    expect(lines()).toEqual([
      'POST /talos/v1/identities',
      `GET /talos/v1/identities/${encodeURIComponent(did)}`,
      'GET /talos/v1/identities',
      'GET /talos/v1/identities?limit=5',
      'GET /talos/v1/identities',
      'POST /talos/v1/capabilities',
      'POST /talos/v1/revocations',
      'POST /talos/v1/authorize',
    ]);
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']));
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      ...{ did, kind: 'agent', name: 'reader', proof: 'a.b.c' },
    });
  });

  it('sends no token it does not have', async () => {
    say({ lid: hash, by: 'issuer', revoked: registered.registered });
    await createKernelClient({ url }).revoke({ revocation: 'x' });
    expect(seen[0]?.authorization).toBeUndefined();
  });

  it('registers who proves a key, over the nonce it was given (ID-13)', async () => {
    const identity = createIdentity();
    const gateway = createIdentity().did;
    const nonce = 'n'.repeat(54);
    answer = (request, response) =>
      void response.end(
        JSON.stringify(
          request.url?.endsWith('nonces') ? { nonce, gateway, expires: registered.registered } : registered,
        ),
      );
    await kernel().registerSigner(identity.signer, { kind: 'agent', name: 'reader' });
    expect(lines()).toEqual(['POST /talos/v1/nonces', 'POST /talos/v1/identities']);
    const { proof, ...stated } = JSON.parse(seen[1]?.body ?? '');
    expect(stated).toEqual({ did: identity.did, kind: 'agent', name: 'reader' });
    const used: string[] = [];
    const ctx = {
      audience: gateway,
      now: Math.floor(Date.now() / 1000),
      crypto: portableCrypto,
      consumeNonce: (one: string) => void used.push(one),
    };
    verifyRegistration(proof, stated, didKeyKeys(identity.did), ctx);
    expect(used).toEqual([nonce]);
  });

  it('rotates, ends and looks back', async () => {
    say(registered);
    await kernel().rotateIdentity(did, {});
    await kernel().deactivateIdentity(did, { statement: 'a.b.c' });
    say({ did, changes: [{ at: registered.registered, type: 'registered' }] });
    await kernel().identityHistory(did);
    say({ did, asOf: registered.registered, formerKeys: [] });
    await kernel().formerKeys(did, registered.registered);
    const path = `/talos/v1/identities/${encodeURIComponent(did)}`;
    expect(lines()).toEqual([
      `POST ${path}/rotation`,
      `POST ${path}/deactivation`,
      `GET ${path}/history`,
      `GET ${path}/keys?at=${encodeURIComponent(registered.registered)}`,
    ]);
  });

  it('encodes what comes from outside', async () => {
    say({}, 404);
    await expect(kernel().why('../identities?x#y')).rejects.toThrow(code('UPSTREAM_FAILED'));
    await expect(kernel().wellKnown()).rejects.toThrow(code('UPSTREAM_FAILED'));
    expect(lines()).toEqual([
      'GET /talos/v1/requests/..%2Fidentities%3Fx%23y',
      'GET /.well-known/talos.json',
    ]);
  });

  it('rejects with the code the kernel gave', async () => {
    const problem = {
      ...{ type: 'urn:talos:problem:CONFLICT', title: 'The state does not allow this', status: 409 },
      ...{ code: 'CONFLICT', detail: 'known already', request_id: `req_${uuid}`, hint: 'Choose another.' },
    };
    say(problem, 409);
    await expect(kernel().getIdentity(did)).rejects.toMatchObject({
      code: 'CONFLICT',
      data: { hint: 'Choose another.', reason: 'known already' },
      cause: { request_id: `req_${uuid}` },
    });
  });

  it.each<[string, string]>([
    ['no JSON', '<html>'],
    ['a member twice', '{"did":"a","did":"b"}'],
    ['an unknown member', JSON.stringify({ ...registered, admin: true })],
    ['a member less', JSON.stringify({ did })],
    ['nothing', ''],
    ['too much', ' '.repeat(1_048_577)],
  ])('refuses an answer with %s', async (_, body) => {
    say(body);
    await expect(kernel().getIdentity(did)).rejects.toThrow(code('UPSTREAM_FAILED'));
  });

  it('takes the token nowhere else', async () => {
    answer = (_, response) => void response.writeHead(307, { location: `${url}/elsewhere` }).end();
    await expect(kernel().getIdentity(did)).rejects.toThrow(code('UNAVAILABLE'));
    expect(seen).toHaveLength(1);
  });

  it('waits for no answer longer than it was told, also for the end of one', async () => {
    answer = () => undefined;
    await expect(kernel({ timeoutMs: 50 }).getIdentity(did)).rejects.toThrow('50 ms');
    answer = (_, response) => void response.write('{');
    await expect(kernel({ timeoutMs: 50 }).getIdentity(did)).rejects.toThrow(code('UNAVAILABLE'));
  });

  it('says of an answer that is cut off that it was, and not that nobody is there (AUD-63)', async () => {
    answer = (_, response) => {
      response.writeHead(200);
      response.write('{"half', () => response.destroy());
    };
    const early = { code: 'UNAVAILABLE', data: { reason: `${url} ended its answer early` } };
    const hinted = { ...early, data: { ...early.data, hint: expect.stringContaining('talos audit fsck') } };
    await expect(audit().bundle()).rejects.toMatchObject(hinted);
    await expect(audit().disclosures(0)).rejects.toMatchObject(hinted);
    const error = await kernel()
      .getIdentity(did)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject(early);
    expect(error).not.toMatchObject({ data: { hint: expect.anything() } });
  });

  it('says that nobody answers', async () => {
    const nobody = kernel({ url: 'http://127.0.0.1:1' }).getIdentity(did);
    await expect(nobody).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(nobody).rejects.toThrow('cannot be reached');
  });

  it.each(['ftp://127.0.0.1', 'http://user@127.0.0.1', 'file:///etc/passwd', 'nonsense'])(
    'is not made for %s',
    (bad) => {
      expect(() => createKernelClient({ url: bad })).toThrow(TypeError);
    },
  );
});

describe('audit client', () => {
  const own = { origin: 'talos.local/x/default', tenant: 'default', emitter: did, eseq: 1, prev: null };
  const time = '2026-01-01T00:00:00.000Z';
  const members = { boot: 1, policy: 'a'.repeat(64), size: 7 };
  const event = { v: 1, id: `evt_${uuid}`, time, type: 'log.opened', ...own, principal: null, ...members };
  const eventRecord = { index: 7, receipt: `rcp_${uuid}`, event, disclosures: [] };

  it('calls the routes (AUD-13, AUD-15)', async () => {
    say(trust);
    expect(await audit().trust()).toEqual(trust);
    say({ events: [], next: null });
    expect(await audit().events({ limit: 1 })).toEqual({ events: [], next: null });
    await audit().events({ tool: 'a/b?c', since: '2026-01-01T00:00:00.000Z', min_cost: 5, order: 'oldest' });
    say(eventRecord);
    expect(await audit().event(7)).toEqual(eventRecord);
    await audit().event('evt_1');
    say('{"any":"bytes"}');
    expect(Buffer.from(await audit().bundle({ from: 0, to: 9 })).toString()).toBe('{"any":"bytes"}');
    await audit().bundle({ agent: ['did:key:a', 'did:key:b'], earlier: [1, 2] });
    await audit().bundle();
    say('talos.local/x/default\n1\nroot\n');
    expect(await audit().checkpoint()).toBe('talos.local/x/default\n1\nroot\n');
    say({ erased: 1, event: `evt_${uuid}` });
    expect(await audit().eraseEvent(`evt_${uuid}`)).toEqual({ erased: 1, event: `evt_${uuid}` });
    say({ erased: 0, event: null });
    expect(await audit().erase({ agent: did })).toEqual({ erased: 0, event: null });
    const pruned = { from: 0, to: 256, kept: 1, event: `evt_${uuid}` };
    say(pruned);
    expect(await audit().prune({ before: '2026-01-01T00:00:00.000Z' })).toEqual(pruned);
    expect(lines()).toEqual([
      'GET /talos/v1/trust',
      'GET /talos/v1/events?limit=1',
      'GET /talos/v1/events?tool=a%2Fb%3Fc&since=2026-01-01T00%3A00%3A00.000Z&min_cost=5&order=oldest',
      'GET /talos/v1/events/7',
      'GET /talos/v1/events/evt_1',
      'GET /talos/v1/bundle?from=0&to=9',
      'GET /talos/v1/bundle?agent=did%3Akey%3Aa&agent=did%3Akey%3Ab&earlier=1&earlier=2',
      'GET /talos/v1/bundle',
      'GET /tlog/checkpoint',
      `DELETE /talos/v1/events/evt_${uuid}/disclosures`,
      'POST /talos/v1/erasures',
      'POST /talos/v1/log/prune',
    ]);
  });

  it('refuses a receipt that is none', async () => {
    say({ format: 'talos-receipt-v2' });
    await expect(audit().receipt(`rcp_${uuid}`)).rejects.toThrow(code('UPSTREAM_FAILED'));
  });
});

describe('gateway client', () => {
  const pin = 'a'.repeat(64);
  const manifest = { op: 'read', resources: [] };
  const tool = { name: 'read', tool: { name: 'read' }, proposed: { manifest, pin, notes: ['guessed'] } };
  const pinned = { manifest, pin, computed: pin, matches: false, changes: [{ member: 'title', is: '"x"' }] };
  const tools = { server: 'fs', tools: [tool, { ...tool, pinned }], missing: ['gone'] };
  const gateway = () => createGatewayClient({ url, adminToken: 'secret' });

  it('calls the routes', async () => {
    say(tools);
    expect(await gateway().tools('fs')).toEqual(tools);
    say({ policy: pin });
    expect(await gateway().reloadPolicy()).toEqual({ policy: pin });
    const none = { at: '2026-11-30T12:00:00.000Z', budgets: [], counters: [], next: null };
    say(none);
    expect(await gateway().budgets({ budget: 'a', limit: 5 })).toEqual(none);
    expect(lines()).toEqual([
      'GET /talos/v1/servers/fs/tools',
      'POST /talos/v1/policy/reload',
      'GET /talos/v1/budgets?budget=a&limit=5',
    ]);
  });

  it.each<[string, unknown]>([
    ['a tool without a proposal', { ...tools, tools: [{ name: 'read', tool: {} }] }],
    ['a pin that is none', { ...tools, tools: [{ ...tool, proposed: { ...tool.proposed, pin: 'x' } }] }],
    ['a change that is none', { ...tools, tools: [{ ...tool, pinned: { ...pinned, changes: [1] } }] }],
    ['an unknown member', { ...tools, trusted: true }],
    ['an unknown member of a tool', { ...tools, tools: [{ ...tool, trusted: true }] }],
    ['no list', { ...tools, missing: 'gone' }],
  ])('refuses an answer with %s', async (_, body) => {
    say(body);
    await expect(gateway().tools('fs')).rejects.toThrow(code('UPSTREAM_FAILED'));
  });

  it('takes nothing but a hash for the policy in force', async () => {
    for (const body of [{}, { policy: 'x' }, { policy: pin, more: 1 }]) {
      say(body);
      await expect(gateway().reloadPolicy()).rejects.toThrow(code('UPSTREAM_FAILED'));
    }
  });
});
