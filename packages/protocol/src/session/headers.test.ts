import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequestHeaders, SIGNED_HEADERS } from './headers.js';

const malformed = expect.objectContaining({ code: 'MALFORMED' });

describe('headers of a request (SES-6, SES-7)', () => {
  it('are read whatever their case, without white space around the value', () => {
    const headers = [
      'Host',
      'x',
      'Content-Type',
      ' application/json\t',
      'MCP-Name',
      'a  b',
      'Authorization',
      'Bearer x ',
    ];
    expect(readRequestHeaders(headers)).toEqual({
      signed: { 'content-type': 'application/json', 'mcp-name': 'a  b' },
      credential: { name: 'authorization', value: 'Bearer x' },
    });
  });

  it('may all be absent', () => {
    expect(readRequestHeaders([])).toEqual({ signed: {} });
    expect(readRequestHeaders(['accept', 'x', 'accept', 'y'])).toEqual({ signed: {} });
  });

  it.each(SIGNED_HEADERS)('refuse %s twice, also when both are equal', (name) => {
    expect(() => readRequestHeaders([name, 'a', name, 'a'])).toThrow(malformed);
    expect(() => readRequestHeaders([name, 'a', name.toUpperCase(), 'b'])).toThrow(malformed);
  });

  it.each(['', ' ', '\t', 'é', 'a\u0000', 'a\nb', 'a\r', 'a\u007f', '日本'])(
    'refuse a covered value of %j',
    (value) => {
      expect(() => readRequestHeaders(['mcp-name', value])).toThrow(malformed);
    },
  );

  it.each([
    ['Content-Encoding', 'gzip'],
    ['content-encoding', 'identity'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-HTTP-Method', 'DELETE'],
    ['X-Method-Override', 'DELETE'],
  ])('refuse %s', (name, value) => {
    expect(() => readRequestHeaders([name, value])).toThrow(malformed);
  });

  it('refuse two credentials of any kind', () => {
    expect(() => readRequestHeaders(['authorization', 'a', 'Authorization', 'a'])).toThrow(malformed);
    expect(() => readRequestHeaders(['authorization', 'a', 'x-api-key', 'b'])).toThrow(malformed);
    expect(() => readRequestHeaders(['api-key', 'a', 'x-goog-api-key', 'b'])).toThrow(malformed);
  });

  it('take linear time on a long run of white space', () => {
    const value = `a${' '.repeat(2_000_000)}b`;
    expect(readRequestHeaders(['mcp-name', value]).signed['mcp-name']).toBe(value);
  });

  it('answer anything with headers or MALFORMED', () => {
    const name = fc.oneof(fc.constantFrom(...SIGNED_HEADERS, 'Authorization', '__proto__'), fc.string());
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 8 }), (pairs) => {
        try {
          const { signed } = readRequestHeaders(pairs.flat());
          for (const value of Object.values(signed))
            expect(value).toMatch(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED' });
        }
      }),
    );
  });
});
