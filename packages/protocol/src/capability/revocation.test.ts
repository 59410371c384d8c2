import { REVOCATION_TYP } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Signer, signJws } from '../crypto/jws.js';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError, TrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import { attenuate } from './attenuate.js';
import { issueCapability } from './issue.js';
import { parseRevocation, signRevocation, verifyRevocation } from './revocation.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';

const world = createWorld(createNodeCrypto());
const { agent, context, crypto, deps, gateway, helper, organisation, stranger } = world;
const root = issueCapability(
  { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 3600, dlg: 2 },
  organisation,
  deps,
);
const chain = attenuate(root, { sub: helper.did, grants: 'same', exp: 'same' }, agent, deps);

async function codeOf(revocation: string, changes: Parameters<typeof context>[0] = {}): Promise<string> {
  const error = await verifyRevocation(revocation, context(changes)).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(TrustError);
  return (error as TrustError).code;
}

function signed(claims: Record<string, unknown>, signer: Signer = organisation): string {
  const base = { iss: signer.did, iat: NOW, jti: 'a', lid: chain.leaf.lid, chain: chain.chain };
  return signJws({ typ: REVOCATION_TYP, claims: { ...base, ...claims } as JsonObject }, signer);
}

describe('verifyRevocation', () => {
  it('CAP-25 says who revoked: issuer, ancestor or subject', async () => {
    const by = async (signer: Signer): Promise<string> =>
      (await verifyRevocation(signRevocation({ chain }, signer, deps), context())).by;
    expect([await by(agent), await by(organisation), await by(helper)]).toEqual([
      'issuer',
      'ancestor',
      'subject',
    ]);
    const first = signRevocation({ chain, link: 1 }, agent, deps);
    expect(await verifyRevocation(first, context())).toEqual({ lid: root.leaf.lid, by: 'subject' });
    const parsed = parseRevocation(first, crypto);
    expect(await verifyRevocation(parsed, context())).toEqual({ lid: root.leaf.lid, by: 'subject' });
  });

  it('CAP-25 is not granted to strangers, nor to holders of links below', async () => {
    expect(await codeOf(signRevocation({ chain }, stranger, deps))).toBe('DELEGATION_INVALID');
    expect(await codeOf(signRevocation({ chain, link: 1 }, helper, deps))).toBe('DELEGATION_INVALID');
  });

  it('refuses a signature of another key than that of iss', async () => {
    expect(await codeOf(signed({ iss: organisation.did }, stranger))).toBe('SIGNATURE_INVALID');
  });

  it('refuses chains nobody here could accept, so that no one fills the list', async () => {
    const foreign = issueCapability(
      { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 9 },
      stranger,
      deps,
    );
    expect(await codeOf(signRevocation({ chain: foreign }, stranger, deps))).toBe('UNTRUSTED_ISSUER');
    const [first, second] = chain.links;
    const forged = `${first?.jws.slice(0, -86)}${second?.jws.slice(-86)}`;
    const lid = parseRevocationLid(forged);
    expect(await codeOf(signed({ chain: forged, lid }))).toBe('SIGNATURE_INVALID');
  });

  it('revokes a link that has expired, but not before its time', async () => {
    const late = { now: NOW + 1_000_000 };
    await expect(verifyRevocation(signed({}), context(late))).resolves.toMatchObject({ by: 'ancestor' });
    expect(await codeOf(signed({ iat: NOW + 31 }))).toBe('NOT_YET_VALID');
  });

  it('passes on that a DID could not be resolved, with the link', async () => {
    const web = 'did:web:org.example';
    const signer = { ...organisation, did: web, kid: `${web}#k` };
    const rooted = issueCapability(
      { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 9 },
      signer,
      deps,
    );
    const revocation = signRevocation({ chain: rooted }, agent, deps);
    const anchors = world.anchors({ iss: web });
    await expect(verifyRevocation(revocation, context({ anchors }))).rejects.toMatchObject({
      code: 'UNTRUSTED_ISSUER',
      data: { link: 1 },
    });
  });
});

describe('parseRevocation', () => {
  it.each<[string, Record<string, unknown>]>([
    ['the lid of another link', { lid: root.leaf.lid }],
    ['an unknown member', { reason: 'x' }],
    ['no chain', { chain: '' }],
    ['a chain that is none', { chain: 'a.b.c' }],
    ['a bad jti', { jti: '' }],
  ])('CAP-25 refuses %s', (_, claims) => {
    expect(() => parseRevocation(signed(claims), crypto)).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });

  it('refuses a link in the place of a revocation', () => {
    expect(() => parseRevocation(root.chain, crypto)).toThrow('typ');
  });

  it('answers mutated text with a TrustError: none of it verifies', async () => {
    const good = signRevocation({ chain }, organisation, deps);
    const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, cut, put }) => {
        const mutated = good.slice(0, at) + put + good.slice(at + cut);
        fc.pre(mutated !== good);
        expect(await codeOf(mutated)).toMatch(/^[A-Z_]+$/);
      }),
      { numRuns: 300, interruptAfterTimeLimit: 2_500 },
    );
  });

  it('answers signed claims of any kind with a TrustError or a value', () => {
    const member = fc.constantFrom('iss', 'iat', 'jti', 'lid', 'chain', '__proto__', 'x');
    const text = fc.oneof(
      fc.string(),
      fc.nat(2_000).map((at) => chain.chain.slice(at)),
    );
    const claims = fc.dictionary(member, fc.oneof(fc.jsonValue({ maxDepth: 2 }), text));
    fc.assert(
      fc.property(claims, (changed) => {
        const revocation = signedOrNothing(changed);
        try {
          const { claims, chain: revoked } = parseRevocation(revocation, crypto);
          expect(revoked.leaf.lid).toBe(claims.lid);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 300, interruptAfterTimeLimit: 2_500 },
    );
  });
});

describe('signRevocation', () => {
  it('revokes a link that is there', () => {
    expect(() => signRevocation({ chain, link: 3 }, agent, deps)).toThrow(RangeError);
    expect(() => signRevocation({ chain, link: 0 }, agent, deps)).toThrow(RangeError);
  });
});

/** Empty if these claims cannot be signed at all (JCS has no lone surrogates). */
function signedOrNothing(claims: Record<string, unknown>): string {
  try {
    return signed(claims);
  } catch {
    return '';
  }
}

function parseRevocationLid(text: string): string {
  return Buffer.from(crypto.sha256(Buffer.from(text))).toString('base64url');
}
