import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url } from '../encoding/base64url.js';
import { TrustError } from '../error.js';
import { createNodeCrypto } from '../node/index.js';
import { attenuate } from './attenuate.js';
import {
  attenuateBearer,
  attenuateToBearer,
  formatBearerKey,
  issueBearer,
  parseBearerKey,
  verifyBearer,
} from './bearer.js';
import { issueCapability } from './issue.js';
import { createWorld, NOW, READ_DOCS } from './testing/world.js';

const world = createWorld(createNodeCrypto());
const { agent, context, crypto, deps, gateway, helper, organisation } = world;
const OPTIONS = { aud: [gateway.did], grants: [READ_DOCS], exp: NOW + 3600, dlg: 2, bearer_below: true };

async function codeOf(key: string): Promise<string> {
  const error = await verifyBearer(key, context()).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(TrustError);
  return (error as TrustError).code;
}

describe('bearer keys', () => {
  const key = issueBearer(OPTIONS, organisation, deps);
  const seed = key.slice(-43);

  it('CAP-22 accepts the key as issued', async () => {
    const capability = await verifyBearer(key, context());
    expect(key).toBe(`talos_${capability.chain}~${seed}`);
    expect(formatBearerKey(capability.chain, decodeBase64url(seed))).toBe(key);
  });

  it('CAP-23 is narrowed offline, by whoever holds it', async () => {
    const narrower = attenuateBearer(key, { grants: 'same', exp: NOW + 60, aud: 'same' }, deps);
    const capability = await verifyBearer(narrower, context());
    expect(capability).toMatchObject({ expires: NOW + 60, links: { length: 2 } });
    expect(narrower).not.toContain(seed);
  });

  it('CAP-23 is made by the holder of an ordinary chain', async () => {
    const root = issueCapability({ ...OPTIONS, sub: agent.did }, organisation, deps);
    const made = attenuateToBearer(root, { grants: 'same', exp: 'same', aud: 'same' }, agent, deps);
    await expect(verifyBearer(made, context())).resolves.toMatchObject({ links: { length: 2 } });
  });

  it('CAP-22 refuses a chain with a seed of another key, and a beginning of the chain', async () => {
    const { chain } = parseBearerKey(key, crypto).chain;
    expect(await codeOf(formatBearerKey(chain, new Uint8Array(32).fill(99)))).toBe('PROOF_INVALID');
    const narrower = attenuateBearer(key, { grants: 'same', exp: NOW + 60, aud: 'same' }, deps);
    expect(await codeOf(`talos_${chain}~${narrower.slice(-43)}`)).toBe('PROOF_INVALID');
  });

  it('CAP-22 never accepts a leaf without bearer, even with its own seed', async () => {
    const holderSeed = new Uint8Array(32).fill(3);
    const root = issueCapability({ ...OPTIONS, sub: agent.did }, organisation, deps);
    expect(await codeOf(formatBearerKey(root.chain, holderSeed))).toBe('PROOF_INVALID');
    const { chain, createSigner } = parseBearerKey(key, crypto);
    const below = { sub: agent.did, grants: 'same', exp: 'same' } as const;
    const plain = attenuate(chain, below, createSigner(), deps);
    expect(await codeOf(formatBearerKey(plain.chain, holderSeed))).toBe('PROOF_INVALID');
  });

  it('CAP-22 refuses a bearer link of a did:web', async () => {
    const root = issueCapability({ ...OPTIONS, sub: 'did:web:a.example', bearer: true }, organisation, deps);
    expect(await codeOf(formatBearerKey(root.chain, new Uint8Array(32).fill(3)))).toBe('PROOF_INVALID');
  });

  it('verifies the chain first', async () => {
    const late = context({ now: NOW + 3630 });
    await expect(verifyBearer(key, late)).rejects.toMatchObject({ code: 'EXPIRED' });
  });

  it('CAP-24 shows no seed when it is printed or refused', () => {
    const parsed = parseBearerKey(key, crypto);
    expect(inspect(parsed, { depth: 9 })).not.toContain(seed);
    expect(JSON.stringify(parsed)).not.toContain(seed);
    expect(inspect(parsed.createSigner(), { depth: 9 })).not.toContain(seed);
  });

  it.each([
    ['nothing', ''],
    ['another prefix', key.replace('talos_', 'Talos_')],
    ['no seed', key.slice(0, -44)],
    ['a short seed', key.slice(0, -1)],
    ['a padded seed', `${key}=`],
    ['a seed that is not canonical', `${key.slice(0, -1)}B`],
    ['no chain', `talos_~${seed}`],
    ['only a seed', `talos_${seed}`],
    ['too much', `talos_${'a'.repeat(16_500)}~${seed}`],
  ])('refuses %s as malformed', (_, text) => {
    expect(() => parseBearerKey(text, crypto)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('refuses any other text without repeating it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseBearerKey(`talos_${text}`, crypto)).toThrow(TrustError);
      }),
    );
  });

  it('is not made from a seed of another length', () => {
    expect(() => formatBearerKey('a', new Uint8Array(31))).toThrow(RangeError);
    expect(helper.did).toMatch(/^did:key:/);
  });
});
