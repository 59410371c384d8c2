import { isTrustError } from '@talosprotocol/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKeyEnvelope, encodeKeyEnvelope, isSealedEnvelope } from './index.js';

const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
const key = { name: 'log', did: 'did:key:z6Mkexample', seed };
const PASS = 'correct horse battery';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isTrustError(error)) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('a key file', () => {
  it('holds a key without a passphrase', () => {
    const text = encodeKeyEnvelope(key);
    expect(decodeKeyEnvelope(text)).toEqual(key);
    expect(isSealedEnvelope(text)).toBe(false);
  });

  it('with a passphrase shows name and DID, and the seed only to who knows it', () => {
    const text = encodeKeyEnvelope(key, PASS);
    expect(text).not.toContain(Buffer.from(seed).toString('base64url'));
    expect(JSON.parse(text)).toMatchObject({ talos_key: 1, name: 'log', did: key.did });
    expect(decodeKeyEnvelope(text, PASS)).toEqual(key);
    expect(codeOf(() => decodeKeyEnvelope(text, `${PASS}!`))).toBe('PROOF_INVALID');
    expect(codeOf(() => decodeKeyEnvelope(text))).toBe('PROOF_INVALID');
  });

  it('binds name and DID to the sealed seed', () => {
    const text = encodeKeyEnvelope(key, PASS);
    expect(codeOf(() => decodeKeyEnvelope(text.replace('"log"', '"gateway"'), PASS))).toBe('PROOF_INVALID');
    expect(codeOf(() => decodeKeyEnvelope(text.replace('z6Mk', 'z6Mm'), PASS))).toBe('PROOF_INVALID');
  });

  it('opens with either composition of the same passphrase', () => {
    expect(
      decodeKeyEnvelope(
        encodeKeyEnvelope(key, 'caf\u00e9 caf\u00e9 au lait'),
        'cafe\u0301 cafe\u0301 au lait',
      ),
    ).toEqual(key);
  });

  it.each([
    ['another version', (o: Record<string, unknown>) => ({ ...o, talos_key: 2 })],
    ['a further member', (o: Record<string, unknown>) => ({ ...o, more: 1 })],
    ['no seed', ({ seed: _, ...o }: Record<string, unknown>) => o],
    ['a short seed', (o: Record<string, unknown>) => ({ ...o, seed: 'AAAA' })],
    ['a path as its name', (o: Record<string, unknown>) => ({ ...o, name: '../log' })],
  ])('with %s is MALFORMED', (_, change) => {
    const changed = change(JSON.parse(encodeKeyEnvelope(key)) as Record<string, unknown>);
    expect(codeOf(() => decodeKeyEnvelope(JSON.stringify(changed)))).toBe('MALFORMED');
  });

  it('cannot ask for more memory than we spend', () => {
    const text = encodeKeyEnvelope(key, PASS).replace('"n":131072', '"n":1073741824');
    expect(codeOf(() => decodeKeyEnvelope(text, PASS))).toBe('MALFORMED');
  });

  it('of random or cut text is refused with a code', () => {
    const good = encodeKeyEnvelope(key);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.nat(good.length - 3).map((end) => good.slice(0, end)),
        ),
        (text) => {
          expect(codeOf(() => decodeKeyEnvelope(text))).toBe('MALFORMED');
        },
      ),
    );
  });
});
