import { describe, expect, it } from 'vitest';
import { TrustError } from '../error.js';
import { keyFor } from './did-keys.js';
import type { DidResource } from './did-record.js';
import { createDidResolver, type DidResolverDeps, type WebvhMarks } from './resolver.js';
import { crypto, ctx, didOf, key, NOW, newLog } from './webvh/testing/logs.js';
import type { WebvhMark } from './webvh/version.js';
import {
  deactivateWebvhLog,
  moveWebvhLog,
  updateWebvhLog,
  type WebvhChanges,
  webvhDocument,
  witnessWebvhLog,
} from './webvh/write.js';

const refusal = (code: string) => expect.objectContaining({ name: 'TrustError', code });

/** A host that serves one log, and counts. */
function createWorld(first = newLog(), deps: Partial<DidResolverDeps> = {}) {
  const did = didOf(first);
  const world = {
    did,
    now: NOW / 1000,
    log: first,
    witness: undefined as Uint8Array | undefined,
    down: false,
    asked: [] as DidResource[],
    publish: (changes: WebvhChanges & { document?: ReturnType<typeof webvhDocument> }) => {
      world.log = updateWebvhLog(world.log, changes, key(1), ctx(world.now * 1000));
    },
  };
  const fetchDocument = async (_: string, resource: DidResource): Promise<Uint8Array> => {
    world.asked.push(resource);
    const found = resource === 'witness' ? world.witness : world.log;
    if (world.down || found === undefined) throw new Error('404');
    return found;
  };
  const resolver = createDidResolver({
    fetchDocument,
    allow: () => true,
    now: () => world.now,
    crypto,
    ...deps,
  });
  return { world, resolver };
}

