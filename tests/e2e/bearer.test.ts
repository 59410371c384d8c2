import {
  attenuateBearer,
  attenuateToBearer,
  encodeBase64url,
  formatBearerKey,
  parseBearerKey,
  parseChain,
} from '@talosprotocol/protocol';
import { createIdentity } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProvenDenial } from '../support/evidence.js';
import { CLIENTS, callOnce, connect } from '../support/mcp-clients.js';
import {
  type Cast,
  castOf,
  crypto,
  deps,
  openWorld,
  scopeBelow,
  seconds,
  type World,
} from '../support/world.js';

let world: World;
let cast: Cast;
const READ = 'files__read_text_file';

beforeAll(async () => {
  world = await openWorld();
  cast = await castOf(world, world.files);
});
afterAll(() => world?.close());

type Change = Partial<Parameters<typeof attenuateToBearer>[1]>;
const grants = () => [{ scope: scopeBelow('*', world.files.docs), ops: ['read' as const] }];

/** A key the agent makes offline of its own capability. */
function makeKey(change: Change = {}, of = cast, now = seconds()): string {
  const options = { aud: 'same' as const, grants: grants(), exp: now + 600, ...change };
  return attenuateToBearer(of.agentChain, options, of.agent.signer, { ...deps, now: () => now });
}

// CAP-22, CAP-23
describe.each(Object.keys(CLIENTS))('a bearer key, with %s', (kind) => {
  const call = (key: string, path = world.files.guide, tool = READ) =>
    callOnce(world.ready.gateway, { key }, tool, { path }, kind);

  it('is all a client needs', async () => {
    const caller = await connect(world.ready.gateway, { key: makeKey() }, kind);
    expect(await caller.tools()).toEqual([READ, 'files__list_directory']);
    expect(await caller.call(READ, { path: world.files.guide })).toEqual({ text: '# Guide\n' });
    const { denial } = await caller.call(READ, { path: world.files.secret });
    expect(denial).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1 });
    await expectProvenDenial(world, denial!);
    await caller.close();
  });

  it('is narrowed offline by whoever holds it, and cannot be widened so', async () => {
    const key = makeKey({ dlg: 1, bearer_below: true });
    const tool = [{ scope: scopeBelow('read_text_file', world.files.docs), ops: ['read' as const] }];
    const narrow = attenuateBearer(key, { aud: 'same', grants: tool, exp: seconds() + 60 }, deps);
    expect(await call(narrow)).toEqual({ text: '# Guide\n' });
    expect((await call(narrow, world.files.docs, 'files__list_directory')).denial).toMatchObject({
      code: 'SCOPE_MISMATCH',
      link: 3,
    });
    const wide = [{ scope: 'tool:*', ops: ['read' as const, 'write' as const] }];
    const greedy = attenuateBearer(key, { aud: 'same', grants: wide, exp: seconds() + 60 }, deps);
    expect((await call(greedy, world.files.secret)).denial).toMatchObject({
      code: 'SCOPE_MISMATCH',
      link: 1,
    });
  });

  it.each<[string, string, number | undefined, () => string]>([
    ['with another seed', 'PROOF_INVALID', 2, () => withSeed(makeKey(), new Uint8Array(32).fill(9))],
    ['stripped of its last link', 'PROOF_INVALID', 1, () => stripped(makeKey())],
    ['of a chain that is no key', 'PROOF_INVALID', 2, () => ofSession()],
    ['that expired', 'EXPIRED', 2, () => makeKey({}, cast, seconds() - 1000)],
    [
      'that lives longer than the anchor lets it',
      'DELEGATION_INVALID',
      2,
      () => makeKey({ exp: seconds() + 90_000 }),
    ],
    ['for another gateway', 'AUDIENCE_MISMATCH', 2, () => makeKey({ aud: [createIdentity().did] })],
    ['with one byte altered', 'SIGNATURE_INVALID', 2, () => altered(makeKey())],
    [
      'without its seed',
      'MALFORMED',
      undefined,
      () => `talos_${parseBearerKey(makeKey(), crypto).chain.chain}`,
    ],
    ["that is another vendor's", 'MALFORMED', undefined, () => 'sk-proj-aaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('is refused %s', async (_, code, link, keyOf) => {
    const { denial } = await call(keyOf());
    expect(denial).toMatchObject({ code, ...(link === undefined ? {} : { link }) });
    await expectProvenDenial(world, denial!);
  });

  // CAP-26
  it('is refused at once when a link of it is revoked, also where it was used before', async () => {
    const own = await castOf(world, world.files);
    const key = makeKey({}, own);
    const caller = await connect(world.ready.gateway, { key }, kind);
    expect(await caller.call(READ, { path: world.files.guide })).toHaveProperty('text');
    await world.kernel.revoke({ lid: own.agentLid });
    const { denial } = await caller.call(READ, { path: world.files.guide });
    expect(denial).toMatchObject({ code: 'REVOKED', link: 1 });
    await expectProvenDenial(world, denial!);
    await caller.close();
  });
});

describe('a bearer key', () => {
  it('is found in no other place than the Authorization header', async () => {
    const key = makeKey();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const url = new URL('/mcp', world.ready.gateway);
    for (const [target, headers] of [
      [`${url}?key=${key}`, {}],
      [String(url), { 'x-api-key': key }],
      [String(url), { cookie: `key=${key}` }],
      [String(url), { authorization: `Basic ${Buffer.from(`:${key}`).toString('base64')}` }],
    ] as const) {
      const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
      const response = await fetch(target, init);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await response.json()).toMatchObject({
        error: { code: -32010, data: { code: 'NO_CAPABILITY' } },
      });
    }
  });

  it('opens no session: whoever has the chain of it has nothing', async () => {
    const { chain } = parseBearerKey(makeKey(), crypto);
    const thief = createIdentity({ crypto });
    const identity = { ...thief, did: chain.leaf.claims.sub };
    const stolen = {
      identity: { ...identity, signer: { ...thief.signer, did: identity.did } },
      chain: chain.chain,
    };
    const { denial } = await callOnce(world.ready.gateway, stolen, READ, { path: world.files.guide });
    expect(denial).toMatchObject({ code: 'PROOF_INVALID' });
  });
});

function withSeed(key: string, seed: Uint8Array): string {
  return formatBearerKey(parseBearerKey(key, crypto).chain.chain, seed);
}

function stripped(key: string): string {
  const { chain } = parseBearerKey(key, crypto);
  const seed = key.slice(key.lastIndexOf('~') + 1);
  return `talos_${chain.links[0]!.jws}~${seed}`;
}

/** A chain for sessions, presented with the seed of its holder. */
function ofSession(): string {
  const { worker } = cast;
  return `talos_${parseChain(cast.narrow(), crypto).chain}~${encodeBase64url(worker.exportSeed())}`;
}

function altered(key: string): string {
  const at = key.lastIndexOf('.') + 10;
  return `${key.slice(0, at)}${key[at] === 'A' ? 'B' : 'A'}${key.slice(at + 1)}`;
}
