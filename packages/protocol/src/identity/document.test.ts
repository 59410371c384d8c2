import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase58 } from '../encoding/base58.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { encodeMultikey } from './did-key.js';
import { parseDidDocument } from './document.js';

const DID = 'did:web:example.com';
const key = (byte: number): Uint8Array => portableCrypto.ed25519PublicKey(new Uint8Array(32).fill(byte));
const method = (id: string, byte: number, more: object = {}): object => ({
  id,
  type: 'Multikey',
  controller: DID,
  publicKeyMultibase: encodeMultikey(key(byte)),
  ...more,
});
const jwkMethod = (id: string, jwk: object, type = 'JsonWebKey2020'): object => ({
  id,
  type,
  controller: DID,
  publicKeyJwk: jwk,
});
const jwk = (byte: number): object => ({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key(byte)) });
const parse = (document: object) =>
  parseDidDocument(encodeUtf8(JSON.stringify({ id: DID, ...document })), DID);

describe('DID documents', () => {
  it('give Ed25519 keys with their purposes', () => {
    const { did, keys } = parse({
      '@context': ['https://www.w3.org/ns/did/v1'],
      verificationMethod: [
        method(`${DID}#a`, 1),
        method('#b', 2, { type: 'Ed25519VerificationKey2020' }),
        jwkMethod('#c', jwk(3)),
        jwkMethod('#d', jwk(4), 'JsonWebKey'),
      ],
      authentication: ['#a', `${DID}#b`, method('#e', 5)],
      capabilityDelegation: ['#a'],
      assertionMethod: ['#c'],
      service: [{ id: '#s', type: 'X', serviceEndpoint: 'https://example.com', weight: 0.5 }],
    });
    expect(did).toBe(DID);
    expect(keys).toEqual([
      { kid: `${DID}#a`, publicKey: key(1), purposes: ['capabilityDelegation', 'authentication'] },
      { kid: `${DID}#b`, publicKey: key(2), purposes: ['authentication'] },
      { kid: `${DID}#c`, publicKey: key(3), purposes: ['assertionMethod'] },
      { kid: `${DID}#d`, publicKey: key(4), purposes: [] },
      { kid: `${DID}#e`, publicKey: key(5), purposes: ['authentication'] },
    ]);
  });

  it('give no keys of other types, of other DIDs, or with an end', () => {
    const x25519 = `z${encodeBase58(Uint8Array.of(0xec, 1, ...key(1)))}`;
    const { keys } = parse({
      verificationMethod: [
        method('#a', 1, { publicKeyMultibase: x25519 }),
        method('#b', 1, { publicKeyMultibase: `u${'A'.repeat(2000)}` }),
        method('#c', 1, { type: 'X25519KeyAgreementKey2020' }),
        jwkMethod('#d', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }),
        jwkMethod('#e', { kty: 'OKP', crv: 'X25519', x: 'AA' }),
        method('#f', 1, { expires: '2099-01-01T00:00:00Z' }),
        method('#g', 1, { revoked: '2020-01-01T00:00:00Z' }),
      ],
      authentication: ['#a', '#f', '#g', 'did:web:other.example#a'],
    });
    expect(keys).toEqual([]);
    expect(parse({}).keys).toEqual([]);
  });

  it.each<[string, object]>([
    ['another id', { id: 'did:web:evil.example' }],
    ['no id', { id: undefined }],
    ['methods that are no list', { verificationMethod: {} }],
    ['methods that are null', { verificationMethod: null }],
    ['too many methods', { verificationMethod: Array.from({ length: 65 }, (_, i) => method(`#k${i}`, 1)) }],
    ['a method that is text', { verificationMethod: ['#a'] }],
    ['a method without id', { verificationMethod: [method('#a', 1, { id: undefined })] }],
    ['a method with an empty fragment', { verificationMethod: [method('#', 1)] }],
    ['a method with a strange fragment', { verificationMethod: [method('#a b', 1)] }],
    ['a method under another DID', { verificationMethod: [method('did:web:other.example#a', 1)] }],
    ['a method under a longer DID', { verificationMethod: [method(`${DID}.evil#a`, 1)] }],
    ['a method declared twice', { verificationMethod: [method('#a', 1), method(`${DID}#a`, 2)] }],
    [
      'a method declared again inside',
      { verificationMethod: [method('#a', 1)], authentication: [method('#a', 2)] },
    ],
    [
      'a foreign controller',
      { verificationMethod: [method('#a', 1, { controller: 'did:web:evil.example' })] },
    ],
    ['no controller', { verificationMethod: [method('#a', 1, { controller: undefined })] }],
    ['no key', { verificationMethod: [method('#a', 1, { publicKeyMultibase: undefined })] }],
    ['another multibase', { verificationMethod: [method('#a', 1, { publicKeyMultibase: 'uAAAA' })] }],
    [
      'a JWK that is text',
      { verificationMethod: [method('#a', 1, { type: 'JsonWebKey', publicKeyJwk: 'x' })] },
    ],
    ['a JWK without x', { verificationMethod: [jwkMethod('#a', { kty: 'OKP', crv: 'Ed25519' })] }],
    ['a JWK with a short x', { verificationMethod: [jwkMethod('#a', { ...jwk(1), x: 'AAAA' })] }],
    [
      'a JWK with a padded x',
      { verificationMethod: [jwkMethod('#a', { ...jwk(1), x: `${encodeBase64url(key(1))}=` })] },
    ],
    ['a private JWK', { verificationMethod: [jwkMethod('#a', { ...jwk(1), d: 'AAAA' })] }],
    ['a dangling reference', { authentication: ['#nowhere'] }],
    ['a repeated reference', { verificationMethod: [method('#a', 1)], authentication: ['#a', `${DID}#a`] }],
    ['a reference that is a number', { authentication: [1] }],
    ['a bad reference', { authentication: [`${DID}#a b`] }],
  ])('are refused with %s', (_, document) => {
    expect(() => parse(document)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('are refused when too large, too deep or repeated', () => {
    expect(() => parse({ x: 'a'.repeat(65_536) })).toThrow('more than 65536 bytes');
    expect(() => parse({ x: JSON.parse('['.repeat(16) + ']'.repeat(16)) })).toThrow('more than 16 levels');
    const twice = encodeUtf8(`{"id":"did:web:evil.example","id":"${DID}"}`);
    expect(() => parseDidDocument(twice, DID)).toThrow('a repeated member name');
  });

  it('answer mutated bytes with keys under the DID, or a TrustError', () => {
    const document = encodeUtf8(
      JSON.stringify({
        id: DID,
        verificationMethod: [method('#a', 1), jwkMethod('#b', jwk(2))],
        authentication: ['#a'],
      }),
    );
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.nat(255), (at, byte) => {
        const mutated = Uint8Array.from(document);
        mutated[at] = byte;
        try {
          for (const { kid } of parseDidDocument(mutated, DID).keys)
            expect(kid.startsWith(`${DID}#`)).toBe(true);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
