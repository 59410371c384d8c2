import type { RequestProofClaims } from '@talosprotocol/contracts';
import {
  attenuate,
  createDidResolver,
  createSigner,
  encodeBase64,
  encodeBase64url,
  encodeUtf8,
  formatSignatureBase,
  hashSignedHeaders,
  type InnerList,
  issueCapability,
  isTrustError,
  type ParsedChain,
  parseAnchors,
  parseFieldList,
  type Signer,
  signRequestProof,
  verifyCapabilityAsOf,
  webvhDocument,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import type { PresentedProof, ProvenRequest } from '../ports.js';
import { openSession } from '../testing/agent.js';
import { register } from '../testing/identity.js';
import { crypto, GRANTS, issueTo, newRid, openWorld, type World } from '../testing/kernel-world.js';
import { createProofs } from './proofs.js';

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

const BODY = encodeUtf8('{"jsonrpc":"2.0"}');
const HEADERS = { 'content-type': 'application/json' };
const HEAD: ProvenRequest = {
  method: 'POST',
  target: '/mcp',
  host: 'gateway.example',
  headers: HEADERS,
  rawHeaders: [],
};

interface Holder {
  readonly agent: Signer;
  readonly chain: ParsedChain;
}

const nonceOf = async (): Promise<string> => (await world.post('/talos/v1/nonces', '')).body.nonce;

async function prove(
  { agent, chain }: Holder,
  change: Partial<RequestProofClaims> = {},
): Promise<PresentedProof> {
  const claims = {
    aud: world.gateway.did,
    iat: world.seconds(),
    jti: encodeBase64url(random(12)),
    htm: 'POST',
    htu: 'https://gateway.example/mcp',
    cth: chain.cth,
    nonce: change.nonce ?? (await nonceOf()),
    bh: encodeBase64url(crypto.sha256(BODY)),
    hh: hashSignedHeaders(HEADERS, crypto),
    rid: newRid(world),
    ...change,
  };
  return { kind: 'proof', chain: chain.chain, proof: signRequestProof(claims, agent) };
}

async function authenticate(presented: PresentedProof, head = HEAD, body = BODY) {
  const examined = await world.kernel.credentials.examineProof(presented, head);
  return examined.finish(body);
}

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'accepted',
    (error: unknown) =>
      isTrustError(error) ? `${error.code} ${error.data.caveat ?? ''}`.trim() : Promise.reject(error),
  );

