import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { portableCrypto } from '../crypto/portable.js';
import { formatMacInput, isSessionMac, type MacFields, sessionMac } from './mac.js';

const key = new Uint8Array(32).fill(1);
const fields: MacFields = {
  sid: `ses_${'A'.repeat(38)}`,
  gateway: 'did:web:gateway.example',
  seq: 7,
  rid: '01938e5c-7b1a-7c3d-8e4f-0123456789ab',
  method: 'POST',
  target: '/mcp/files?x=%20a&y=',
  headers: { 'content-type': 'application/json', 'mcp-method': 'tools/call', 'mcp-name': 'read_file' },
  bodyHash: createHash('sha256').update('{}').digest('hex'),
};

describe('MAC of a request (SES-6)', () => {
  it('covers these fourteen lines', () => {
    expect(formatMacInput(fields).split('\n')).toEqual([
      'talos-session-v1',
      fields.sid,
      'did:web:gateway.example',
      '7',
      fields.rid,
      'POST',
      '/mcp/files?x=%20a&y=',
      'application/json',
      '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      'mcp-protocol-version:',
      'mcp-session-id:',
      'mcp-method:tools/call',
      'mcp-name:read_file',
      'last-event-id:',
    ]);
  });

  it('is half of an HMAC-SHA256', () => {
    const expected = createHmac('sha256', key).update(formatMacInput(fields)).digest().subarray(0, 16);
    expect(Buffer.from(sessionMac(key, fields, portableCrypto))).toEqual(expected);
  });

  it.each<[string, Partial<MacFields>]>([
    ['sid', { sid: `ses_${'B'.repeat(38)}` }],
    ['gateway', { gateway: 'did:web:other.example' }],
    ['seq', { seq: 8 }],
    ['rid', { rid: '01938e5c-7b1a-7c3d-8e4f-0123456789ac' }],
    ['method', { method: 'PUT' }],
    ['target', { target: '/mcp/files?x=%20a&y' }],
    ['body', { bodyHash: '0'.repeat(64) }],
    ['content type', { headers: { ...fields.headers, 'content-type': 'text/plain' } }],
    ['protocol version', { headers: { ...fields.headers, 'mcp-protocol-version': '2026-07-28' } }],
    ['MCP session', { headers: { ...fields.headers, 'mcp-session-id': 'x' } }],
    ['MCP method', { headers: { ...fields.headers, 'mcp-method': 'tools/list' } }],
    ['MCP name', { headers: { 'content-type': 'application/json', 'mcp-method': 'tools/call' } }],
    ['last event', { headers: { ...fields.headers, 'last-event-id': 'read_file' } }],
  ])('changes with the %s', (_, change) => {
    const mac = sessionMac(key, fields, portableCrypto);
    expect(isSessionMac(mac, key, fields, portableCrypto)).toBe(true);
    expect(isSessionMac(mac, key, { ...fields, ...change }, portableCrypto)).toBe(false);
    expect(isSessionMac(mac, new Uint8Array(32), fields, portableCrypto)).toBe(false);
  });

  it('refuses a MAC of another length', () => {
    const mac = sessionMac(key, fields, portableCrypto);
    expect(isSessionMac(mac.subarray(0, 15), key, fields, portableCrypto)).toBe(false);
    expect(isSessionMac(new Uint8Array(0), key, fields, portableCrypto)).toBe(false);
  });

  it.each<[string, Partial<MacFields>]>([
    ['absolute-form target', { target: 'https://gateway.example/mcp' }],
    ['scheme-relative target', { target: '//gateway.example/mcp' }],
    ['asterisk-form target', { target: '*' }],
    ['empty target', { target: '' }],
    ['fragment', { target: '/mcp#x' }],
    ['space in the target', { target: '/a b' }],
    ['line feed in the target', { target: '/a\n' }],
    ['byte beyond ASCII in the target', { target: '/é' }],
    ['method in small letters', { method: 'post' }],
    ['line feed in a header', { headers: { 'mcp-name': 'a\nlast-event-id:b' } }],
    ['line feed in the gateway', { gateway: 'did:web:a\n' }],
    ['lone surrogate', { headers: { 'mcp-name': '\ud800' } }],
  ])('refuses: %s', (_, change) => {
    expect(() => sessionMac(key, { ...fields, ...change }, portableCrypto)).toThrow(
      expect.objectContaining({ code: 'MALFORMED' }),
    );
  });

  it('gives two different requests two different inputs', () => {
    const value = fc.option(fc.stringMatching(/^[\x21-\x7e]{1,12}$/), { nil: undefined });
    const headers = fc.record({
      'content-type': value,
      'mcp-method': value,
      'mcp-name': value,
      'last-event-id': value,
    });
    const request = fc.record({
      headers,
      target: fc.stringMatching(/^\/[!-"$-.0-~]{0,12}$/),
      seq: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(request, request, (a, b) => {
        const strip = (r: typeof a) => JSON.stringify(r);
        const input = (r: typeof a) => formatMacInput({ ...fields, ...r } as MacFields);
        expect(input(a) === input(b)).toBe(strip(a) === strip(b));
      }),
    );
  });
});