describe('resolving a did:webvh (ID-11)', () => {
  it('gives the keys of the latest version, until five minutes from the question', async () => {
    const { world, resolver } = createWorld();
    const keys = await resolver.resolve(world.did);
    expect(keyFor(keys, `${world.did}#key-1`, 'capabilityDelegation')).toEqual(key(9).publicKey);
    expect(keys.validUntil).toBe(world.now + 300);
    await resolver.resolve(world.did);
    expect(world.asked).toEqual(['log']);
  });

  it('asks again when told to, and uses a new entry at once', async () => {
    const { world, resolver } = createWorld();
    await resolver.resolve(world.did);
    world.publish({ document: webvhDocument(world.did, key(10).publicKey) });
    expect((await resolver.resolve(world.did)).keys[0]?.publicKey).toEqual(key(9).publicKey);
    const record = await resolver.refresh(world.did);
    expect(record.log?.latest.number).toBe(2);
    expect(record.files?.log).toEqual(world.log);
    expect((await resolver.resolve(world.did)).keys[0]?.publicKey).toEqual(key(10).publicKey);
    const [one, two] = await Promise.all([resolver.refresh(world.did), resolver.refresh(world.did)]);
    expect(one.keys).toEqual(two.keys);
  });

  it('lets a refresh wait for what is under way, and then ask', async () => {
    const { world, resolver } = createWorld();
    const first = resolver.resolve(world.did);
    await Promise.all([first, resolver.refresh(world.did)]);
    expect(world.asked).toHaveLength(2);
    world.down = true;
    world.now += 301;
    const failed = resolver.resolve(world.did);
    const refreshed = resolver.refresh(world.did);
    await expect(failed).rejects.toEqual(refusal('UNAVAILABLE'));
    await expect(refreshed).rejects.toEqual(refusal('UNAVAILABLE'));
  });

  it('keeps it no longer than its ttl or five seconds, but what was verified holds half a minute', async () => {
    const { world, resolver } = createWorld(newLog({ ttl: 0 }));
    expect((await resolver.resolve(world.did)).validUntil).toBe(world.now + 30);
    // Whoever names it in forged roots does not have it fetched each time.
    for (let n = 0; n < 5; n += 1) await resolver.resolve(world.did);
    expect(world.asked).toHaveLength(1);
    world.now += 5;
    await resolver.resolve(world.did);
    expect(world.asked).toHaveLength(2);
    const { world: other, resolver: slow } = createWorld(newLog({ ttl: 60 }));
    expect((await slow.resolve(other.did)).validUntil).toBe(other.now + 60);
  });

  it('fetches the witness proofs only where they are needed', async () => {
    const witnessed = newLog({ witness: { threshold: 1, witnesses: [key(21).did] } });
    const { world, resolver } = createWorld(witnessed);
    await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('UNAVAILABLE'));
    world.now += 3;
    world.witness = witnessWebvhLog({ log: witnessed }, key(22), ctx());
    await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('SIGNATURE_INVALID'));
    world.now += 3;
    world.witness = witnessWebvhLog({ log: witnessed }, key(21), ctx());
    expect((await resolver.resolve(world.did)).keys).toHaveLength(1);
    expect((await resolver.refresh(world.did)).files?.witness).toEqual(world.witness);
  });

  it('verifies each entry once, also where witnesses are fetched in between', async () => {
    let verified = 0;
    const counting = {
      ...crypto,
      ed25519Verify: (...given: Parameters<typeof crypto.ed25519Verify>) => {
        verified++;
        return crypto.ed25519Verify(...given);
      },
    };
    const witnessed = newLog({ witness: { threshold: 1, witnesses: [key(21).did] } });
    const { world, resolver } = createWorld(witnessed, { crypto: counting });
    world.witness = witnessWebvhLog({ log: witnessed }, key(21), ctx());
    await resolver.resolve(world.did);
    expect(verified).toBe(2);
  });

  it('refuses one that is deactivated, and forgets the keys it had', async () => {
    const { world, resolver } = createWorld();
    await resolver.resolve(world.did);
    world.log = deactivateWebvhLog(world.log, key(1), ctx());
    await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('REVOKED'));
    await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('REVOKED'));
  });

  it('keeps what it has while the host is down', async () => {
    const { world, resolver } = createWorld();
    await resolver.resolve(world.did);
    world.down = true;
    await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('UNAVAILABLE'));
    expect((await resolver.resolve(world.did)).keys).toHaveLength(1);
  });

  it('refuses a log that was taken back or rewritten', async () => {
    const { world, resolver } = createWorld();
    const first = world.log;
    world.publish({});
    await resolver.resolve(world.did);
    world.log = first;
    await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('SIGNATURE_INVALID'));
    world.log = updateWebvhLog(first, { ttl: 7 }, key(1), ctx());
    await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('SIGNATURE_INVALID'));
  });

  it('refuses a log without the entry that ended or moved it, which was seen', async () => {
    for (const end of [
      (log: Uint8Array) => deactivateWebvhLog(log, key(1), ctx()),
      (log: Uint8Array) => moveWebvhLog(log, 'example.org', key(1), ctx()),
    ]) {
      const { world, resolver } = createWorld(newLog({ portable: true }));
      const first = world.log;
      await resolver.resolve(world.did);
      world.log = end(first);
      await expect(resolver.refresh(world.did)).rejects.toThrow();
      world.log = first;
      await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('SIGNATURE_INVALID'));
      await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('SIGNATURE_INVALID'));
    }
  });

  it('remembers elsewhere what was seen, for those who come after', async () => {
    const kept = new Map<string, WebvhMark>();
    const writes: number[] = [];
    const marks: WebvhMarks = {
      find: async (did) => kept.get(did),
      keep: async (did, mark) => {
        writes.push(mark.number);
        kept.set(did, mark);
      },
    };
    const { world, resolver } = createWorld(newLog(), { marks });
    const first = world.log;
    world.publish({});
    await resolver.resolve(world.did);
    await resolver.refresh(world.did);
    expect(writes).toEqual([2]);
    const { world: later, resolver: another } = createWorld(first, { marks });
    await expect(another.resolve(later.did)).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      data: { hint: expect.stringContaining('2-Qm') },
    });
    later.log = world.log;
    expect((await another.refresh(later.did)).keys.keys).toHaveLength(1);
    kept.clear();
    const down = { ...marks, find: () => Promise.reject(new TrustError('UNAVAILABLE', 'down')) };
    const { world: third, resolver: blind } = createWorld(first, { marks: down });
    await expect(blind.resolve(third.did)).rejects.toEqual(refusal('UNAVAILABLE'));
  });

  it('accepts one of two logs that a host shows two nodes at a time', async () => {
    const kept = new Map<string, WebvhMark>();
    const marks: WebvhMarks = {
      find: async (did) => kept.get(did),
      keep: async (did, mark) => void ((kept.get(did)?.number ?? 0) < mark.number && kept.set(did, mark)),
    };
    const first = newLog();
    const forks = [7, 8].map((ttl) => updateWebvhLog(first, { ttl }, key(1), ctx()));
    const nodes = forks.map((fork) => createWorld(fork, { marks }));
    const outcomes = await Promise.allSettled(
      nodes.map(({ world, resolver }) => resolver.resolve(world.did)),
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'SIGNATURE_INVALID' } },
    ]);
  });

  it('gives no keys to the former DID of one that moved', async () => {
    const { world, resolver } = createWorld(newLog({ portable: true }));
    world.log = moveWebvhLog(world.log, 'example.org', key(1), ctx());
    await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('MALFORMED'));
  });

  it('fetches nothing that is not allowed, not a DID, or that it could not verify', async () => {
    const { world, resolver } = createWorld(newLog(), { allow: () => false });
    await expect(resolver.resolve(world.did)).rejects.toEqual(refusal('UNTRUSTED_ISSUER'));
    await expect(resolver.refresh(world.did)).rejects.toEqual(refusal('UNTRUSTED_ISSUER'));
    await expect(resolver.resolve('did:webvh:x:example.com')).rejects.toEqual(refusal('MALFORMED'));
    const { resolver: plain } = { resolver: createDidResolver({ allow: () => true, now: () => 0 }) };
    await expect(plain.resolve(world.did)).rejects.toEqual(refusal('UNAVAILABLE'));
    expect(world.asked).toEqual([]);
    const own = key(3).did;
    expect((await resolver.refresh(own)).keys.did).toBe(own);
  });

  it('does not remember a fault of ours', async () => {
    const { world, resolver } = createWorld(newLog(), {
      crypto: {
        ...crypto,
        sha256: () => {
          throw new RangeError('a bug');
        },
      },
    });
    await expect(resolver.resolve(world.did)).rejects.toThrow(RangeError);
    await expect(resolver.resolve(world.did)).rejects.toThrow(RangeError);
    expect(world.asked).toHaveLength(2);
  });
});
