import type { RequestProofClaims } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { portableCrypto } from '../crypto/portable.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { createUuidv7 } from '../encoding/uuid.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { readRequestHeaders } from './headers.js';
import { parseProof, signProof } from './pop.js';
import {
  formatProofAuthorization,
  isProofAuthorization,
  parseProofAuthorization,
} from './proof-authorization.js';
import {
  hashSignedHeaders,
  parseRequestProof,
  signRequestProof,
  verifyProvenBody,
  verifyRequestProof,
} from './proof-request.js';

const agent = createSigner(new Uint8Array(32).fill(1), portableCrypto);
const other = createSigner(new Uint8Array(32).fill(2), portableCrypto);
const gateway = createSigner(new Uint8Array(32).fill(3), portableCrypto).did;
const NOW = 1_700_000_000;
const url = 'https://gateway.example/mcp?a=1';
const hash = (text: string) => encodeBase64url(portableCrypto.sha256(encodeUtf8(text)));
const cth = hash('chain');
const headers = { 'content-type': 'application/json', 'mcp-name': 'fs__read' };
const BODY = '{"jsonrpc":"2.0"}';
const claims: RequestProofClaims = {
  aud: gateway,
  iat: NOW,
  jti: 'one',
  htm: 'POST',
  htu: url,
  cth,
  nonce: 'N'.repeat(54),
  bh: hash(BODY),
  hh: hashSignedHeaders(headers, portableCrypto),
  rid: createUuidv7(NOW * 1000, new Uint8Array(16).fill(9)),
};
const expected = { audience: gateway, method: 'POST', url, cth, headers, holder: didKeyKeys(agent.did) };

/** Verifies a whole request; gives the nonces that were used up. */
function verify(text: string, change: { expected?: object; body?: string } = {}): readonly string[] {
  const consumed: string[] = [];
  try {
    const proof = parseRequestProof(text);
    verifyRequestProof(proof, { ...expected, ...change.expected }, { now: NOW, crypto: portableCrypto });
    expect(consumed).toEqual([]);
    const consumeNonce = (nonce: string) => void consumed.push(nonce);
    verifyProvenBody(proof, encodeUtf8(change.body ?? BODY), { crypto: portableCrypto, consumeNonce });
    return consumed;
  } catch (error) {
    expect(consumed).toEqual([]); // nobody may use up the nonce with a bad proof
    throw error;
  }
}

const invalid = (caveat: string) =>
  expect.objectContaining({ code: 'PROOF_INVALID', data: expect.objectContaining({ caveat }) });
const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('proof of one request (SES-13, SES-14)', () => {
  it('holds for its request and uses its nonce up', () => {
    expect(verify(signRequestProof(claims, agent))).toEqual([claims.nonce]);
  });

  it.each<[string, Partial<RequestProofClaims>]>([
    ['aud', { aud: other.did }],
    ['iat', { iat: NOW - 61 }],
    ['htm', { htm: 'GET' }],
    ['htu', { htu: url.slice(0, -1) }],
    ['cth', { cth: hash('another') }],
    ['hh', { hh: hashSignedHeaders({ 'mcp-name': 'fs__read' }, portableCrypto) }],
    ['bh', { bh: hash('{}') }],
  ])('is refused when %s is another', (claim, change) => {
    expect(() => verify(signRequestProof({ ...claims, ...change }, agent))).toThrow(invalid(claim));
  });

  it('is refused for another body and for other headers', () => {
    const proof = signRequestProof(claims, agent);
    expect(() => verify(proof, { body: `${BODY} ` })).toThrow(invalid('bh'));
    for (const changed of [{}, { ...headers, 'last-event-id': '1' }, { ...headers, 'mcp-name': 'fs__write' }])
      expect(() => verify(proof, { expected: { headers: changed } })).toThrow(invalid('hh'));
  });

  it("is refused from anybody but the leaf's holder", () => {
    expect(() => verify(signRequestProof(claims, other))).toThrow(
      expect.objectContaining({ code: 'PROOF_INVALID' }),
    );
  });

  it('is never taken for one that opens a session, nor the other way round', () => {
    const { bh: _, hh: __, rid: ___, ...rest } = claims;
    const opening = signProof({ ...rest, epk: hash('epk') }, agent);
    expect(() => parseRequestProof(opening)).toThrow(malformed);
    expect(() => parseProof(signRequestProof(claims, agent))).toThrow(malformed);
    const both = signJws({ typ: 'talos-pop+jwt', claims: { ...claims, epk: hash('epk') } }, agent);
    expect(() => parseRequestProof(both)).toThrow(malformed);
    expect(() => parseProof(both)).toThrow(malformed);
  });

  it('is malformed without any one claim, or with a rid that is no UUIDv7', () => {
    for (const name of Object.keys(claims)) {
      const { [name]: _, ...rest } = claims as Record<string, unknown>;
      expect(() =>
        parseRequestProof(signJws({ typ: 'talos-pop+jwt', claims: rest as never }, agent)),
      ).toThrow(malformed);
    }
    expect(() => signRequestProof({ ...claims, rid: 'x' }, agent)).toThrow(TypeError);
  });

  it('tells apart headers however they are cut', () => {
    const value = fc.stringMatching(/^[!-~]{1,12}$/);
    fc.assert(
      fc.property(value, value, (a, b) => {
        const one = hashSignedHeaders({ 'mcp-method': a, 'mcp-name': b }, portableCrypto);
        const two = hashSignedHeaders({ 'mcp-method': a + b }, portableCrypto);
        expect(one).not.toBe(two);
      }),
    );
  });
});

describe('the headers a proof travels in (SES-13, SES-7)', () => {
  it('are Authorization and Talos-Capability', () => {
    const value = formatProofAuthorization('a.b.c');
    expect(value).toBe('Talos-PoP a.b.c');
    expect(parseProofAuthorization(value)).toBe('a.b.c');
    expect(readRequestHeaders(['Authorization', value, 'Talos-Capability', 'x.y.z'])).toEqual({
      signed: {},
      credential: { name: 'authorization', value },
      capability: 'x.y.z',
    });
  });

  it.each([
    'Talos-PoP',
    'Talos-PoP ',
    'Talos-PoP  a.b.c',
    'Talos-PoP a.b',
    'talos-pop a.b.c',
    'Talos-PoP a.b.c,d.e.f',
  ])('refuse %j', (value) => {
    expect(isProofAuthorization(value)).toBe(true);
    expect(() => parseProofAuthorization(value)).toThrow(malformed);
  });

  it('refuse a proof that is too long', () => {
    expect(() => parseProofAuthorization(`Talos-PoP a.b.${'c'.repeat(8192)}`)).toThrow(malformed);
  });

  it('refuse a capability beside a bearer key or a session, and one given twice', () => {
    for (const value of ['Bearer x', 'Talos sid=x', 'Talos-PoPx a.b.c'])
      expect(() => readRequestHeaders(['authorization', value, 'talos-capability', 'a.b.c'])).toThrow(
        malformed,
      );
    expect(() => readRequestHeaders(['talos-capability', 'a', 'Talos-Capability', 'a'])).toThrow(malformed);
    for (const name of ['talos-rid', 'content-digest', 'signature', 'signature-input']) {
      expect(() => readRequestHeaders([name, 'a', name, 'a'])).toThrow(malformed);
      expect(() => readRequestHeaders([name, ''])).toThrow(malformed);
    }
  });
});
