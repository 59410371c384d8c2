import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import type { DidKeys } from '../identity/did-keys.js';
import { KEY_PURPOSES } from '../identity/did-keys.js';
import { attenuate } from './attenuate.js';
import { issueCapability } from './issue.js';
import type { SignatureVerifier } from './signatures.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';
import { type VerifyContext, verifyCapability } from './verify.js';

const world = createWorld(portableCrypto);
const { organisation, agent, helper, stranger, deps, gateway } = world;
const terms = { grants: [READ_DOCS], exp: NOW + 600 };
const root = issueCapability({ ...terms, sub: agent.did, aud: [gateway.did], dlg: 2 }, organisation, deps);
const second = attenuate(root, { ...terms, sub: helper.did, dlg: 1 }, agent, deps);
const third = attenuate(second, { ...terms, sub: stranger.did }, helper, deps);

/** Another signature in place of a link's own. */
function forge(chain: string, link: number): string {
  const parts = chain.split('~');
  const part = parts[link - 1] as string;
  const at = part.lastIndexOf('.') + 10;
  parts[link - 1] = `${part.slice(0, at)}${part[at] === 'A' ? 'B' : 'A'}${part.slice(at + 1)}`;
  return parts.join('~');
}

/** Verifies later, as another thread would, and notes the sizes of the batches. */
function later(batches: number[] = []): SignatureVerifier {
  return async (jobs) => {
    batches.push(jobs.length);
    await Promise.resolve();
    return jobs.findIndex((job) => !portableCrypto.ed25519Verify(job.signature, job.message, job.publicKey));
  };
}

async function outcome(chain: string, changes: Partial<VerifyContext>): Promise<unknown> {
  const found = await verifyCapability(chain, world.context(changes)).catch((error: unknown) => error);
  if (!(found instanceof Error)) return found;
  return { code: (found as Error & { code?: string }).code, ...(found as { data?: object }).data };
}

describe('signatures that are verified elsewhere', () => {
  it('go there in one batch, and the capability is the same', async () => {
    const batches: number[] = [];
    const capability = await verifyCapability(third.chain, world.context({ signatures: later(batches) }));
    expect(capability).toMatchObject({ cth: third.cth, holder: stranger.did });
    expect(batches).toEqual([3]);
  });

  it.each<[string, string, Partial<VerifyContext>]>([
    ['a forged root', forge(third.chain, 1), {}],
    ['a link of another root', `${forge(second.chain, 1)}~${third.leaf.jws}`, {}],
    ['a forged leaf', forge(third.chain, 3), {}],
    ['a forged leaf of an expired chain', forge(third.chain, 3), { now: NOW + 700 }],
    ['an expired chain', third.chain, { now: NOW + 700 }],
    ['a forged root of an expired chain', forge(root.chain, 1), { now: NOW + 700 }],
    ['a link left out', `${root.chain}~${third.leaf.jws}`, {}],
    ['a link left out below a forged root', `${forge(root.chain, 1)}~${third.leaf.jws}`, {}],
    ['another audience', third.chain, { audience: stranger.did }],
    ['a forged root for another audience', forge(root.chain, 1), { audience: stranger.did }],
  ])('report for %s what is reported without', async (_, chain, changes) => {
    const expected = await outcome(chain, changes);
    expect(expected).toHaveProperty('code');
    expect(await outcome(chain, { ...changes, signatures: later() })).toEqual(expected);
  });

  it('are verified before a DID is asked about that stands below them', async () => {
    const web = { ...world.signer(9), did: 'did:web:example.com', kid: 'did:web:example.com#k' };
    const top = issueCapability({ ...terms, sub: web.did, aud: [gateway.did], dlg: 1 }, organisation, deps);
    const { chain } = attenuate(top, { ...terms, sub: agent.did }, web, deps);
    const asked: string[] = [];
    const resolve = async (did: string): Promise<DidKeys> => {
      asked.push(did);
      const keys = [{ kid: web.kid, publicKey: web.publicKey, purposes: KEY_PURPOSES }];
      return { did, keys, validUntil: NOW + 300 };
    };
    const batches: number[] = [];
    const changes = { signatures: later(batches), resolver: { resolve } };
    expect(await outcome(chain, changes)).toMatchObject({ keysValidUntil: NOW + 300 });
    expect(batches).toEqual([1, 1]);
    expect(await outcome(forge(chain, 1), changes)).toMatchObject({ code: 'SIGNATURE_INVALID', link: 1 });
    expect(asked).toEqual([web.did]);
    expect(await outcome(forge(chain, 2), changes)).toMatchObject({ code: 'SIGNATURE_INVALID', link: 2 });
  });

  it('are those of an issuer that is fetched, for good if its keys never change', async () => {
    const web = { ...world.signer(9), did: 'did:web:example.com', kid: 'did:web:example.com#k' };
    const { chain } = issueCapability({ ...terms, sub: agent.did, aud: [gateway.did] }, web, deps);
    const keys = [{ kid: web.kid, publicKey: web.publicKey, purposes: KEY_PURPOSES }];
    const resolver = { resolve: async (did: string): Promise<DidKeys> => ({ did, keys }) };
    const changes = { resolver, anchors: world.anchors({ iss: web.did }), signatures: later() };
    expect(await outcome(chain, changes)).toMatchObject({ keysValidUntil: Number.POSITIVE_INFINITY });
  });

  it('may be by a did:key that its kid names, and by no other', async () => {
    const kid = `${organisation.did}#${organisation.did.slice('did:key:'.length)}`;
    const issue = (name: string): string =>
      issueCapability({ ...terms, sub: agent.did, aud: [gateway.did] }, { ...organisation, kid: name }, deps)
        .chain;
    expect(await outcome(issue(kid), {})).toMatchObject({ holder: agent.did });
    expect(await outcome(issue(`${kid}x`), {})).toMatchObject({ code: 'SIGNATURE_INVALID', link: 1 });
  });

  it('are refused by their link if the did:key of its issuer holds no key', async () => {
    const did = `did:key:z6Mk${'z'.repeat(44)}`;
    const top = issueCapability({ ...terms, sub: did, aud: [gateway.did], dlg: 1 }, organisation, deps);
    const { chain } = attenuate(top, { ...terms, sub: agent.did }, { ...agent, did }, deps);
    expect(await outcome(chain, {})).toMatchObject({ code: 'MALFORMED', link: 2 });
    expect(await outcome(chain, { signatures: later() })).toMatchObject({ code: 'MALFORMED', link: 2 });
  });

  it.each([[Number.NaN], [undefined], [-2], ['no']])(
    'accept no chain if the answer is %s',
    async (answer) => {
      const signatures = async (): Promise<number> => answer as number;
      await expect(verifyCapability(third.chain, world.context({ signatures }))).rejects.toThrow();
    },
  );

  it('accept no chain if nobody answers', async () => {
    const signatures = () => Promise.reject(new Error('gone'));
    await expect(verifyCapability(third.chain, world.context({ signatures }))).rejects.toThrow('gone');
  });
});
