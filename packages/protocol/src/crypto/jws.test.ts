import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { createNodeCrypto } from '../node/crypto.js';
import { parseJws, type Signer, signJws, verifyJwsSignature } from './jws.js';

const crypto = createNodeCrypto();
const seed = new Uint8Array(32).fill(5);
const signer: Signer = {
  did: 'did:web:example.com',
  kid: 'did:web:example.com#k1',
  publicKey: crypto.ed25519PublicKey(seed),
  sign: (message) => crypto.ed25519Sign(message, seed),
};
const TYP = 'talos-cap+jwt';
const claims: JsonObject = { sub: 'b', iss: 'a', exp: 5 };
const part = (text: string): string => encodeBase64url(encodeUtf8(text));
const signature = encodeBase64url(new Uint8Array(64));
const compact = (header: string, payload = '{}', sig = signature): string =>
  `${part(header)}.${part(payload)}.${sig}`;

describe('JWS', () => {
  it('signs canonical JSON, and verifies', () => {
    const jws = signJws({ typ: TYP, claims }, signer);
    const [header, payload] = jws.split('.').map((text) => Buffer.from(text, 'base64url').toString());
    expect(header).toBe('{"alg":"EdDSA","kid":"did:web:example.com#k1","typ":"talos-cap+jwt"}');
    expect(payload).toBe('{"exp":5,"iss":"a","sub":"b"}');
    const parsed = parseJws(jws, TYP);
    expect(parsed.header).toEqual({ alg: 'EdDSA', typ: TYP, kid: signer.kid });
    expect(parsed.claims).toEqual(claims);
    expect(() => verifyJwsSignature(parsed, signer.publicKey, crypto)).not.toThrow();
  });

  it('leaves kid out for a signer without one, and takes another where given', () => {
    const { kid: _, ...bare } = signer;
    expect(parseJws(signJws({ typ: TYP, claims }, bare), TYP).header).toEqual({ alg: 'EdDSA', typ: TYP });
    expect(parseJws(signJws({ typ: TYP, kid: 'x', claims }, signer), TYP).header.kid).toBe('x');
  });

  it('verifies the bytes received, whatever order another library wrote', () => {
    const input = `${part('{"typ":"talos-cap+jwt","alg":"EdDSA"}')}.${part('{"b": 1, "a":2}')}`;
    const jws = `${input}.${encodeBase64url(signer.sign(encodeUtf8(input)))}`;
    expect(() => verifyJwsSignature(parseJws(jws, TYP), signer.publicKey, crypto)).not.toThrow();
  });

  it('fails on another key, and on any claim or header exchanged', () => {
    const jws = signJws({ typ: TYP, claims }, signer);
    const other = crypto.ed25519PublicKey(new Uint8Array(32).fill(6));
    expect(() => verifyJwsSignature(parseJws(jws, TYP), other, crypto)).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
    const [header, , sig] = jws.split('.');
    const swapped = parseJws(`${header}.${part('{"exp":6,"iss":"a","sub":"b"}')}.${sig}`, TYP);
    expect(() => verifyJwsSignature(swapped, signer.publicKey, crypto)).toThrow('does not verify');
  });

  it.each([
    ['no parts', 'abc'],
    ['two parts', 'a.b'],
    ['four parts', `${compact('{}')}.`],
    ['alg none', compact('{"alg":"none","typ":"talos-cap+jwt"}')],
    ['alg HS256', compact('{"alg":"HS256","typ":"talos-cap+jwt"}')],
    ['alg Ed25519', compact('{"alg":"Ed25519","typ":"talos-cap+jwt"}')],
    ['no alg', compact('{"typ":"talos-cap+jwt"}')],
    ['alg from the prototype', compact('{"__proto__":{"alg":"EdDSA"},"typ":"talos-cap+jwt"}')],
    ['another typ', compact('{"alg":"EdDSA","typ":"JWT"}')],
    ['typ in capitals', compact('{"alg":"EdDSA","typ":"TALOS-CAP+JWT"}')],
    ['no typ', compact('{"alg":"EdDSA"}')],
    ['crit', compact('{"alg":"EdDSA","crit":["b64"],"typ":"talos-cap+jwt"}')],
    ['jwk', compact('{"alg":"EdDSA","jwk":{},"typ":"talos-cap+jwt"}')],
    ['`__proto__`', compact('{"alg":"EdDSA","__proto__":{},"typ":"talos-cap+jwt"}')],
    ['kid null', compact('{"alg":"EdDSA","kid":null,"typ":"talos-cap+jwt"}')],
    ['kid empty', compact('{"alg":"EdDSA","kid":"","typ":"talos-cap+jwt"}')],
    ['kid endless', compact(`{"alg":"EdDSA","kid":"${'k'.repeat(1025)}","typ":"talos-cap+jwt"}`)],
    ['a repeated alg', compact('{"alg":"EdDSA","alg":"EdDSA","typ":"talos-cap+jwt"}')],
    ['a header that is no object', compact('["EdDSA"]')],
    ['a payload that is no object', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '"x"')],
    ['a payload with a float', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '{"exp":1.5}')],
    ['a payload with a repeated claim', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '{"a":1,"a":2}')],
    ['an empty signature', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '{}', '')],
    ['a long signature', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '{}', `${'A'.repeat(87)}`)],
    ['padding', `${compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}')}=`],
    ['trailing bits', compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}', '{}', `${'A'.repeat(85)}B`)],
    ['a line feed', `${compact('{"alg":"EdDSA","typ":"talos-cap+jwt"}')}\n`],
    ['too many bytes', `${'A'.repeat(16_384)}..`],
  ])('refuses %s', (_, jws) => {
    expect(() => parseJws(jws, TYP)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it.each([{ exp: 1.5 }, { exp: 2 ** 53 }, { exp: Number.NaN }, { exp: '\ud800' }])(
    'does not sign %j',
    (bad) => {
      expect(() => signJws({ typ: TYP, claims: bad }, signer)).toThrow('malformed');
    },
  );

  it('takes the size limit given', () => {
    const jws = signJws({ typ: TYP, claims }, signer);
    expect(() => parseJws(jws, TYP, { maxBytes: jws.length })).not.toThrow();
    expect(() => parseJws(jws, TYP, { maxBytes: jws.length - 1 })).toThrow('more than');
  });

  it('answers mutated text with a TrustError, and never verifies it', () => {
    const jws = signJws({ typ: TYP, claims }, signer);
    const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(fc.nat(jws.length - 1), character, (at, replacement) => {
        const mutated = jws.slice(0, at) + replacement + jws.slice(at + 1);
        fc.pre(mutated !== jws);
        try {
          verifyJwsSignature(parseJws(mutated, TYP), signer.publicKey, crypto);
          expect.fail('a mutated JWS verified');
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
