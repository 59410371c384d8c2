import { CAPABILITY_TYP } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import type { JsonObject } from '../encoding/json.js';
import { utf8Length } from '../encoding/utf8.js';
import { TrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import { attenuate } from './attenuate.js';
import { parseChain } from './chain.js';
import { describeCapability } from './inspect.js';
import { issueCapability } from './issue.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';
import { checkInForce, type VerifyContext, verifyCapability, verifyCapabilityAsOf } from './verify.js';

const world = createWorld(createNodeCrypto());
const { agent, context, crypto, deps, gateway, helper, organisation, stranger } = world;

const ROOT = {
  iss: organisation.did,
  sub: agent.did,
  aud: [gateway.did],
  jti: 'root',
  iat: NOW,
  exp: NOW + 3600,
  grants: [READ_DOCS],
  dlg: 2,
};

/** A root link with other claims; a claim of undefined is left out. */
function rootWith(changes: Record<string, unknown> = {}, signer = organisation, kid?: string): string {
  const claims = JSON.parse(JSON.stringify({ ...ROOT, ...changes })) as JsonObject;
  return signJws({ typ: CAPABILITY_TYP, claims, ...(kid === undefined ? {} : { kid }) }, signer);
}

/** A link below `chain`, signed by the agent unless said otherwise. */
function childOf(chain: string, changes: Record<string, unknown> = {}, signer = agent): string {
  const claims = { ...ROOT, iss: agent.did, sub: helper.did, jti: 'child', dlg: undefined, aud: undefined };
  const par_hash = parseChain(chain, crypto).leaf.lid;
  const text = JSON.stringify({ ...claims, par_hash, ...changes });
  return `${chain}~${signJws({ typ: CAPABILITY_TYP, claims: JSON.parse(text) }, signer)}`;
}

async function refusal(chain: string, changes: Partial<VerifyContext> = {}): Promise<TrustError> {
  const error = await verifyCapability(chain, context(changes)).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(TrustError);
  return error as TrustError;
}

async function expectRefusal(
  chain: string,
  code: string,
  link: number | undefined,
  changes: Partial<VerifyContext> = {},
): Promise<void> {
  const { code: actual, data } = await refusal(chain, changes);
  expect([actual, data.link]).toEqual([code, link]);
}

describe('verifyCapability', () => {
  it('CAP-19 accepts a chain and says who holds it, for whom, where and until when', async () => {
    const root = rootWith({ prn: 'Ada' });
    const chain = childOf(root, { exp: NOW + 900 });
    const capability = await verifyCapability(chain, context());
    expect(capability).toMatchObject({
      chain,
      cth: parseChain(chain, crypto).cth,
      holder: helper.did,
      principal: 'Ada',
      tenant: 'default',
      expires: NOW + 900,
      keysValidUntil: Number.POSITIVE_INFINITY,
    });
    expect(capability.links.map(({ lid }) => lid)).toEqual(
      parseChain(chain, crypto).links.map(({ lid }) => lid),
    );
  });

  it('CAP-19 refuses a chain whose links are in force together at no moment, skew or not', async () => {
    const root = rootWith({ exp: NOW + 10 });
    const late = { now: NOW + 20 };
    const begins = (iat: number) => childOf(root, { iat, exp: NOW + 900 });
    await expectRefusal(begins(NOW + 40), 'EXPIRED', 1, late);
    await expectRefusal(childOf(root, { nbf: NOW + 40, exp: NOW + 900 }), 'EXPIRED', 1, late);
    const { chain, cth } = await verifyCapability(begins(NOW + 39), context(late));
    // As the log verifies it: when its last link began.
    const time = NOW + 39;
    expect(verifyCapabilityAsOf(chain, { time, anchors: world.anchors({}), crypto }).cth).toBe(cth);
  });

  it('CAP-5 both crypto providers give the same lid and cth', () => {
    const chain = childOf(rootWith());
    const other = parseChain(chain, portableCrypto);
    expect([other.cth, other.leaf.lid]).toEqual([
      parseChain(chain, crypto).cth,
      parseChain(chain, crypto).leaf.lid,
    ]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an unknown claim', { cnf: {} }],
    ['no iss', { iss: undefined }],
    ['a sub that is no DID', { sub: 'agent' }],
    ['a DID of another method', { sub: 'did:example:1' }],
    ['no aud in the root', { aud: undefined }],
    ['an empty aud', { aud: [] }],
    ['a gateway twice', { aud: [gateway.did, gateway.did] }],
    ['nine gateways', { aud: Array.from({ length: 9 }, (_, i) => `did:web:g${i}.example`) }],
    ['exp at iat', { exp: NOW }],
    ['a life of more than a year', { exp: NOW + 31_536_001 }],
    ['an exp in text', { exp: `${NOW}` }],
    ['no grants', { grants: [] }],
    ['129 grants', { grants: Array.from({ length: 129 }, () => READ_DOCS) }],
    ['an unknown member of a grant', { grants: [{ ...READ_DOCS, deny: true }] }],
    ['an unknown op', { grants: [{ ...READ_DOCS, ops: ['delete'] }] }],
    ['an op twice', { grants: [{ ...READ_DOCS, ops: ['read', 'read'] }] }],
    ['no ops', { grants: [{ ...READ_DOCS, ops: [] }] }],
    ['a bad scope', { grants: [{ ...READ_DOCS, scope: 'tool:fs/resource:/' }] }],
    ['an empty where', { grants: [{ ...READ_DOCS, where: [] }] }],
    ['an unknown operator', { grants: [{ ...READ_DOCS, where: [{ ptr: '', op: 'regex', value: 'a' }] }] }],
    ['a bad pointer in only', { grants: [{ ...READ_DOCS, only: ['a'] }] }],
    ['an only twice', { grants: [{ ...READ_DOCS, only: ['/a', '/a'] }] }],
    ['an empty limit', { limits: [{ per: 'day' }] }],
    ['no calls', { limits: [{ per: 'day', calls: 0 }] }],
    ['a limit per year', { limits: [{ per: 'year', calls: 1 }] }],
    ['dlg 8', { dlg: 8 }],
    ['a negative dlg', { dlg: -1 }],
    ['a bearer in text', { bearer: 'true' }],
    ['a long jti', { jti: 'a'.repeat(65) }],
    ['a jti with a dot', { jti: 'a.b' }],
    ['a par_hash in the root', { par_hash: 'A'.repeat(43) }],
    ['a prn with a control character', { prn: 'Ann\u0000' }],
    ['a prn of two lines', { prn: 'Ann\nBob' }],
    ['a prn that reads the other way', { prn: '\u202ennA' }],
    ['a prn with a hidden character', { prn: 'A\u200bnn' }],
  ])('CAP-1 to CAP-3 refuses a root with %s', async (_, changes) => {
    await expectRefusal(rootWith(changes), 'MALFORMED', 1);
  });

  it('CAP-1 refuses prn below the root, and a bearer link without aud', async () => {
    const root = rootWith({ bearer_below: true });
    await expectRefusal(childOf(root, { prn: 'Eve' }), 'MALFORMED', 2);
    await expectRefusal(childOf(root, { bearer: true }), 'MALFORMED', 2);
    await expectRefusal(childOf(root, { par_hash: undefined, aud: [gateway.did] }), 'MALFORMED', 2);
  });

  it('CAP-1 refuses a link of another typ, and one with another header', async () => {
    const other = signJws({ typ: 'talos-pop+jwt', claims: ROOT }, organisation);
    await expectRefusal(other, 'MALFORMED', 1);
    await expectRefusal(rootWith({}, organisation, 'did:web:evil.example#key'), 'SIGNATURE_INVALID', 1);
  });

  it('CAP-4 refuses long chains before it hashes or parses anything', async () => {
    const refusing = {
      ...crypto,
      sha256: () => {
        throw new Error('hashed');
      },
    };
    await expectRefusal('a'.repeat(16_385), 'MALFORMED', undefined, { crypto: refusing });
    await expectRefusal('~'.repeat(8), 'MALFORMED', undefined, { crypto: refusing });
    await expectRefusal('', 'MALFORMED', 1, { crypto: refusing });
    await expectRefusal(`${rootWith()}~`, 'MALFORMED', 2);
  });

  it('CAP-7 refuses a root of an issuer that is no anchor, whoever else is', async () => {
    const root = rootWith({ iss: stranger.did }, stranger);
    await expectRefusal(root, 'UNTRUSTED_ISSUER', 1);
    await expectRefusal(rootWith(), 'UNTRUSTED_ISSUER', 1, { anchors: world.anchors() });
  });

  it('CAP-19 refuses a chain with a revoked link before it looks at a signature', async () => {
    const chain = childOf(rootWith());
    const [root, child] = parseChain(chain, crypto).links;
    const refusing = {
      ...crypto,
      ed25519Verify: () => {
        throw new Error('verified');
      },
    };
    for (const [link, lid] of [root?.lid, child?.lid].entries()) {
      const isRevoked = (candidate: string) => candidate === lid;
      await expectRefusal(chain, 'REVOKED', link + 1, { isRevoked, crypto: refusing });
    }
  });

  it('CAP-19 refuses links that do not follow from their parent', async () => {
    const root = rootWith();
    await expectRefusal(childOf(root, { iss: stranger.did }, stranger), 'DELEGATION_INVALID', 2);
    await expectRefusal(childOf(root, { par_hash: 'A'.repeat(43) }), 'DELEGATION_INVALID', 2);
    await expectRefusal(childOf(root, { dlg: 2 }), 'DELEGATION_INVALID', 2);
    await expectRefusal(childOf(rootWith({ dlg: 0 })), 'DELEGATION_INVALID', 2);
    await expectRefusal(childOf(rootWith({ dlg: undefined })), 'DELEGATION_INVALID', 2);
    await expectRefusal(childOf(root, {}, stranger), 'SIGNATURE_INVALID', 2);
    await expectRefusal(rootWith({}, stranger), 'SIGNATURE_INVALID', 1);
  });

  it('CAP-19 allows bearer only where every ancestor and the anchor do', async () => {
    const bearer = { bearer: true, aud: [gateway.did], exp: NOW + 600 };
    const allowing = rootWith({ bearer_below: true });
    await expect(verifyCapability(childOf(allowing, bearer), context())).resolves.toMatchObject({
      leaf: { claims: { bearer: true } },
    });
    await expectRefusal(childOf(rootWith(), bearer), 'DELEGATION_INVALID', 2);
    const middle = childOf(allowing, { dlg: 1, sub: agent.did });
    await expectRefusal(childOf(middle, bearer), 'DELEGATION_INVALID', 3);
    const short = { anchors: world.anchors({ bearerMax: 599 }) };
    await expectRefusal(childOf(allowing, bearer), 'DELEGATION_INVALID', 2, short);
    const none = { anchors: world.anchors({ bearerMax: 0 }) };
    await expectRefusal(childOf(allowing, { ...bearer, exp: NOW + 1 }), 'DELEGATION_INVALID', 2, none);
    await expectRefusal(rootWith({ bearer: true, exp: NOW + 86_401 }), 'DELEGATION_INVALID', 1);
  });

  it('CAP-19 says of each link that does not follow what is wrong with it, and who can help', async () => {
    const root = rootWith();
    const bearer = { bearer: true, aud: [gateway.did], exp: NOW + 600 };
    const short = { anchors: world.anchors({ bearerMax: 599 }) };
    const cases: [string, string, Partial<VerifyContext>?][] = [
      [
        childOf(root, { iss: stranger.did }, stranger),
        'its iss is not the sub of its parent. Links of different',
      ],
      [
        childOf(root, { par_hash: 'A'.repeat(43) }),
        'its par_hash is not the lid of its parent. Links of different',
      ],
      [childOf(root, { dlg: 2 }), `its dlg is not below its parent's 2. Ask ${agent.did} for`],
      [childOf(rootWith({ dlg: 0 })), `(dlg 0). Ask ${organisation.did} for link 1 with a dlg of at least 1`],
      [
        childOf(root, bearer),
        `link 1 does not allow bearer links below (bearer_below). Ask ${organisation.did}`,
      ],
      [
        childOf(rootWith({ bearer_below: true }), bearer),
        '599 s under this trust anchor, and this one lives 600 s',
        short,
      ],
      [rootWith({ invoke: false }), `not act (invoke false). Act with`],
    ];
    for (const [chain, said, changes] of cases) {
      const { code, data } = await refusal(chain, changes);
      expect(code).toBe('DELEGATION_INVALID');
      expect(data.hint).toMatch(/^What was wrong: /);
      expect(data.hint).toContain(said);
      expect(utf8Length(data.hint ?? '')).toBeLessThan(1024);
    }
  });

  it('CAP-19 forgives 30 s at both ends, and not one more', async () => {
    const root = rootWith();
    const at = (now: number) => ({ now });
    await expect(verifyCapability(root, context(at(NOW - 30)))).resolves.toHaveProperty('chain', root);
    await expectRefusal(root, 'NOT_YET_VALID', 1, at(NOW - 31));
    await expect(verifyCapability(root, context(at(NOW + 3629)))).resolves.toHaveProperty('chain', root);
    await expectRefusal(root, 'EXPIRED', 1, at(NOW + 3630));
    await expectRefusal(rootWith({ nbf: NOW + 31 }), 'NOT_YET_VALID', 1);
    await expectRefusal(rootWith({ nbf: NOW - 500 }), 'NOT_YET_VALID', 1, at(NOW - 31));
    await expectRefusal(childOf(root, { exp: NOW + 60 }), 'EXPIRED', 2, at(NOW + 90));
    await expectRefusal(root, 'NOT_YET_VALID', 1, at(Number.NaN));
  });

  it('CAP-19 refuses a chain of which any link is for other gateways', async () => {
    await expectRefusal(rootWith({ aud: [stranger.did] }), 'AUDIENCE_MISMATCH', 1);
    await expectRefusal(childOf(rootWith(), { aud: [stranger.did] }), 'AUDIENCE_MISMATCH', 2);
  });

  it('ENC-11 refuses a DID that differs from ours by the case of one letter', async () => {
    const ours = { audience: 'did:web:gateways.example:main' };
    const root = rootWith({ aud: [ours.audience] });
    await expect(verifyCapability(root, context(ours))).resolves.toHaveProperty('chain', root);
    await expectRefusal(rootWith({ aud: ['did:web:gateways.example:Main'] }), 'AUDIENCE_MISMATCH', 1, ours);
  });

  it('CAP-19 refuses a leaf that may only delegate, not one below it', async () => {
    const root = rootWith({ invoke: false });
    await expectRefusal(root, 'DELEGATION_INVALID', 1);
    const child = childOf(root);
    await expect(verifyCapability(child, context())).resolves.toHaveProperty('chain', child);
  });

  it('ID-6 asks the resolver for a DID only after its parent verified, and counts a revocation meanwhile', async () => {
    const web = 'did:web:org.example';
    const anchors = world.anchors({ iss: web });
    const kid = `${web}#k`;
    const keys = [{ kid, publicKey: organisation.publicKey, purposes: ['capabilityDelegation'] as const }];
    const root = rootWith({ iss: web }, organisation, kid);
    let revoked = false;
    const asked: string[] = [];
    const resolver = {
      resolve: (did: string) => {
        asked.push(did);
        return Promise.resolve({ did, keys, validUntil: NOW + 300 });
      },
    };
    const capability = await verifyCapability(root, context({ anchors, resolver }));
    expect(capability.keysValidUntil).toBe(NOW + 300);
    const resolving = {
      resolve(did: string) {
        revoked = true;
        return resolver.resolve(did);
      },
    };
    await expectRefusal(root, 'REVOKED', 1, { anchors, resolver: resolving, isRevoked: () => revoked });
    asked.length = 0;
    const forged = childOf(rootWith({ sub: web }, stranger), { iss: web });
    await expectRefusal(forged, 'SIGNATURE_INVALID', 1, { resolver });
    expect(asked).toEqual([]);
    await expectRefusal(root, 'UNTRUSTED_ISSUER', 1, { anchors });
    const broken = { resolve: () => Promise.reject(new Error('down')) };
    await expect(verifyCapability(root, context({ anchors, resolver: broken }))).rejects.toThrow('down');
  });
});

describe('verifyCapabilityAsOf', () => {
  const anchors = world.anchors({});

  it('AUD-22 verifies as of a time, without revocation and use', () => {
    const root = rootWith({ invoke: false });
    expect(verifyCapabilityAsOf(root, { time: NOW, anchors, crypto }).holder).toBe(agent.did);
    expect(() => verifyCapabilityAsOf(root, { time: NOW + 3630, anchors, crypto })).toThrow('expired');
    const audience = stranger.did;
    expect(() => verifyCapabilityAsOf(root, { time: NOW, anchors, crypto, audience })).toThrow(
      'other gateways',
    );
  });

  it('knows did:key only, unless it is given keys', () => {
    const web = 'did:web:org.example';
    const kid = `${web}#k`;
    const given = { time: NOW, anchors: world.anchors({ iss: web }), crypto };
    const root = rootWith({ iss: web }, organisation, kid);
    expect(() => verifyCapabilityAsOf(root, given)).toThrow(TrustError);
    const keys = [{ kid, publicKey: organisation.publicKey, purposes: ['capabilityDelegation'] as const }];
    expect(verifyCapabilityAsOf(root, { ...given, keysOf: (did) => ({ did, keys }) }).anchor.iss).toBe(web);
    const wrong = [{ kid, publicKey: organisation.publicKey, purposes: ['authentication'] as const }];
    expect(() => verifyCapabilityAsOf(root, { ...given, keysOf: (did) => ({ did, keys: wrong }) })).toThrow(
      'capabilityDelegation',
    );
  });
});

describe('checkInForce', () => {
  it('CAP-26 refuses a capability verified earlier once a link is revoked or out of its time', async () => {
    const capability = await verifyCapability(childOf(rootWith()), context());
    checkInForce(capability, { now: NOW });
    checkInForce(capability, { now: NOW, isRevoked: () => false });
    const lid = capability.links[0]?.lid;
    expect(() => checkInForce(capability, { now: NOW, isRevoked: (l) => l === lid })).toThrow('revoked');
    expect(() => checkInForce(capability, { now: NOW + 3630 })).toThrow('expired');
  });

  it('CAP-26 names the identity that has ended, and the link that names it', async () => {
    const capability = await verifyCapability(childOf(rootWith()), context());
    const isRevoked = (_: string, index: number) => index === 1 && { ended: helper.did };
    expect(() => checkInForce(capability, { now: NOW, isRevoked })).toThrow(
      expect.objectContaining({
        code: 'REVOKED',
        data: expect.objectContaining({ link: 2, hint: expect.stringContaining(helper.did) }),
      }),
    );
  });
});

describe('an altered chain', () => {
  const options = { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 3600, dlg: 3 };
  const root = issueCapability(options, organisation, deps);
  const second = attenuate(root, { sub: helper.did, grants: 'same', exp: 'same', dlg: 1 }, agent, deps);
  const third = attenuate(second, { sub: agent.did, grants: 'same', exp: 'same' }, helper, deps);
  const anchors = world.anchors({});
  const verify = (chain: string) => verifyCapabilityAsOf(chain, { time: NOW, anchors, crypto });

  it('never verifies with one character changed', () => {
    expect(verify(third.chain).holder).toBe(agent.did);
    const characters = fc.constantFrom(...'ABab01-_.~={}" \u0000é'.split(''));
    fc.assert(
      fc.property(fc.nat(third.chain.length - 1), characters, (at, character) => {
        fc.pre(third.chain[at] !== character);
        const altered = third.chain.slice(0, at) + character + third.chain.slice(at + 1);
        expect(() => verify(altered)).toThrow(TrustError);
      }),
      { numRuns: 500 },
    );
  });

  it('never verifies with links dropped, repeated, swapped or spliced, but for its own beginnings', () => {
    const other = attenuate(root, { sub: helper.did, grants: 'same', exp: 'same', dlg: 2 }, agent, deps);
    const parts = [...third.chain.split('~'), ...other.chain.split('~').slice(1)];
    const real = new Set([root.chain, second.chain, third.chain, other.chain]);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 4 }), (links) => {
        const chain = links.join('~');
        if (real.has(chain)) expect(verify(chain).chain).toBe(chain);
        else expect(() => verify(chain)).toThrow(TrustError);
      }),
    );
  });

  it('never verifies when its holder widens a link and signs it', () => {
    const [first, middle] = second.links;
    const claims = { ...(middle?.claims as object), sub: stranger.did } as JsonObject;
    const widened = `${first?.jws}~${signJws({ typ: CAPABILITY_TYP, claims }, stranger)}`;
    expect(() => verify(widened)).toThrow('signature');
  });

  it('gives a typed refusal for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json()), (text) => {
        expect(() => verify(text)).toThrow(TrustError);
        const [h = '', , s = ''] = root.chain.split('.');
        expect(() => verify(`${h}.${text}.${s}`)).toThrow(TrustError);
      }),
    );
  });
});

describe('describeCapability', () => {
  it('says what a chain claims, and that nothing was verified', () => {
    const where = [{ ptr: '/path', op: 'within', value: '/docs' }];
    const grants = [
      { scope: 'tool:fs', ops: ['read', 'write'], where, only: ['/path'] },
      { scope: 'tool:git', ops: ['read'] },
    ];
    const described = describeCapability(rootWith({ grants }, stranger, 'did:web:a.example#k'), crypto);
    expect(described).toMatchObject({ verified: false, bytes: expect.any(Number) });
    expect(described.links[0]).toMatchObject({
      link: 1,
      kid: 'did:web:a.example#k',
      grants: ['read and write tool:fs where /path within /docs and only /path', 'read tool:git'],
    });
    expect(describeCapability(rootWith(), crypto).links[0]).not.toHaveProperty('kid');
  });
});
