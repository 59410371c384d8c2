import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { decodeUtf8 } from '../encoding/utf8.js';
import { formatTalosAuthorization } from './authorization.js';
import { createHeaderReader } from './header-reader.js';
import { type AuthenticatedRequest, formatMacInput, type MacFields } from './mac.js';
import { createRequestText } from './request-text.js';
import { encodeSessionId } from './sid.js';

const GATEWAY = 'did:web:gateway.example';
const PLACE = 500;
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const sid = bytes16.map((random) => encodeSessionId({ node: 1, boot: 2, slot: 3, random }));
const seq = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const credential = fc.record({ sid, seq, rid: fc.uuid({ version: 7 }), mac: bytes16 });
const value = fc.option(fc.constantFrom('a', 'b', 'application/json'), { nil: undefined });
const request = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  target: fc.constantFrom('/', '/mcp', '/mcp?x=%20', `/${'x'.repeat(160)}`, `/${'x'.repeat(400)}`),
  bodyHash: bytes16.map((bytes) => portableCrypto.sha256Hex(bytes)),
  headers: fc.record({
    'content-type': value,
    'mcp-protocol-version': value,
    'mcp-session-id': value,
    'mcp-method': value,
    'mcp-name': value,
    'last-event-id': value,
  }),
});
const made = {
  sid: encodeSessionId({ node: 1, boot: 2, slot: 3, random: new Uint8Array(16) }),
  seq: 1,
  rid: '01938e5c-7b1a-7c3d-8e4f-0123456789ab',
  mac: new Uint8Array(16),
};
const good: AuthenticatedRequest = { method: 'GET', target: '/', headers: {}, bodyHash: 'a'.repeat(64) };

describe('the text of a request (SES-6)', () => {
  function createWriter(gateway = GATEWAY) {
    // The room lies within a larger buffer.
    const message = new Uint8Array(new ArrayBuffer(PLACE + 99), 64, PLACE);
    const reader = createHeaderReader();
    const textOf = createRequestText(gateway, message);
    return (header: typeof made, asked: AuthenticatedRequest): string | undefined => {
      reader.read(formatTalosAuthorization(header));
      const length = textOf(reader, asked);
      return length < 0 ? undefined : decodeUtf8(message.subarray(0, length));
    };
  }
  const expected = (header: typeof made, asked: AuthenticatedRequest): string | undefined => {
    const text = formatMacInput({ ...asked, ...header, gateway: GATEWAY } as MacFields);
    return text.length <= PLACE ? text : undefined;
  };

  it('is the same whatever request came before', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(credential, request), { maxLength: 20 }), (calls) => {
        const write = createWriter();
        for (const [header, asked] of calls) {
          const it = asked as AuthenticatedRequest;
          expect(write(header, it)).toBe(expected(header, it));
        }
      }),
    );
  });

  it('keeps its lines when the number of digits changes, to the last byte of the room', () => {
    const write = createWriter();
    const fits = {
      ...good,
      target: `/${'x'.repeat(PLACE - formatMacInput({ ...good, ...made, gateway: GATEWAY }).length)}`,
    };
    for (const seq of [1, 10, 9, 2 ** 53 - 1, 1, 123]) {
      expect(write({ ...made, seq }, fits)).toBe(expected({ ...made, seq }, fits));
      expect(write({ ...made, seq }, good)).toBe(expected({ ...made, seq }, good));
    }
    expect(write(made, fits)).toHaveLength(PLACE);
  });

  it.each<Partial<AuthenticatedRequest>>([
    { target: '//' },
    { method: 'get' },
    { headers: { 'mcp-name': 'a\nb' } },
    { bodyHash: '\u0161'.repeat(64) },
    { bodyHash: `${'a'.repeat(63)}\u20ac` },
  ])('refuses a request each time, also after a good one: %j', (change) => {
    const write = createWriter();
    for (let again = 0; again < 2; again++) {
      expect(() => write(made, { ...good, ...change })).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      );
      expect(write(made, good)).toBe(expected(made, good));
      expect(() => write(made, { ...good, ...change })).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      );
    }
  });

  it('refuses a hash of another length, and a gateway that is not printable', () => {
    for (const bodyHash of ['', 'a'.repeat(63), 'a'.repeat(65)])
      expect(() => createWriter()(made, { ...good, bodyHash })).toThrow(RangeError);
    expect(() => createWriter('did:web:a\nb')).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });
});
