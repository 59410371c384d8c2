import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { isJsonObject, parseJson, parseJsonObject } from './json.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('parseJson', () => {
  it.each([
    'null',
    'true',
    'false',
    '0',
    '-1',
    '9007199254740991',
    '-9007199254740991',
    '""',
    '"a"',
    '[]',
    '[ ]',
    '{}',
    '{ }',
    ' \t\r\n[1 , 2,\n3] ',
    '{"a":{"b":[true,false,null,"x"]},"c":-7}',
    '{"1":1,"0":0,"":2}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\u00E9\\uD83D\\uDE00"',
    '"x\\ny"',
    '"é😀\u2028\u007f\\n😀"',
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  ])('reads %s as JSON.parse does', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });

  it.each([
    ['', 'an early end at position 0'],
    ['  ', 'an early end at position 2'],
    ['nul', 'no JSON value at position 0'],
    ['True', 'no JSON value at position 0'],
    ['falsE', 'no JSON value at position 0'],
    ['undefined', 'no JSON value at position 0'],
    ['NaN', 'no JSON value at position 0'],
    ['-Infinity', 'no JSON value at position 1'],
    ['-', 'an early end at position 1'],
    ['+1', 'no JSON value at position 0'],
    ['.5', 'no JSON value at position 0'],
    ['01', 'a leading zero at position 0'],
    ['-01', 'a leading zero at position 1'],
    ['[00]', 'a leading zero at position 1'],
    ['0x10', 'data after the end at position 1'],
    ['-0', 'a negative zero at position 0'],
    ['1.0', 'a number that is not an integer at position 0'],
    ['1e3', 'a number that is not an integer at position 0'],
    ['1E3', 'a number that is not an integer at position 0'],
    ['9007199254740992', 'an integer beyond 2^53-1 at position 0'],
    ['-9007199254740992', 'an integer beyond 2^53-1 at position 0'],
    ['9007199254740993', 'an integer beyond 2^53-1 at position 0'],
    [`[${'9'.repeat(400)}]`, 'an integer beyond 2^53-1 at position 1'],
    ['1 2', 'data after the end at position 2'],
    ['{}{}', 'data after the end at position 2'],
    ['[1,]', 'no JSON value at position 3'],
    ['[,1]', 'no JSON value at position 1'],
    ['[1 2]', 'no comma or closing bracket at position 3'],
    ['[1}', 'no comma or closing bracket at position 2'],
    ['[', 'an early end at position 1'],
    ['[1', 'no comma or closing bracket at position 2'],
    ['{"a":1,}', 'no member name at position 7'],
    ['{a:1}', 'no member name at position 1'],
    ["{'a':1}", 'no member name at position 1'],
    ['{"a" 1}', 'no colon at position 5'],
    ['{"a"', 'no colon at position 4'],
    ['{"a":', 'an early end at position 5'],
    ['{"a":1', 'no comma or closing bracket at position 6'],
    ['{"a":1]', 'no comma or closing bracket at position 6'],
    ['{', 'no member name at position 1'],
    ['{"a":1,"a":2}', 'a repeated member name at position 7'],
    ['{"a":1,"b":{"x":1,"x":1}}', 'a repeated member name at position 18'],
    ['{"a":1,"\\u0061":2}', 'a repeated member name at position 7'],
    ['{"__proto__":1,"__proto__":2}', 'a repeated member name at position 15'],
    ['"', 'an unfinished string at position 0'],
    ['"abc', 'an unfinished string at position 0'],
    ['"a\\nbc', 'an unfinished string at position 0'],
    ['"\\', 'an unknown escape at position 1'],
    ['"\\x41"', 'an unknown escape at position 1'],
    ['"\\U0041"', 'an unknown escape at position 1'],
    ['"\\u00g0"', 'a bad unicode escape at position 5'],
    ['"\\u12', 'a bad unicode escape at position 5'],
    ['"\\u 123"', 'a bad unicode escape at position 3'],
    ['"a\nb"', 'a control character at position 2'],
    ['"\\n\u0000"', 'a control character at position 3'],
    ['"\\ud800"', 'a lone surrogate at position 1'],
    ['"\\udc00"', 'a lone surrogate at position 1'],
    ['"\\ud800\\u0041"', 'a lone surrogate at position 1'],
    ['"\\ud800\\n"', 'a lone surrogate at position 1'],
    ['"\\ud83d\\ud83d\\ude00"', 'a lone surrogate at position 1'],
    ['"\ud800"', 'a lone surrogate at position 1'],
    ['"\udc00"', 'a lone surrogate at position 1'],
    ['"\\n\udc00"', 'a lone surrogate at position 3'],
    ['"\\ud83d\ude00"', 'a lone surrogate at position 1'],
    ['"\ud83d\\ude00"', 'a lone surrogate at position 1'],
    ['\ufeff{}', 'no JSON value at position 0'],
    ['\u00a01', 'no JSON value at position 0'],
    ['1\u000b', 'data after the end at position 1'],
    ['// x\n1', 'no JSON value at position 0'],
  ])('refuses %j: %s', (text, reason) => {
    expect(() => parseJson(text)).toThrow(`malformed: JSON with ${reason}`);
  });

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('not UTF-8');
    expect(() => parseJson(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toThrow('not UTF-8');
    expect(() => parseJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toThrow('no JSON value at position 0');
  });

  it('counts depth in arrays and objects, and overflows no stack', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseJson(nested(64))).not.toThrow();
    expect(() => parseJson(nested(65))).toThrow('more than 64 levels at position 64');
    expect(() => parseJson('{"a":'.repeat(65) + 1 + '}'.repeat(65))).toThrow('more than 64 levels');
    expect(() => parseJson('[[]]', { maxDepth: 1 })).toThrow('more than 1 levels at position 1');
    expect(() => parseJson('1', { maxDepth: 0 })).not.toThrow();
    expect(() => parseJson('['.repeat(1_000_000))).toThrow('more than 64 levels');
  });

  it('measures size in UTF-8 bytes', () => {
    expect(parseJson('"ééé"', { maxBytes: 8 })).toBe('ééé');
    expect(() => parseJson('"ééé"', { maxBytes: 7 })).toThrow('more than 7 bytes');
    expect(() => parseJson('"aaaaaa"', { maxBytes: 7 })).toThrow('more than 7 bytes');
    expect(() => parseJson(bytes('"ééé"'), { maxBytes: 7 })).toThrow('more than 7 bytes');
    expect(parseJson(bytes('"ééé"'), { maxBytes: 8 })).toBe('ééé');
    expect(() => parseJson(`"${'a'.repeat(1_048_575)}"`)).toThrow('more than 1048576 bytes');
  });

  it('makes `__proto__` an own member and pollutes nothing', () => {
    const value = parseJsonObject('{"__proto__":{"admin":true},"a":1}');
    expect(Object.keys(value)).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value['admin']).toBeUndefined();
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('reads floats only on demand', () => {
    const text =
      '[1.5,1e3,1E+3,1e-3,-2.25e0,333333333.33333329,1E30,0.000000000000000000000000001,5e-324,10]';
    expect(parseJson(text, { floats: true })).toEqual(JSON.parse(text));
    for (const zero of ['-0', '-0.0', '0.0', '-0e5', '-1e-999']) {
      expect(Object.is(parseJson(zero, { floats: true }), 0)).toBe(true);
    }
  });

  it.each([
    ['1e999', 'a number beyond the doubles at position 0'],
    ['-1e999', 'a number beyond the doubles at position 0'],
    ['9007199254740993', 'an integer beyond 2^53-1 at position 0'],
    ['9007199254740992.0', 'an integer beyond 2^53-1 at position 0'],
    ['-1e20', 'an integer beyond 2^53-1 at position 0'],
    ['1.', 'an early end at position 2'],
    ['[1.]', 'no JSON value at position 3'],
    ['1e', 'an early end at position 2'],
    ['1e+', 'an early end at position 3'],
    ['1e-x', 'no JSON value at position 3'],
    ['1.5.5', 'data after the end at position 3'],
    ['01.5', 'a leading zero at position 0'],
  ])('refuses %s also with floats', (text, reason) => {
    expect(() => parseJson(text, { floats: true })).toThrow(reason);
  });

  it('agrees with JSON.parse on everything JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/[1-9]\d{15}/.test(text));
        expect(parseJson(text, { floats: true })).toEqual(JSON.parse(text));
      }),
    );
  });

  it('accepts nothing that JSON.parse refuses, and gives the same value', () => {
    const pieces = '{}[]:,"\\ue01-.+aE \n😀"\ud800__proto__trufalsn';
    const text = fc.string({ unit: fc.constantFrom(...pieces.split('')), maxLength: 30 });
    fc.assert(
      fc.property(text, fc.boolean(), (hostile, floats) => {
        try {
          const value = parseJson(hostile, { floats });
          expect(value).toEqual(JSON.parse(hostile, (_, member) => (member === 0 ? 0 : member)));
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('answers mutated documents with a value or a TrustError', () => {
    const document = bytes('{"iss":"did:key:z6Mk","n":[1,-2,{"é":"\\ud83d\\ude00"}],"t":true,"x":null}');
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.nat(255), fc.nat(document.length), (at, byte, end) => {
        const mutated = document.slice(0, Math.max(end, at + 1));
        mutated[at] = byte;
        try {
          parseJson(mutated);
        } catch (error) {
          if (!isTrustError(error)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('stays linear on a large hostile text', () => {
    const started = performance.now();
    for (const text of [
      `"${'\\u0041'.repeat(160_000)}`,
      `[${'1,'.repeat(500_000)}`,
      `1.${'0'.repeat(1_000_000)}`,
    ]) {
      expect(() => parseJson(text, { floats: true }) && parseJson('')).toThrow('malformed');
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('parseJsonObject', () => {
  it('wants an object', () => {
    expect(parseJsonObject('{"a":1}')).toEqual({ a: 1 });
    for (const text of ['[]', 'null', '1', '"a"'])
      expect(() => parseJsonObject(text)).toThrow('not an object');
  });

  it('tells objects from the rest', () => {
    expect([{}, [], null, 1, undefined].map(isJsonObject)).toEqual([true, false, false, false, false]);
  });
});
