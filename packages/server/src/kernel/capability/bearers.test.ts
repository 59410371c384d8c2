import {
  attenuateBearer,
  formatBearerKey,
  type IssueOptions,
  issueBearer,
  isTrustError,
  parseBearerKey,
} from '@talosprotocol/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../../platform/system.js';
import { openTestDatabase, type TestDatabase } from '../../platform/testing/database.js';
import { crypto, GRANTS, issueTo, openWorld, type World } from '../testing/kernel-world.js';

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

const deps = () => ({ crypto, now: world.seconds, randomBytes: random });

function newKey(options: Partial<IssueOptions> = {}): string {
  const claims = { aud: [world.gateway.did], grants: GRANTS, exp: world.seconds() + 3600, ...options };
  return issueBearer(claims, world.organisation, deps());
}

const authenticate = (key: string) => world.kernel.credentials.authenticateBearer(key);
const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'accepted',
    (error: unknown) => (isTrustError(error) ? error.code : Promise.reject(error)),
  );
const revoke = (lid: string) => world.post('/talos/v1/revocations', { lid }, world.admin);

describe('a bearer key', () => {
  it('is accepted, again from memory, and its chain is logged once, its seed never (CAP-24)', async () => {
    const key = newKey();
    const { chain } = parseBearerKey(key, crypto);
    const callers = await Promise.all([authenticate(key), authenticate(key)]);
    callers.push(await authenticate(key));
    for (const caller of callers) {
      expect(caller.credential).toEqual({ kind: 'bearer', cth: chain.cth });
      expect(() => caller.assertLive('write')).not.toThrow();
    }
    expect(world.sink.drafts.map((draft) => draft.type)).toEqual(['chain']);
    const seed = key.slice(key.lastIndexOf('~') + 1);
    expect(JSON.stringify(world.sink.drafts)).not.toContain(seed);
  });

  it('is not opened by its chain with another seed, also after it was used (CAP-22)', async () => {
    const key = newKey();
    const { chain } = parseBearerKey(key, crypto);
    await authenticate(key);
    expect(await codeOf(authenticate(formatBearerKey(chain.chain, random(32))))).toBe('PROOF_INVALID');
    expect(await codeOf(authenticate(`talos_${chain.chain}`))).toBe('MALFORMED');
  });

  it('is refused where the leaf is no bearer link', async () => {
    const { chain } = issueTo(world);
    expect(await codeOf(authenticate(formatBearerKey(chain.chain, random(32))))).toBe('PROOF_INVALID');
  });

  it('stripped of its last link is a key without its seed', async () => {
    const narrow = attenuateBearer(
      newKey({ dlg: 1, bearer_below: true }),
      { grants: 'same', exp: 'same', aud: 'same' },
      deps(),
    );
    expect(await codeOf(authenticate(narrow))).toBe('accepted');
    const parts = narrow.split('~');
    expect(await codeOf(authenticate(`${parts[0]}~${parts[2]}`))).toBe('PROOF_INVALID');
  });

  it('dies with any link of its chain, also from memory, and tells the call in flight', async () => {
    const root = newKey({ dlg: 1, bearer_below: true });
    const narrow = attenuateBearer(root, { grants: 'same', exp: 'same', aud: 'same' }, deps());
    const callers = [await authenticate(root), await authenticate(narrow)];
    let told = 0;
    for (const caller of callers) caller.onRevoked(() => (told += 1));
    await revoke(parseBearerKey(root, crypto).chain.leaf.lid);
    expect(told).toBe(2);
    for (const caller of callers) {
      expect(() => caller.assertLive('read')).toThrow(expect.objectContaining({ code: 'REVOKED' }));
    }
    callers[0]?.onRevoked(() => (told += 1));
    expect(told).toBe(3);
    expect([await codeOf(authenticate(root)), await codeOf(authenticate(narrow))]).toEqual([
      'REVOKED',
      'REVOKED',
    ]);
  });

  it('lives on when only a link below it is revoked', async () => {
    const root = newKey({ dlg: 1, bearer_below: true });
    const narrow = attenuateBearer(root, { grants: 'same', exp: 'same', aud: 'same' }, deps());
    await revoke(parseBearerKey(narrow, crypto).chain.leaf.lid);
    expect([await codeOf(authenticate(root)), await codeOf(authenticate(narrow))]).toEqual([
      'accepted',
      'REVOKED',
    ]);
  });

  it('is refused if it is revoked while its first use is being logged', async () => {
    const key = newKey();
    world.sink.before = async () => {
      world.sink.before = () => Promise.resolve();
      await revoke(parseBearerKey(key, crypto).chain.leaf.lid);
    };
    expect(await codeOf(authenticate(key))).toBe('REVOKED');
  });

  it('is refused from memory once it has expired', async () => {
    const key = newKey({ exp: world.seconds() + 10 });
    const caller = await authenticate(key);
    world.time.now += 40_000;
    expect(() => caller.assertLive('read')).toThrow(expect.objectContaining({ code: 'EXPIRED' }));
    expect(await codeOf(authenticate(key))).toBe('EXPIRED');
  });

  it('is refused from memory once its anchor is gone', async () => {
    const key = newKey();
    const caller = await authenticate(key);
    world.policy.anchors.length = 0;
    expect(() => caller.assertLive('read')).toThrow(expect.objectContaining({ code: 'UNTRUSTED_ISSUER' }));
    expect(await codeOf(authenticate(key))).toBe('UNTRUSTED_ISSUER');
  });

  it('is refused, from memory too, while revocations may be unheard of', async () => {
    const key = newKey();
    await authenticate(key);
    world.time.monotonic += 60_001;
    expect(await codeOf(authenticate(key))).toBe('UNAVAILABLE');
    await world.kernel.poll();
    expect(await codeOf(authenticate(key))).toBe('accepted');
  });

  it('may not live longer than the anchor allows', async () => {
    expect(await codeOf(authenticate(newKey({ exp: world.seconds() + 86_401 })))).toBe('DELEGATION_INVALID');
    world.policy.anchors[0] = { ...world.policy.anchors[0]!, bearerMax: 0 };
    expect(await codeOf(authenticate(newKey()))).toBe('DELEGATION_INVALID');
  });

  it('is not accepted while its chain cannot be logged', async () => {
    const key = newKey();
    world.sink.before = () => Promise.reject(new Error('down'));
    await expect(authenticate(key)).rejects.toThrow('down');
    world.sink.before = () => Promise.resolve();
    expect(await codeOf(authenticate(key))).toBe('accepted');
  });

  it.each(['', 'talos_', 'talos_~', 'sk-123', `talos_${'a'.repeat(40_000)}`, 'talos_a.b.c~AAAA'])(
    'is refused as malformed: %.12s',
    async (key) => {
      expect(await codeOf(authenticate(key))).toBe('MALFORMED');
    },
  );
});
