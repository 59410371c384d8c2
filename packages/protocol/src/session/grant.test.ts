import type { SessionClaims } from '@talosprotocol/contracts';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
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
});
