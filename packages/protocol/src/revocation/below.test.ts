import { REVOCATION_BELOW_TYP } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attenuate } from '../capability/attenuate.js';
import { issueCapability } from '../capability/issue.js';
import { createWorld, NOW, READ_DOCS } from '../capability/testing/world.js';
import { verifyCapability } from '../capability/verify.js';
import { type Signer, signJws } from '../crypto/jws.js';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import {
  isRevocationBelow,
  parseRevocationBelow,
  signRevocationBelow,
  verifyRevocationBelow,
  verifyRevocationBelowAsOf,
} from './below.js';
import { createBelowRules, ruleName } from './below-rules.js';

const world = createWorld(createNodeCrypto());
const { agent, context, crypto, deps, gateway, helper, organisation, stranger } = world;
const root = issueCapability(
  { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 3600, dlg: 3 },
  organisation,
  deps,
);
const chain = attenuate(root, { sub: helper.did, grants: 'same', exp: 'same', dlg: 2 }, agent, deps);
const below = attenuate(chain, { sub: stranger.did, grants: 'same', exp: 'same', dlg: 1 }, helper, deps);
const other = attenuate(root, { sub: stranger.did, grants: 'same', exp: 'same', dlg: 2 }, agent, deps);
const byStranger = attenuate(other, { sub: helper.did, grants: 'same', exp: 'same', dlg: 1 }, stranger, deps);

const codeOf = async (revocation: string, changes: Parameters<typeof context>[0] = {}): Promise<string> => {
  const error = await verifyRevocationBelow(revocation, context(changes)).catch((cause: unknown) => cause);
  return isTrustError(error) ? error.code : 'accepted';
};
const sign = (claims: Record<string, unknown>, signer: Signer = agent): string => {
  const base = { iss: signer.did, iat: NOW, jti: 'a', lid: chain.leaf.lid, chain: chain.chain };
  const all = { ...base, below: helper.did, as: 'subject', ...claims } as JsonObject;
  return signJws({ typ: REVOCATION_BELOW_TYP, claims: all }, signer);
};

describe('verifyRevocationBelow', () => {
  it('REV-1 REV-3 says the rule, and who stands where', async () => {
    for (const [signer, by] of [
      [organisation, 'ancestor'],
      [agent, 'issuer'],
      [helper, 'subject'],
    ] as const) {
      const revocation = signRevocationBelow({ chain, below: helper.did, as: 'subject' }, signer, deps);
      const rule = { below: helper.did, as: 'subject', point: chain.leaf.lid };
      expect(await verifyRevocationBelow(revocation, context())).toEqual({ rule, by });
      expect(await verifyRevocationBelow(parseRevocationBelow(revocation, crypto), context())).toEqual({
        rule,
        by,
      });
      const { anchors } = context();
      expect(verifyRevocationBelowAsOf(revocation, { time: NOW, anchors, crypto })).toEqual({ rule, by });
    }
    const first = signRevocationBelow({ chain, link: 1, below: agent.did, as: 'issuer' }, agent, deps);
    expect(await verifyRevocationBelow(first, context())).toMatchObject({ rule: { point: root.leaf.lid } });
  });

  it('REV-3 refuses siblings, strangers and those below the point', async () => {
    expect(await codeOf(sign({}, stranger))).toBe('DELEGATION_INVALID');
    expect(await codeOf(sign({ lid: root.leaf.lid, chain: root.chain }, helper))).toBe('DELEGATION_INVALID');
    expect(await codeOf(sign({ lid: other.leaf.lid, chain: other.chain }, helper))).toBe(
      'DELEGATION_INVALID',
    );
  });

  it('REV-3 refuses another key, spliced and foreign chains, and the future', async () => {
    expect(await codeOf(sign({ iss: agent.did }, stranger))).toBe('SIGNATURE_INVALID');
    const [first] = chain.links;
    const [, , third] = below.links;
    const spliced = `${first?.jws}~${third?.jws}`;
    expect(await codeOf(sign({ chain: spliced, lid: third?.lid }))).toBe('DELEGATION_INVALID');
    const foreign = issueCapability(
      { sub: agent.did, aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 9 },
      stranger,
      deps,
    );
    expect(await codeOf(sign({ chain: foreign.chain, lid: foreign.leaf.lid }))).toBe('UNTRUSTED_ISSUER');
    expect(await codeOf(sign({ iat: NOW + 31 }))).toBe('NOT_YET_VALID');
  });

  it('holds for a chain that has expired, and asks for no chain of another time', async () => {
    expect(await codeOf(sign({}), { now: NOW + 1_000_000 })).toBe('accepted');
  });

  it.each<[string, Record<string, unknown>]>([
    ['the lid of another link', { lid: root.leaf.lid }],
    ['an unknown member', { reason: 'x' }],
    ['no DID', { below: 'x' }],
    ['another role', { as: 'holder' }],
    ['no chain', { chain: '' }],
  ])('REV-1 refuses %s', async (_, claims) => {
    expect(await codeOf(sign(claims))).toBe('MALFORMED');
  });

  it('is told from other revocations by its typ', () => {
    expect(isRevocationBelow(sign({}))).toBe(true);
    expect(isRevocationBelow(root.chain)).toBe(false);
    expect(isRevocationBelow('')).toBe(false);
    expect(isRevocationBelow('a.b.c')).toBe(false);
  });

  it('signs below a link that is there', () => {
    const options = { chain, below: helper.did, as: 'subject' } as const;
    expect(() => signRevocationBelow({ ...options, link: 9 }, agent, deps)).toThrow(RangeError);
  });

  it('answers mutated text with a TrustError', async () => {
    const good = sign({});
    const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, cut, put }) => {
        const mutated = good.slice(0, at) + put + good.slice(at + cut);
        fc.pre(mutated !== good);
        expect(await codeOf(mutated)).not.toBe('accepted');
      }),
      { numRuns: 200, interruptAfterTimeLimit: 2_000 },
    );
  });
});

