import { deflateSync, inflateSync } from 'node:zlib';
import { STATUS_LIST_TYP } from '@talosprotocol/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signJws } from '../crypto/jws.js';
import { encodeBase64url } from '../encoding/base64url.js';
import type { JsonObject } from '../encoding/json.js';
import { isTrustError } from '../error.js';
import { didKeyKeys } from '../identity/resolver.js';
import { createSigner } from '../identity/signer.js';
import { createNodeCrypto } from '../node/index.js';
import {
  createStatusList,
  decodeStatusList,
  encodeStatusList,
  parseStatusListToken,
  signStatusListToken,
} from './status-list.js';

const crypto = createNodeCrypto();
const deflate = (bytes: Uint8Array): Uint8Array => new Uint8Array(deflateSync(bytes, { level: 9 }));
const inflate = (bytes: Uint8Array, maxOutputLength: number): Uint8Array =>
  new Uint8Array(inflateSync(bytes, { maxOutputLength }));
const codeOf = (step: () => unknown): string => {
  try {
    step();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('a status list', () => {
  it('REV-12 has statuses of 1, 2, 4 or 8 bits that come back as they were set', () => {
    const entries = fc.constantFrom(1, 2, 4, 8).chain((bits) =>
      fc.record({
        bits: fc.constant(bits as 1 | 2 | 4 | 8),
        statuses: fc.array(fc.nat(2 ** bits - 1), { minLength: 1, maxLength: 200 }),
      }),
    );
    fc.assert(
      fc.property(entries, ({ bits, statuses }) => {
        const list = createStatusList(bits, statuses.length);
        for (const [index, status] of statuses.entries()) list.set(index, status);
        const read = decodeStatusList(encodeStatusList(list, deflate), inflate);
        expect(statuses.map((_, index) => read.get(index))).toEqual(statuses);
        expect(read.size).toBeGreaterThanOrEqual(statuses.length);
      }),
      { numRuns: 200 },
    );
  });

  it('REV-12 packs the lowest bits first, as the draft does', () => {
    const list = createStatusList(1, 16);
    for (const index of [0, 3, 4, 5, 7, 8, 9, 13, 15]) list.set(index, 1);
    expect([...list.bytes]).toEqual([0xb9, 0xa3]);
    list.set(0, 0);
    expect([...list.bytes]).toEqual([0xb8, 0xa3]);
  });

  it('is asked for what it has', () => {
    const list = createStatusList(2, 4);
    for (const index of [-1, 4, 0.5, Number.NaN]) expect(() => list.get(index)).toThrow(RangeError);
    for (const status of [-1, 4, 0.5]) expect(() => list.set(0, status)).toThrow(RangeError);
    for (const size of [0, -1, 1.5, 1_048_577]) expect(() => createStatusList(8, size)).toThrow(RangeError);
  });

  it('REV-12 a list that inflates without end is refused at the limit', () => {
    const bomb = { bits: 1, lst: encodeBase64url(deflate(new Uint8Array(8_000_000))) };
    expect(bomb.lst.length).toBeLessThan(12_000);
    expect(codeOf(() => decodeStatusList(bomb, inflate))).toBe('MALFORMED');
    const lax = (bytes: Uint8Array) => new Uint8Array(inflateSync(bytes));
    expect(codeOf(() => decodeStatusList(bomb, lax))).toBe('MALFORMED');
    expect(codeOf(() => decodeStatusList(bomb, inflate, 10))).toBe('MALFORMED');
  });

  it.each<[string, unknown]>([
    ['other bits', { bits: 3, lst: 'eNrbuRgAAhcBXQ' }],
    ['no text', { bits: 1, lst: '' }],
    ['another member', { bits: 1, lst: 'eNrbuRgAAhcBXQ', x: 1 }],
    ['text that is not base64url', { bits: 1, lst: 'eNrb+RgAAhcBXQ' }],
    ['text that does not inflate', { bits: 1, lst: 'AAAA' }],
    ['nothing inside', { bits: 1, lst: encodeBase64url(deflate(new Uint8Array(0))) }],
    ['null', null],
  ])('REV-12 refuses %s', (_, claim) => {
    expect(codeOf(() => decodeStatusList(claim, inflate))).toBe('MALFORMED');
  });
});

describe('a status list token', () => {
  const signer = createSigner(new Uint8Array(32).fill(1), crypto);
  const stranger = createSigner(new Uint8Array(32).fill(2), crypto);
  const uri = 'https://talos.example/talos/v1/status-lists/0';
  const claims = {
    sub: uri,
    iat: 100,
    exp: 200,
    ttl: 60,
    status_list: encodeStatusList(createStatusList(1, 8), deflate),
  };
  const expected = { keys: didKeyKeys(signer.did), uri, now: 150 };
  const parse = (token: string, changes: object = {}) =>
    parseStatusListToken(token, { ...expected, ...changes }, crypto);

  it('REV-13 is for one list, signed, and ends', () => {
    const token = signStatusListToken(claims, signer);
    expect(parse(token)).toEqual({ ...claims, iss: signer.did });
    expect(codeOf(() => parse(token, { now: 200 }))).toBe('EXPIRED');
    expect(codeOf(() => parse(token, { uri: `${uri}1` }))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => parse(token, { keys: didKeyKeys(stranger.did) }))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => parse(`${token.slice(0, -3)}AAA`))).not.toBe('accepted');
    const open = { ...claims, iss: signer.did, x: 1 } as unknown as JsonObject;
    expect(codeOf(() => parse(signJws({ typ: STATUS_LIST_TYP, claims: open }, signer)))).toBe('MALFORMED');
  });
});
