import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto as crypto } from '../crypto/portable.js';
import { didKeyKeys } from './resolver.js';
import { createSigner } from './signer.js';
import {
  partiesOfRotation,
  signDeactivation,
  signRegistration,
  signRotation,
  signSuccession,
  verifyDeactivation,
  verifyRegistration,
  verifyRotation,
} from './statement.js';

const signerOf = (n: number) => createSigner(new Uint8Array(32).fill(n), crypto);
const [agent, next, other] = [signerOf(1), signerOf(2), signerOf(3)] as const;
const GATEWAY = signerOf(9).did;
const NOW = 1_800_000_000;
const ctx = { audience: GATEWAY, now: NOW, crypto };
const stated = { aud: GATEWAY, iat: NOW, jti: 'j1' };
const IDENTITY = { did: agent.did, kind: 'agent', name: 'Reader' } as const;
const REGISTRATION = { ...stated, ...IDENTITY, nonce: 'n'.repeat(54) };
const proofInvalid = (caveat?: string) =>
  expect.objectContaining({
    code: 'PROOF_INVALID',
    ...(caveat === undefined ? {} : { data: expect.objectContaining({ caveat }) }),
  });
const malformed = expect.objectContaining({ code: 'MALFORMED' });

function register(change: object = {}, signer = agent) {
  const used: string[] = [];
  const proof = signRegistration({ ...REGISTRATION, ...change }, signer);
  const run = () =>
    verifyRegistration(proof, IDENTITY, didKeyKeys(agent.did), {
      ...ctx,
      consumeNonce: (nonce) => void used.push(nonce),
    });
  return { run, used };
}

describe('the proof of a registration (ID-13)', () => {
  it('shows control of the key, and uses its nonce up', () => {
    const { run, used } = register();
    expect(run()).toEqual(REGISTRATION);
    expect(used).toEqual([REGISTRATION.nonce]);
  });

  it.each<[string, object, string]>([
    ['another gateway', { aud: other.did }, 'aud'],
    ['another DID', { did: other.did }, 'did'],
    ['another kind', { kind: 'organisation' }, 'kind'],
    ['another name', { name: 'Writer' }, 'name'],
    ['a time long ago', { iat: NOW - 61 }, 'iat'],
    ['a time to come', { iat: NOW + 61 }, 'iat'],
  ])('is refused for %s, and no nonce is used up', (_, change, caveat) => {
    const { run, used } = register(change);
    expect(run).toThrow(proofInvalid(caveat));
    expect(used).toEqual([]);
  });

  it('is refused when another signed it, and no nonce is used up', () => {
    const { run, used } = register({}, other);
    expect(run).toThrow(proofInvalid());
    expect(used).toEqual([]);
  });

  it('is refused with more, less, or another typ', () => {
    const verify = (typ: string, claims: object) => () =>
      verifyRegistration(signJws({ typ, claims: claims as never }, agent), IDENTITY, didKeyKeys(agent.did), {
        ...ctx,
        consumeNonce: () => undefined,
      });
    const { nonce: _, ...less } = REGISTRATION;
    expect(verify('talos-register+jwt', less)).toThrow(malformed);
    expect(verify('talos-register+jwt', { ...REGISTRATION, role: 'admin' })).toThrow(malformed);
    expect(verify('talos-pop+jwt', REGISTRATION)).toThrow(malformed);
    expect(() => signRegistration({ ...REGISTRATION, nonce: '' }, agent)).toThrow(TypeError);
  });
});

const handOver = { ...stated, iss: agent.did, sub: next.did };
const takeOver = { ...stated, iss: next.did, sub: agent.did };

function rotate({
  from = {},
  to = {},
  by = agent,
  taker = next,
}: Partial<Record<'from' | 'to', object>> & { by?: typeof agent; taker?: typeof agent } = {}) {
  const statement = signRotation({ ...handOver, ...from }, by);
  const succession = signSuccession(statement, { ...takeOver, ...to }, taker, crypto);
  return { statement, succession };
}

const keys = { former: didKeyKeys(agent.did), successor: didKeyKeys(next.did) };

describe('a succession (ID-14)', () => {
  it('is signed by both', () => {
    const both = rotate();
    expect(verifyRotation(both, keys, ctx)).toEqual(handOver);
    expect(partiesOfRotation(both.statement)).toEqual({ former: agent.did, successor: next.did });
  });

  it.each<[string, Parameters<typeof rotate>[0], string | undefined]>([
    ['another gateway', { from: { aud: other.did } }, 'aud'],
    ['an answer for another gateway', { to: { aud: other.did } }, 'aud'],
    ['an old statement', { from: { iat: NOW - 61 } }, 'iat'],
    ['an old answer', { to: { iat: NOW - 61 } }, 'iat'],
    ['another former', { from: { iss: other.did } }, 'iss'],
    ['another successor', { from: { sub: other.did } }, 'sub'],
    ['an answer of another', { to: { iss: other.did } }, 'iss'],
    ['an answer to another', { to: { sub: other.did } }, 'sub'],
    ['a statement that another signed', { by: other }, undefined],
    ['an answer that another signed', { taker: other }, undefined],
  ])('is refused for %s', (_, change, caveat) => {
    expect(() => verifyRotation(rotate(change), keys, ctx)).toThrow(proofInvalid(caveat));
  });

  it('is refused when the answer is to another statement, or the successor is the former', () => {
    const { statement } = rotate({ from: { jti: 'j2' } });
    expect(() => verifyRotation({ ...rotate(), statement }, keys, ctx)).toThrow(proofInvalid('statement'));
    const own = rotate({ from: { sub: agent.did }, to: { iss: agent.did }, taker: agent });
    expect(() => verifyRotation(own, { former: keys.former, successor: keys.former }, ctx)).toThrow(
      proofInvalid('sub'),
    );
  });
});

describe('the end of an identity (ID-15)', () => {
  const end = (change: object = {}, signer = agent) =>
    verifyDeactivation(signDeactivation({ ...stated, iss: agent.did, ...change }, signer), keys.former, ctx);

  it('is stated by itself, also long before', () => {
    expect(end({ iat: 1 }).iss).toBe(agent.did);
  });

  it.each<[string, object, string]>([
    ['another gateway', { aud: other.did }, 'aud'],
    ['another identity', { iss: other.did }, 'iss'],
    ['the future', { iat: NOW + 31 }, 'iat'],
  ])('is refused for %s', (_, change, caveat) => {
    expect(() => end(change)).toThrow(proofInvalid(caveat));
  });

  it('is refused when another signed it', () => {
    expect(() => end({}, other)).toThrow(proofInvalid());
  });

  it('does not hide a bug as a bad signature', () => {
    const broken = {
      ...crypto,
      ed25519Verify: () => {
        throw new RangeError('a bug');
      },
    };
    const statement = signDeactivation({ ...stated, iss: agent.did }, agent);
    expect(() => verifyDeactivation(statement, keys.former, { ...ctx, crypto: broken })).toThrow(RangeError);
  });
});
