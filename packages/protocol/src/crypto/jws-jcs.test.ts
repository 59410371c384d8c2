import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { canonicalize } from '../encoding/jcs.js';
import type { JsonObject } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { createSigner } from '../identity/signer.js';
import { parseJcs, signJcs, verifyJcs } from './jws-jcs.js';
import { portableCrypto } from './portable.js';

const signer = createSigner(new Uint8Array(32).fill(7), portableCrypto);
const other = createSigner(new Uint8Array(32).fill(8), portableCrypto);
const CARD: JsonObject = {
  name: 'Reader \u20ac',
  version: '1.0.0',
  skills: [{ id: 'b', tags: [] }],
  count: 3,
};
const TYP = 'JOSE';
const check = (object: JsonObject, signature: unknown, key = signer.publicKey, typ = TYP): void =>
  verifyJcs(parseJcs(object, signature as JsonObject, typ), key, portableCrypto);
const header = (value: unknown): string => encodeBase64url(encodeUtf8(JSON.stringify(value)));

describe('JWS over JCS (ID-17)', () => {
  it('signs what anyone can check: RFC 7515 over the canonical object without its signatures', () => {
    const signature = signJcs(CARD, { typ: TYP, kid: 'did:web:example.com#k' }, signer);
    const signed = { signatures: [signature], ...CARD };
    check(signed, signature);
    expect(parseJcs(signed, { ...signature }, TYP).header).toEqual({
      alg: 'EdDSA',
      typ: TYP,
      kid: 'did:web:example.com#k',
    });
    // A third party: node:crypto and nothing of ours but the canonical form.
    const input = `${signature.protected}.${Buffer.from(canonicalize(CARD)).toString('base64url')}`;
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signer.publicKey).toString('base64url') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    expect(verify(null, Buffer.from(input), key, decodeBase64url(signature.signature))).toBe(true);
  });

  it('does not mind the order of members, nor other signatures', () => {
    const signature = signJcs(CARD, { typ: TYP }, signer);
    check({ ...Object.fromEntries(Object.entries(CARD).reverse()), signatures: ['x'] }, signature);
  });

  it.each<[string, JsonObject]>([
    ['changed', { ...CARD, name: 'Writer' }],
    ['added to', { ...CARD, more: true }],
    ['cut', { name: 'Reader \u20ac' }],
  ])('refuses an object that was %s', (_, object) => {
    expect(() => check(object, signJcs(CARD, { typ: TYP }, signer))).toThrow('signature');
  });

  it('refuses another key, and another typ', () => {
    const signature = signJcs(CARD, { typ: TYP }, signer);
    expect(() => check(CARD, signature, other.publicKey)).toThrow('signature');
    expect(() => check(CARD, signature, signer.publicKey, 'talos-card+jwt')).toThrow('typ');
  });

  it.each<[string, (good: { protected: string; signature: string }) => unknown]>([
    ['nothing', () => undefined],
    ['text', () => 'x'],
    ['no signature', (good) => ({ protected: good.protected })],
    ['no header', (good) => ({ signature: good.signature })],
    ['an unprotected header', (good) => ({ ...good, header: { kid: 'x' } })],
    ['a payload smuggled into the header', (good) => ({ ...good, protected: `${good.protected}.e30` })],
    ['alg none', (good) => ({ ...good, protected: header({ alg: 'none', typ: TYP }) })],
    ['HS256', (good) => ({ ...good, protected: header({ alg: 'HS256', typ: TYP }) })],
    [
      'b64',
      (good) => ({ ...good, protected: header({ alg: 'EdDSA', typ: TYP, b64: false, crit: ['b64'] }) }),
    ],
    ['jwk', (good) => ({ ...good, protected: header({ alg: 'EdDSA', typ: TYP, jwk: {} }) })],
    ['a short signature', (good) => ({ ...good, signature: 'AAAA' })],
  ])('refuses %s', (_, change) => {
    expect(() => check(CARD, change(signJcs(CARD, { typ: TYP }, signer)))).toThrow('malformed');
  });

  it('signs no floats and nothing that is not JSON', () => {
    expect(() => signJcs({ half: 0.5 }, { typ: TYP }, signer)).toThrow('malformed');
    expect(() => signJcs({ when: new Date(0) as never }, { typ: TYP }, signer)).toThrow('malformed');
  });
});
