import type { SessionClaims } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { isTrustError } from '../error.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { hashProof, signSessionGrant, verifySessionGrant } from './grant.js';
import { encodeSessionId } from './sid.js';

const agent = createSigner(new Uint8Array(32).fill(1), portableCrypto);
const gateway = createSigner(new Uint8Array(32).fill(3), portableCrypto);
const epk = portableCrypto.x25519PublicKey(new Uint8Array(32).fill(4));
const NOW = 1_700_000_000;
const proof = 'the.proof.sent';
const claims: SessionClaims = {
  iss: gateway.did,
  aud: agent.did,
  sid: encodeSessionId({ node: 1, boot: 1, slot: 1, random: new Uint8Array(16) }),
  epk: encodeBase64url(epk),
  iat: NOW,
  exp: NOW + 3600,
  window: 256,
  proof: hashProof(proof, portableCrypto),
};
const expected = { gateway: didKeyKeys(gateway.did), subject: agent.did, proof };
const verify = (text: string, change: object = {}) =>
  verifySessionGrant(text, { ...expected, ...change }, { crypto: portableCrypto });
const code = (code: string) => expect.objectContaining({ code });

describe('answer to an opening (SES-4)', () => {
  it('gives the session and the fresh key of the gateway', () => {
    expect(verify(signSessionGrant(claims, gateway))).toEqual({ claims, epk });
    expect(verify(signSessionGrant({ ...claims, window: 1024, exp: NOW + 1 }, gateway)).claims.window).toBe(
      1024,
    );
  });

  it('hashes the proof as ASCII', () => {
    expect(hashProof('abc', portableCrypto)).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  it.each([
    ['another gateway', { iss: agent.did }, 'AUDIENCE_MISMATCH'],
    ['another agent', { aud: gateway.did }, 'PROOF_INVALID'],
    ['another proof', { proof: hashProof('another', portableCrypto) }, 'PROOF_INVALID'],
  ])('is refused for %s', (_, change, expectedCode) => {
    expect(() => verify(signSessionGrant({ ...claims, ...change }, gateway))).toThrow(code(expectedCode));
  });

  it('is refused when somebody between us signed it', () => {
    expect(() => verify(signSessionGrant(claims, agent))).toThrow(code('SIGNATURE_INVALID'));
  });

  it('needs an authentication key', () => {
    const [key] = expected.gateway.keys;
    const keys = { ...expected.gateway, keys: [{ ...key, purposes: ['assertionMethod'] }] };
    expect(() => verify(signSessionGrant(claims, gateway), { gateway: keys })).toThrow(
      code('SIGNATURE_INVALID'),
    );
  });

  it.each<[string, object]>([
    ['a life of nothing', { exp: NOW }],
    ['a life of more than an hour', { exp: NOW + 3601 }],
    ['another width', { window: 512 }],
    ['an unknown claim', { key: 'A' }],
    ['a bad session id', { sid: 'ses_A' }],
  ])('is malformed with %s', (_, change) => {
    const bad = { ...claims, ...change } as SessionClaims;
    expect(() => verify(signJws({ typ: 'talos-session+jwt', claims: bad }, gateway))).toThrow(
      code('MALFORMED'),
    );
    expect(() => signSessionGrant(bad, gateway)).toThrow(TypeError);
  });

  it('is malformed with another typ', () => {
    expect(() => verify(signJws({ typ: 'talos-pop+jwt', claims }, gateway))).toThrow(code('MALFORMED'));
  });

  it('is refused with a TrustError after any change of its text', () => {
    const good = signSessionGrant(claims, gateway);
    const edit = fc.record({ at: fc.nat(good.length), cut: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    const mutated = edit.map(({ at, cut, put }) => good.slice(0, at) + put + good.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), (text) => {
        fc.pre(text !== good);
        expect(outcome(() => verify(text))).toBe('refused');
      }),
      { numRuns: 200, interruptAfterTimeLimit: 2_500 },
    );
  });

  it('of any claims that the gateway signed gives these claims or a TrustError', () => {
    const changes = fc.dictionary(
      fc.constantFrom(...Object.keys(claims), 'x', '__proto__'),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.integer({ min: NOW - 2, max: NOW + 3_602 })),
    );
    fc.assert(
      fc.property(changes, (change) => {
        const changed = { ...claims, ...change } as SessionClaims;
        const said = outcome(() => verify(signJws({ typ: 'talos-session+jwt', claims: changed }, gateway)));
        if (said === 'refused') return;
        expect(said).toMatchObject({ claims: { iss: gateway.did, aud: agent.did, proof: claims.proof } });
      }),
      { numRuns: 200, interruptAfterTimeLimit: 2_500 },
    );
  });
});

/** What is returned, or that a TrustError refused; anything else that is thrown fails the test. */
function outcome<T>(run: () => T): T | 'refused' {
  try {
    return run();
  } catch (error) {
    if (isTrustError(error)) return 'refused';
    throw error;
  }
}