describe('rules below a DID', () => {
  const rulesOf = (...rules: Parameters<ReturnType<typeof createBelowRules>['add']>[0][]) => {
    const set = createBelowRules();
    for (const rule of rules) set.add(rule);
    return set;
  };
  const verify = (presented: typeof chain, set: ReturnType<typeof createBelowRules>) =>
    verifyCapability(presented, {
      ...context(),
      isRevoked: (_, index, links) => set.since(index, links) !== undefined,
    }).then(
      () => 'accepted',
      (error: unknown) => (isTrustError(error) ? `${error.code} ${error.data.link}` : 'failed'),
    );

  it('REV-2 refuse a chain never seen before, and all below it, but not what the DID holds itself', async () => {
    const set = rulesOf({ below: helper.did, as: 'subject', point: root.leaf.lid });
    expect(await verify(root, set)).toBe('accepted');
    expect(await verify(chain, set)).toBe('accepted');
    expect(await verify(below, set)).toBe('REVOKED 3');
    const deeper = attenuate(below, { sub: agent.did, grants: 'same', exp: 'same' }, stranger, deps);
    expect(await verify(deeper, set)).toBe('REVOKED 3');
  });

  it('REV-2 reach only below their point', async () => {
    const set = rulesOf({ below: stranger.did, as: 'subject', point: chain.leaf.lid });
    expect(await verify(byStranger, set)).toBe('accepted');
    expect(await verify(byStranger, rulesOf({ below: stranger.did, as: 'issuer', point: null }))).toBe(
      'REVOKED 3',
    );
    expect(
      await verify(byStranger, rulesOf({ below: stranger.did, as: 'issuer', point: root.leaf.lid })),
    ).toBe('REVOKED 3');
  });

  it('REV-2 an issuer loses its roots too, a subject has none to lose', async () => {
    expect(await verify(root, rulesOf({ below: organisation.did, as: 'issuer', point: null }))).toBe(
      'REVOKED 1',
    );
    expect(await verify(below, rulesOf({ below: organisation.did, as: 'subject', point: null }))).toBe(
      'accepted',
    );
    expect(await verify(chain, rulesOf({ below: agent.did, as: 'subject', point: null }))).toBe('REVOKED 2');
    expect(await verify(root, rulesOf({ below: organisation.did, as: 'issuer', point: root.leaf.lid }))).toBe(
      'accepted',
    );
  });

  it('are kept once, with the moment of the first, and can be forgotten', () => {
    const set = createBelowRules();
    const rule = { below: agent.did, as: 'subject', point: null } as const;
    const wider = { below: agent.did, as: 'issuer', point: null } as const;
    expect([set.add(rule, 5), set.add(rule, 1), set.add(wider, 3)]).toEqual([true, false, true]);
    expect([set.size(), set.since(1, chain.links)]).toEqual([2, 3]);
    set.remove(wider);
    set.remove(wider);
    expect(set.since(1, chain.links)).toBe(5);
    set.remove(rule);
    set.remove({ ...rule, below: helper.did });
    expect([set.size(), set.since(1, chain.links)]).toEqual([0, undefined]);
    expect(ruleName(rule)).not.toBe(ruleName(wider));
  });
});