describe('a proof of one request (SES-14)', () => {
  it('is accepted, and the chain is logged once', async () => {
    const holder = issueTo(world);
    const presented = await prove(holder);
    const caller = await authenticate(presented);
    expect(caller.credential).toMatchObject({
      kind: 'proof',
      cth: holder.chain.cth,
      rid: expect.any(String),
    });
    expect(caller.provenAt).toBe(world.seconds());
    expect(() => caller.assertLive('write')).not.toThrow();
    await authenticate(await prove(holder));
    expect(world.sink.drafts.map(({ type }) => type)).toEqual(['chain']);
  });

  it('is accepted once, also when two come at a time', async () => {
    const presented = await prove(issueTo(world));
    const codes = await Promise.all([codeOf(authenticate(presented)), codeOf(authenticate(presented))]);
    expect(codes.sort()).toEqual(['PROOF_INVALID nonce', 'accepted']);
  });

  it('takes a nonce that no session was opened with, and the other way round', async () => {
    const holder = issueTo(world);
    const first = await nonceOf();
    expect((await openSession(world, holder, { nonce: first })).answer.status).toBe(201);
    expect(await codeOf(authenticate(await prove(holder, { nonce: first })))).toBe('PROOF_INVALID nonce');
    const second = await nonceOf();
    await authenticate(await prove(holder, { nonce: second }));
    expect((await openSession(world, holder, { nonce: second })).answer.status).toBe(401);
  });

  it('dies with its nonce after 60 s, and by its own time', async () => {
    const holder = issueTo(world);
    const presented = await prove(holder);
    world.time.now += 60_000;
    expect(await codeOf(authenticate(presented))).toBe('PROOF_INVALID nonce');
    world.time.now += 1_000;
    expect(await codeOf(authenticate(presented))).toBe('PROOF_INVALID iat');
  });

  it('is refused when its chain is revoked while the body is read, and uses nothing up', async () => {
    const holder = issueTo(world);
    await authenticate(await prove(holder)); // the chain is known from here on
    const nonce = await nonceOf();
    const examined = await world.kernel.credentials.examineProof(await prove(holder, { nonce }), HEAD);
    await world.post('/talos/v1/revocations', { lid: holder.chain.leaf.lid }, world.admin);
    expect(await codeOf(examined.finish(BODY))).toBe('REVOKED');
    expect(await codeOf(authenticate(await prove(holder, { nonce })))).toBe('REVOKED');
    const other = issueTo(world);
    expect(await codeOf(authenticate(await prove(other, { nonce })))).toBe('accepted');
  });

  it('is refused when its chain is revoked while it is logged', async () => {
    const holder = issueTo(world);
    world.sink.before = async () => {
      world.sink.before = () => Promise.resolve();
      await world.post('/talos/v1/revocations', { lid: holder.chain.leaf.lid }, world.admin);
    };
    expect(await codeOf(authenticate(await prove(holder)))).toBe('REVOKED');
  });

  it('ends a running call when a link is revoked', async () => {
    const holder = issueTo(world);
    const caller = await authenticate(await prove(holder));
    let ended = 0;
    caller.onRevoked(() => void ended++);
    await world.post('/talos/v1/revocations', { lid: holder.chain.leaf.lid }, world.admin);
    expect(ended).toBe(1);
    expect(() => caller.assertLive('read')).toThrow(expect.objectContaining({ code: 'REVOKED' }));
  });

  it('is refused for another chain of the same holder, and from the delegator', async () => {
    const holder = issueTo(world);
    const { chain } = issueTo(world);
    expect(await codeOf(authenticate({ ...(await prove(holder)), chain: chain.chain } as never))).toBe(
      'PROOF_INVALID cth',
    );
    expect(await codeOf(authenticate(await prove({ agent: world.organisation, chain: holder.chain })))).toBe(
      'PROOF_INVALID',
    );
  });

  it('is refused on another host and over another target', async () => {
    const presented = await prove(issueTo(world));
    for (const change of [{ host: 'other.example' }, { target: '/mcp?x' }])
      expect(await codeOf(authenticate(presented, { ...HEAD, ...change }))).toBe('PROOF_INVALID htu');
    expect(await codeOf(authenticate(presented))).toBe('accepted');
  });

  it('is refused for a chain that is none before anything is verified', async () => {
    const presented = { ...(await prove(issueTo(world))), chain: 'a.b.c' } as PresentedProof;
    expect(await codeOf(authenticate(presented))).toBe('MALFORMED');
    expect(await codeOf(authenticate({ ...presented, proof: 'a.b.c' } as never))).toBe('MALFORMED');
  });
});

