import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { encodeDidKey, encodeMultikey } from './did-key.js';
import { keyFor } from './did-keys.js';
import { createDidResolver, type DidResolverDeps } from './resolver.js';

const KEY = portableCrypto.ed25519PublicKey(new Uint8Array(32).fill(1));
const AGENT = encodeDidKey(KEY);
const ORG = 'did:web:example.com';
const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code });

/** A web of one document per DID, that counts how often it is asked; `now` can be set. */
function createWorld(deps: Partial<DidResolverDeps> = {}) {
  const world = { now: 1000, fetched: [] as string[], fail: false };
  const fetchDocument = async (url: string): Promise<Uint8Array> => {
    world.fetched.push(url);
    if (world.fail) throw new Error('connection refused');
    const did = `did:web:${url.slice('https://'.length).replace('/.well-known/did.json', '')}`;
    const publicKeyMultibase = encodeMultikey(KEY);
    const method = { id: '#k', type: 'Multikey', controller: did, publicKeyMultibase };
    return encodeUtf8(JSON.stringify({ id: did, verificationMethod: [method], authentication: ['#k'] }));
  };
  const resolver = createDidResolver({ fetchDocument, allow: () => true, now: () => world.now, ...deps });
  return { world, resolver };
}

describe('the DID resolver', () => {
  it('answers did:key from the DID itself, for every purpose and for ever', async () => {
    const { world, resolver } = createWorld();
    const keys = await resolver.resolve(AGENT);
    expect(keys.validUntil).toBeUndefined();
    for (const kid of [undefined, `${AGENT}#${AGENT.slice(8)}`]) {
      expect(keyFor(keys, kid, 'capabilityDelegation')).toEqual(KEY);
      expect(keyFor(keys, kid, 'authentication')).toEqual(KEY);
    }
    expect(world.fetched).toEqual([]);
  });

  it('fetches an allowed did:web once within its time, then again', async () => {
    const { world, resolver } = createWorld();
    expect((await resolver.resolve(ORG)).validUntil).toBe(1300);
    world.now = 1299;
    const keys = await resolver.resolve(ORG);
    expect(keyFor(keys, `${ORG}#k`, 'authentication')).toEqual(KEY);
    expect(world.fetched).toEqual(['https://example.com/.well-known/did.json']);
    world.now = 1300;
    expect((await resolver.resolve(ORG)).validUntil).toBe(1600);
    expect(world.fetched).toHaveLength(2);
  });

  it('does not go on with an old key when the document cannot be had', async () => {
    const { world, resolver } = createWorld();
    await resolver.resolve(ORG);
    world.now = 1300;
    world.fail = true;
    await expect(resolver.resolve(ORG)).rejects.toEqual(refusal('UNAVAILABLE'));
    world.fail = false;
    world.now += 2;
    await expect(resolver.resolve(ORG)).resolves.toMatchObject({ did: ORG });
  });

  it('answers a failure for a moment without asking again, and asks when told to', async () => {
    const { world, resolver } = createWorld();
    world.fail = true;
    for (let i = 0; i < 5; i++) await expect(resolver.resolve(ORG)).rejects.toEqual(refusal('UNAVAILABLE'));
    expect(world.fetched).toHaveLength(1);
    world.fail = false;
    await expect(resolver.resolve(ORG)).rejects.toEqual(refusal('UNAVAILABLE'));
    expect((await resolver.refresh(ORG)).keys.validUntil).toBe(1300);
    await expect(resolver.resolve(ORG)).resolves.toMatchObject({ did: ORG });
    expect(() => createDidResolver({ now: () => 0, failureSeconds: 31 })).toThrow(RangeError);
  });

  it('shares one fetch among concurrent callers', async () => {
    const { world, resolver } = createWorld();
    const answers = await Promise.all([1, 2, 3].map(() => resolver.resolve(ORG)));
    expect(new Set(answers).size).toBe(1);
    expect(world.fetched).toHaveLength(1);
  });

  it('fetches each time with cacheSeconds 0', async () => {
    const { world, resolver } = createWorld({ cacheSeconds: 0 });
    await resolver.resolve(ORG);
    await resolver.resolve(ORG);
    expect(world.fetched).toHaveLength(2);
  });

  it('fetches nothing that is not allowed', async () => {
    const { world, resolver } = createWorld({ allow: (did) => did === ORG });
    await expect(resolver.resolve('did:web:evil.example')).rejects.toEqual(refusal('UNTRUSTED_ISSUER'));
    await expect(createDidResolver({ now: () => 0 }).resolve(ORG)).rejects.toEqual(
      refusal('UNTRUSTED_ISSUER'),
    );
    expect(world.fetched).toEqual([]);
  });

  it('says which list of the operator would have to have it', async () => {
    const { resolver } = createWorld({ allow: () => false });
    const scid = 'QmQ1UfxXDT3G75HJP5fFUZpew7hK7d1EExHDf4x5mMZy3E';
    for (const [did, list] of [
      ['did:web:evil.example', 'didWeb.allow'],
      [`did:webvh:${scid}:evil.example`, 'didWebvh.allow'],
    ] as const)
      await expect(resolver.resolve(did)).rejects.toMatchObject({
        code: 'UNTRUSTED_ISSUER',
        data: { hint: expect.stringMatching(`${did} .* add it to ${list} `) },
      });
  });

  it('needs a way to fetch', async () => {
    const resolver = createDidResolver({ now: () => 0, allow: () => true });
    await expect(resolver.resolve(ORG)).rejects.toEqual(refusal('UNAVAILABLE'));
  });

  it.each([
    '',
    'did:',
    'did:ion:abc',
    'did:webvh:abc',
    'did:web:127.0.0.1',
    'did:key:z6Mk',
    'DID:web:example.com',
  ])('refuses %j', async (did) => {
    await expect(createWorld().resolver.resolve(did)).rejects.toEqual(refusal('MALFORMED'));
  });

  it('refuses a document about someone else', async () => {
    const { resolver } = createWorld({
      fetchDocument: async () => encodeUtf8('{"id":"did:web:evil.example"}'),
    });
    await expect(resolver.resolve(ORG)).rejects.toEqual(refusal('MALFORMED'));
  });

  it('bounds what is under way and what is kept', async () => {
    const never = createWorld({ fetchDocument: () => new Promise(() => undefined) }).resolver;
    for (let i = 0; i < 64; i++) void never.resolve(`did:web:a${i}.example`);
    await expect(never.resolve(ORG)).rejects.toEqual(refusal('UNAVAILABLE'));

    const { world, resolver } = createWorld();
    for (let i = 0; i < 1025; i++) await resolver.resolve(`did:web:a${i}.example`);
    await resolver.resolve('did:web:a1024.example');
    expect(world.fetched).toHaveLength(1025);
    await resolver.resolve('did:web:a0.example');
    expect(world.fetched).toHaveLength(1026);
  });

  it.each([-1, 301, Number.NaN])('refuses cacheSeconds %s', (cacheSeconds) => {
    expect(() => createWorld({ cacheSeconds })).toThrow(RangeError);
  });
});

describe('keyFor', () => {
  const keys = {
    did: ORG,
    keys: [{ kid: `${ORG}#k`, publicKey: KEY, purposes: ['authentication' as const] }],
  };

  it('wants the exact kid and the purpose (ID-4)', () => {
    expect(keyFor(keys, `${ORG}#k`, 'authentication')).toBe(KEY);
    for (const kid of [undefined, '#k', 'k', `${ORG}#K`, ORG]) {
      expect(() => keyFor(keys, kid, 'authentication')).toThrow(refusal('SIGNATURE_INVALID'));
    }
    expect(() => keyFor(keys, `${ORG}#k`, 'capabilityDelegation')).toThrow('not meant for');
  });

  it('wants no kid for did:key, but refuses a wrong one', () => {
    const own = { did: AGENT, keys: [] };
    expect(() => keyFor(own, undefined, 'authentication')).toThrow(refusal('SIGNATURE_INVALID'));
    expect(() => keyFor(own, `${AGENT}#x`, 'authentication')).toThrow(refusal('SIGNATURE_INVALID'));
  });
});
