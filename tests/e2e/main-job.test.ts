import {
  encodeBase64url,
  encodeUtf8,
  type JsonObject,
  parseChain,
  signJws,
  verifyBundle,
} from '@talosprotocol/protocol';
import { parseRefusal } from '@talosprotocol/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProvenDenial, provenEvent } from '../support/evidence.js';
import { type Caller, CLIENTS, callOnce, connect } from '../support/mcp-clients.js';
import { type Cast, castOf, crypto, openWorld, scopeBelow, seconds, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const READ = 'files__read_text_file';
const guide = () => ({ path: world.files.guide });

describe.each(Object.keys(CLIENTS))('the main job, with %s', (kind) => {
  let cast: Cast;
  let caller: Caller;
  let chain: string;
  const once = (chain: string, path = world.files.guide, holder = cast.worker) =>
    callOnce(world.ready.gateway, { identity: holder, chain }, READ, { path }, kind);

  beforeAll(async () => {
    cast = await castOf(world, world.files);
    chain = cast.narrow({ limits: [{ per: 'total', calls: 5 }] });
    caller = await connect(world.ready.gateway, { identity: cast.worker, chain }, kind);
  });
  afterAll(() => caller?.close());

  // DEC-3, DEC-9, AUD-7, AUD-14
  it('lists only what may be used, and what is read has a receipt and a request id', async () => {
    expect(await caller.tools()).toEqual([READ]);
    expect(await caller.call(READ, guide())).toEqual({ text: '# Guide\n' });
    const { headers, status } = caller.last();
    expect(status).toBe(200);
    const event = await provenEvent(world, headers.get('x-talos-receipt')!);
    const request = headers.get('x-request-id')!;
    expect(event).toMatchObject({
      type: 'decision',
      effect: 'allow',
      code: null,
      request,
      surface: 'mcp',
      credential: { kind: 'session', cth: parseChain(chain, crypto).cth },
      action: { method: 'tools/call', server: 'files', tool: 'read_text_file', op: 'read' },
      principal: { sub: cast.worker.did },
    });
    const why = await world.kernel.why(request);
    expect(why).toMatchObject({ request_id: request, decision: event });
    const items = why.disclosures.find(({ pointer }) => pointer === '/items');
    expect(items?.value).toEqual([{ scope: scopeBelow('read_text_file', world.files.guide), op: 'read' }]);
  });

  // CAP-15 to CAP-20
  it.each([
    [
      'a write',
      'files__write_file',
      () => ({ path: `${world.files.docs}/new.txt`, content: 'x' }),
      'SCOPE_MISMATCH',
      2,
    ],
    ['a path outside', READ, () => ({ path: world.files.secret }), 'SCOPE_MISMATCH', 1],
    [
      'a way back by ..',
      READ,
      () => ({ path: `${world.files.docs}/../private/payroll.txt` }),
      'CONSTRAINT_VIOLATED',
      undefined,
    ],
    ['a symbolic link out', READ, () => ({ path: world.files.escape }), 'SCOPE_MISMATCH', 1],
    ['another tool', 'files__list_directory', () => ({ path: world.files.docs }), 'SCOPE_MISMATCH', 2],
    ['a tool of another server', 'odd__look', () => ({}), 'SCOPE_MISMATCH', 1],
    ['a tool there is not', 'files__nothing', () => ({}), 'SCOPE_MISMATCH', 2],
  ] as const)('refuses %s, says why, and can prove it', async (_, tool, args, code, link) => {
    const { denial } = await caller.call(tool, args());
    expect(denial).toMatchObject({ code, ...(link === undefined ? {} : { link }) });
    expect(denial!.receipt).toBe(caller.last().headers.get('x-talos-receipt'));
    expect(denial!.request_id).toBe(caller.last().headers.get('x-request-id'));
    if (code === 'SCOPE_MISMATCH') expect(denial!.hint).toMatch(/did:key:|anchor|symbolic link/);
    await expectProvenDenial(world, denial!);
  });

  // SES-9
  it('refuses an answered request sent again, byte for byte, and one with a changed byte', async () => {
    await caller.call(READ, guide());
    const { url, init } = caller.last();
    const again = await fetch(url, init);
    expect(again.status).toBe(401);
    const denial = parseRefusal(await again.text())!;
    expect(denial.code).toBe('REPLAY');
    await expectProvenDenial(world, denial);

    const authorization = new Headers(init.headers).get('authorization')!;
    const unused = authorization.replace(/seq=\d+/, 'seq=100');
    const headers = new Headers(init.headers);
    headers.set('authorization', unused);
    const changed = parseRefusal(await (await fetch(url, { ...init, headers })).text())!;
    expect(changed.code).toBe('PROOF_INVALID');
    await expectProvenDenial(world, changed);
  });

  // CAP-21
  it('refuses the sixth call, also under a session of its own', async () => {
    for (let call = 3; call <= 5; call += 1) expect(await caller.call(READ, guide())).toHaveProperty('text');
    const { denial } = await caller.call(READ, guide());
    expect(denial).toMatchObject({ code: 'BUDGET_EXCEEDED', link: 2 });
    await expectProvenDenial(world, denial!);
  });

  // CAP-19
  it.each<[string, string, number, () => string]>([
    ['altered by one byte', 'SIGNATURE_INVALID', 2, () => altered(cast.narrow())],
    ['widened, the signature kept', 'SIGNATURE_INVALID', 2, () => widened(cast, false)],
    ['widened and signed again by its holder', 'SIGNATURE_INVALID', 2, () => widened(cast, true)],
    ['that expired', 'EXPIRED', 2, () => cast.narrow({}, seconds() - 2000)],
    ['not valid yet', 'NOT_YET_VALID', 2, () => cast.narrow({ nbf: seconds() + 600 })],
    ['without its last link', 'PROOF_INVALID', 0, () => cast.agentChain],
  ])('refuses a capability %s', async (name, code, link, chainOf) => {
    const chain = chainOf();
    // The SDK would not use a chain of somebody else: a thief would.
    const holder = name === 'without its last link' ? thiefOf(cast) : cast.worker;
    const { denial } = await once(chain, world.files.guide, holder);
    expect(denial).toMatchObject({ code, ...(link === 0 ? {} : { link }) });
    await expectProvenDenial(world, denial!);
  });

  it('gives nothing more to a link that claims more than its parent, validly signed', async () => {
    const chain = cast.narrow({ grants: [{ scope: 'tool:files', ops: ['read', 'write'] }] });
    expect(await once(chain)).toEqual({ text: '# Guide\n' });
    const { denial } = await once(chain, world.files.secret);
    expect(denial).toMatchObject({ code: 'SCOPE_MISMATCH', link: 1 });
  });

  // CAP-26, SES-12
  it('refuses a capability whose parent was revoked a moment ago, on an open session and a new one', async () => {
    const chain = cast.narrow();
    const open = await connect(world.ready.gateway, { identity: cast.worker, chain }, kind);
    expect(await open.call(READ, guide())).toEqual({ text: '# Guide\n' });
    await world.kernel.revoke({ lid: cast.agentLid });
    for (const { denial } of [await open.call(READ, guide()), await once(chain)]) {
      expect(denial).toMatchObject({ code: 'REVOKED', link: 1 });
      await expectProvenDenial(world, denial!);
    }
    await open.close();
  });
});

/** The worker's key under the agent's name: possession is what it lacks. */
function thiefOf({ agent, worker }: Cast): Cast['worker'] {
  return { ...worker, did: agent.did, signer: { ...worker.signer, did: agent.did } };
}

/** One character of the last signature, turned into another. */
function altered(chain: string): string {
  const at = chain.lastIndexOf('.') + 10;
  return `${chain.slice(0, at)}${chain[at] === 'A' ? 'B' : 'A'}${chain.slice(at + 1)}`;
}

/** The last link's grants replaced by everything. */
function widened(cast: Cast, signAgain: boolean): string {
  const { links, leaf } = parseChain(cast.narrow(), crypto);
  const claims = {
    ...leaf.claims,
    grants: [{ scope: 'tool:*', ops: ['read', 'write'] }],
  } as unknown as JsonObject;
  const [header, , signature] = leaf.jws.split('.');
  const edited = `${header}.${encodeBase64url(encodeUtf8(JSON.stringify(claims)))}.${signature}`;
  const last = signAgain ? signJws({ typ: 'talos-cap+jwt', claims }, cast.worker.signer) : edited;
  return [...links.slice(0, -1).map(({ jws }) => jws), last].join('~');
}

// AUD-16 to AUD-22
const notProven = expect.objectContaining({ code: 'PROOF_NOT_PROVEN' });

describe('the evidence of all that', () => {
  it('is one bundle that verifies offline, and no other', async () => {
    const bytes = await world.audit.bundle();
    const trust = await world.trust();
    const report = verifyBundle(bytes, trust, crypto);
    expect(report).toMatchObject({ from: 0, to: report.size, emitters: [world.ready.gatewayDid] });
    const { allowed, denied, recomputed, unchecked } = report.counts;
    expect(unchecked).toBe(0);
    expect(recomputed).toBe(allowed);
    expect(allowed).toBeGreaterThanOrEqual(21);
    expect(denied).toBeGreaterThan(40);
    const part = verifyBundle(await world.audit.bundle({ from: 10, to: 20 }), trust, crypto);
    expect(part).toMatchObject({ from: 10, to: 20 });

    for (const at of [0, bytes.length >> 2, bytes.length >> 1, bytes.length - 2]) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1;
      expect(() => verifyBundle(flipped, trust, crypto)).toThrow(notProven);
    }
    const strangers = { ...trust, logs: new Map() };
    expect(() => verifyBundle(bytes, strangers, crypto)).toThrow(notProven);
  });
});
