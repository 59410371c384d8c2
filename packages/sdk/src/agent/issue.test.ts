import {
  createDidResolver,
  type IssueOptions,
  parseAnchors,
  parseChain,
  portableCrypto,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { createAgent } from './agent.js';
import { createIdentity } from './identity.js';
import { issueCapability } from './issue.js';

const NOW = 1_800_000_000;
const crypto = createNodeCrypto();
const runtime = { crypto, now: () => NOW * 1000 + 999 };
const [organisation, agent, helper, gateway] = [1, 2, 3, 4].map(() => createIdentity({ crypto })) as [
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
];
const READ_DOCS = { scope: 'tool:fs/method:read_text_file/resource:/docs', ops: ['read' as const] };
const options: IssueOptions = {
  sub: agent.did,
  aud: [gateway.did],
  grants: [READ_DOCS],
  exp: NOW + 3600,
  dlg: 1,
};

function verify(chain: string, anchor = organisation.did) {
  const anchors = parseAnchors([{ iss: anchor, tenant: 'default', grants: [READ_DOCS] }], crypto);
  const resolver = createDidResolver({ now: () => NOW });
  const context = { now: NOW, audience: gateway.did, anchors, isRevoked: () => false, resolver, crypto };
  return verifyCapability(parseChain(chain, crypto), context);
}

describe('issueCapability', () => {
  it('issues in the name of the identity what a gateway that trusts it verifies', async () => {
    const chain = issueCapability(organisation, options, runtime);
    const { leaf } = await verify(chain);
    expect(leaf.claims).toMatchObject({ iss: organisation.did, sub: agent.did, iat: NOW, dlg: 1 });
    await expect(verify(chain, helper.did)).rejects.toMatchObject({ code: 'UNTRUSTED_ISSUER' });
  });

  it('gives the holder something to hand on, and to no one else', async () => {
    const capability = issueCapability(organisation, options, runtime);
    const holder = { ...runtime, identity: agent, capability, gateway: 'http://127.0.0.1:8001' };
    const narrowed = createAgent(holder).attenuate({ sub: helper.did, grants: 'same', exp: NOW + 60 });
    const { leaf, links } = await verify(narrowed);
    expect(links).toHaveLength(2);
    expect(leaf.claims).toMatchObject({ iss: agent.did, sub: helper.did, exp: NOW + 60 });
    expect(() => createAgent({ ...holder, identity: helper })).toThrow(TypeError);
  });

  it('uses the clock, the random source and the crypto it is given, and has defaults', () => {
    const fixed = { ...runtime, random: (length: number) => new Uint8Array(length).fill(7) };
    const chain = issueCapability(organisation, options, fixed);
    expect(issueCapability(organisation, options, { ...fixed, crypto: portableCrypto })).toBe(chain);
    expect(issueCapability(organisation, options, runtime)).not.toBe(chain);
    const iat = Math.floor(Date.now() / 1000);
    const { claims } = parseChain(issueCapability(organisation, { ...options, exp: iat + 60 }), crypto).leaf;
    expect(claims.iat).toBeGreaterThanOrEqual(iat);
  });

  it.each<[string, Partial<IssueOptions>]>([
    ['an end before its beginning', { exp: NOW - 1 }],
    ['no gateway', { aud: [] }],
    ['no grant', { grants: [] }],
    ['a holder that is no DID', { sub: 'agent' }],
  ])('refuses %s', (_, change) => {
    expect(() => issueCapability(organisation, { ...options, ...change }, runtime)).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });
});