describe('a message signature (SES-15)', () => {
  async function signed({ agent, chain }: Holder, rid?: string) {
    const fields = [
      ...['content-type', 'application/json', 'talos-capability', chain.chain],
      ...['content-digest', `sha-256=:${encodeBase64(crypto.sha256(BODY))}:`],
      ...(rid === undefined ? [] : ['talos-rid', rid]),
    ];
    const covered = ['@method', '@target-uri', ...fields.filter((_, index) => index % 2 === 0)];
    const now = world.seconds();
    const input =
      `(${covered.map((name) => `"${name}"`).join(' ')});created=${now};expires=${now + 60}` +
      `;nonce="${await nonceOf()}";keyid="${agent.did}";alg="ed25519";tag="talos-pop"`;
    const message = {
      method: 'POST',
      scheme: 'https',
      authority: HEAD.host,
      target: HEAD.target,
      headers: fields,
    } as const;
    const base = formatSignatureBase(parseFieldList(input)[0] as InnerList, message);
    const signature = encodeBase64(agent.sign(encodeUtf8(base)));
    const rawHeaders = [...fields, 'signature-input', `s=${input}`, 'signature', `s=:${signature}:`];
    return [
      { kind: 'signature', chain: chain.chain },
      { ...HEAD, rawHeaders },
    ] as const;
  }

  it('is accepted once, with its rid', async () => {
    const holder = issueTo(world);
    const rid = newRid(world);
    const [presented, head] = await signed(holder, rid);
    const caller = await authenticate(presented, head);
    expect(caller.credential).toMatchObject({ kind: 'signature', cth: holder.chain.cth, rid });
    expect(caller.provenAt).toBeUndefined();
    expect(await codeOf(authenticate(presented, head))).toBe('PROOF_INVALID nonce');
    expect((await authenticate(...(await signed(holder)))).credential.rid).toBeUndefined();
  });

  it('is refused with another body, by another key, and once expired', async () => {
    const holder = issueTo(world);
    const [presented, head] = await signed(holder);
    expect(await codeOf(authenticate(presented, head, encodeUtf8('{}')))).toBe(
      'PROOF_INVALID content-digest',
    );
    const stranger = issueTo(world);
    const [, foreign] = await signed({ agent: stranger.agent, chain: holder.chain });
    expect(await codeOf(authenticate(presented, foreign))).toBe('PROOF_INVALID keyid');
    world.time.now += 60_000;
    expect(await codeOf(authenticate(presented, head))).toBe('PROOF_INVALID expires');
  });
});

// SES-1
it('uses nonces of the share of the root, whoever holds what link below it', async () => {
  const { agent, chain, issuing } = issueTo(world, { dlg: 2 });
  const below = createSigner(random(32), crypto);
  const child = attenuate(
    chain,
    { sub: below.did, grants: GRANTS, exp: world.seconds() + 60 },
    agent,
    issuing,
  );
  const parties: (string | undefined)[] = [];
  const anchors = parseAnchors(world.policy.anchors, crypto);
  const known = new Map([chain, child].map((one) => [one.chain, one]));
  const proofs = createProofs({
    gateway: world.gateway.did,
    consumeNonce: (_, party) => void parties.push(party),
    verification: {
      now: world.seconds,
      verify: async (text: string) =>
        verifyCapabilityAsOf(known.get(text) as ParsedChain, { time: world.seconds(), anchors, crypto }),
      assertInForce: () => undefined,
    } as never,
    revocations: {} as never,
    knownChains: { find: () => undefined, keep: () => undefined } as never,
    events: { chain: async () => undefined } as never,
    resolver: createDidResolver({ now: world.seconds }),
    crypto,
  });
  for (const holder of [
    { agent, chain },
    { agent: below, chain: child },
  ])
    await (await proofs.examine(await prove(holder), HEAD)).finish(BODY);
  expect(parties).toEqual([chain.root.lid, chain.root.lid]);
});

// ID-14
it('is not kept from before its issuer had other keys, though it was on its way when they became others', async () => {
  const did = 'did:web:issuer.example';
  const [former, next] = [createSigner(random(32), crypto), createSigner(random(32), crypto)];
  const publish = (key: Signer) =>
    world.web.set(
      'https://issuer.example/.well-known/did.json',
      encodeUtf8(JSON.stringify(webvhDocument(did, key.publicKey))),
    );
  publish(former);
  world.policy.anchors.push({ iss: did, tenant: 'acme', grants: GRANTS });
  const issuer = { ...former, did, kid: `${did}#key-1` };
  await register(world, issuer, { kind: 'organisation' });
  const agent = createSigner(random(32), crypto);
  const chain = issueCapability(
    { sub: agent.did, aud: [world.gateway.did], grants: GRANTS, exp: world.seconds() + 60 },
    issuer,
    { crypto, now: world.seconds, randomBytes: random },
  );
  const presented = await prove({ agent, chain });
  // While the chain is logged for the first time.
  world.sink.before = async () => {
    world.sink.before = () => Promise.resolve();
    publish(next);
    const path = `/talos/v1/identities/${encodeURIComponent(did)}/rotation`;
    expect((await world.post(path, {})).status).toBe(200);
  };
  expect(await codeOf(authenticate(presented))).toBe('EXPIRED');
  expect(await codeOf(authenticate(await prove({ agent, chain })))).toBe('SIGNATURE_INVALID');
});
