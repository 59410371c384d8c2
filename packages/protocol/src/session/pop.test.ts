import type { ProofClaims } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { parseProof, signProof, verifyProof } from './pop.js';

const agent = createSigner(new Uint8Array(32).fill(1), portableCrypto);
const other = createSigner(new Uint8Array(32).fill(2), portableCrypto);
const gateway = createSigner(new Uint8Array(32).fill(3), portableCrypto).did;
const epk = portableCrypto.x25519PublicKey(new Uint8Array(32).fill(4));
const NOW = 1_700_000_000;
const url = 'https://gateway.example/talos/v1/sessions';
const cth = encodeBase64url(new Uint8Array(32).fill(5));
const claims: ProofClaims = {
  aud: gateway,
  iat: NOW,
  jti: 'one',
  htm: 'POST',
  htu: url,
  cth,
  nonce: 'N'.repeat(54),
  epk: encodeBase64url(epk),
};
const expected = { audience: gateway, method: 'POST', url, cth, holder: didKeyKeys(agent.did) };

function verify(text: string, change: { expected?: object; now?: number } = {}) {
  const consumed: string[] = [];
  const ctx = {
    now: change.now ?? NOW,
    crypto: portableCrypto,
    consumeNonce: (n: string) => void consumed.push(n),
  };
  try {
    const proof = verifyProof(parseProof(text), { ...expected, ...change.expected }, ctx);
    return { proof, consumed };
  } catch (error) {
    expect(consumed).toEqual([]); // nobody may use up the nonce with a bad proof
    throw error;
  }
}

const invalid = (caveat?: string) =>
  expect.objectContaining(
    caveat === undefined
      ? { code: 'PROOF_INVALID' }
      : { code: 'PROOF_INVALID', data: expect.objectContaining({ caveat }) },
  );
const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('proof of possession (SES-2, SES-3)', () => {
  it('gives the fresh key and uses its nonce up', () => {
    const { proof, consumed } = verify(signProof(claims, agent));
    expect(proof.epk).toEqual(epk);
    expect(consumed).toEqual([claims.nonce]);
  });

  it.each<[string, Partial<ProofClaims>]>([
    ['aud', { aud: other.did }],
    ['htm', { htm: 'PUT' }],
    ['htu', { htu: `${url}?` }],
    ['htu', { htu: url.replace('https', 'http') }],
    ['cth', { cth: encodeBase64url(new Uint8Array(32)) }],
    ['iat', { iat: NOW - 61 }],
    ['iat', { iat: NOW + 61 }],
  ])('is refused when %s is another', (claim, change) => {
    expect(() => verify(signProof({ ...claims, ...change }, agent))).toThrow(invalid(claim));
  });

  it('may be 60 s old or early', () => {
    for (const iat of [NOW - 60, NOW + 60]) verify(signProof({ ...claims, iat }, agent));
  });

  it("is refused from anybody but the leaf's holder", () => {
    expect(() => verify(signProof(claims, other))).toThrow(invalid());
  });

  it('is refused with a kid that names no key of the holder, or one not meant for authentication', () => {
    const kid = `${agent.did}#wrong`;
    expect(() => verify(signProof(claims, { ...agent, kid }))).toThrow(invalid());
    const [key] = expected.holder.keys;
    const holder = { ...expected.holder, keys: [{ ...key, purposes: ['assertionMethod'] }] };
    expect(() => verify(signProof(claims, agent), { expected: { holder } })).toThrow(invalid());
  });

  it('passes on what the nonce check says, and errors that are no refusals', () => {
    const consumeNonce = () => {
      throw new RangeError('boom');
    };
    const ctx = { now: NOW, crypto: portableCrypto, consumeNonce };
    expect(() => verifyProof(parseProof(signProof(claims, agent)), expected, ctx)).toThrow('boom');
    const broken = { ...portableCrypto, ed25519Verify: consumeNonce };
    const call = () =>
      verifyProof(parseProof(signProof(claims, agent)), expected, { ...ctx, crypto: broken });
    expect(call).toThrow(RangeError);
  });

  it.each<[string, object]>([
    ['an unknown claim', { ...claims, sub: agent.did }],
    ['no epk', { ...claims, epk: undefined }],
    ['a short epk', { ...claims, epk: 'AAAA' }],
    ['a fractional iat', { ...claims, iat: '1' }],
    ['a method in small letters', { ...claims, htm: 'post' }],
    ['a URL that is none', { ...claims, htu: '/talos/v1/sessions' }],
    ['a jti of another alphabet', { ...claims, jti: 'a b' }],
  ])('is malformed with %s', (_, bad) => {
    const content = Object.fromEntries(Object.entries(bad).filter(([, value]) => value !== undefined));
    expect(() => parseProof(signJws({ typ: 'talos-pop+jwt', claims: content }, agent))).toThrow(malformed);
    expect(() => signProof(content as ProofClaims, agent)).toThrow(TypeError);
  });

  it('is malformed with another typ or too long', () => {
    expect(() => parseProof(signJws({ typ: 'talos-cap+jwt', claims }, agent))).toThrow(malformed);
    expect(() => parseProof('x'.repeat(8193))).toThrow(malformed);
  });

  it('is refused with any byte altered', () => {
    const good = signProof(claims, agent);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(...'AZaz09-_.=~'), (at, digit) => {
        const text = good.slice(0, at) + digit + good.slice(at + 1);
        if (text === good) return;
        expect(() => verify(text)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(MALFORMED|PROOF_INVALID)$/) }),
        );
      }),
      { numRuns: 60 },
    );
  });
});
