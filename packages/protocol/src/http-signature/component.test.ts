import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { componentValue, type HttpRequestMessage } from './component.js';
import { formatSignatureBase } from './signature-base.js';
import type { BareItem, FieldItem, InnerList } from './structured-field.js';
import {
  FIELD_LIMITS,
  parseFieldDictionary,
  parseFieldItem,
  parseFieldList,
} from './structured-field-parser.js';
import { formatFieldDictionary, formatFieldItem, formatFieldList } from './structured-field-text.js';

const message: HttpRequestMessage = {
  method: 'POST',
  scheme: 'https',
  authority: 'WWW.Example.com:443',
  target: '/a/b?x=1&y=?z',
  headers: ['X-One', ' a ', 'x-one', 'b\t', 'Dict', 'a=1, b=(1 2);q, c', 'X-Odd', 'x\u0000'],
};
const value = (id: string) => componentValue(parseFieldItem(id), message);
const malformed = expect.objectContaining({ code: 'MALFORMED' });
const invalid = expect.objectContaining({ code: 'PROOF_INVALID' });

describe('components of a request (SES-15, RFC 9421 section 2)', () => {
  it.each([
    ['"@method"', 'POST'],
    ['"@scheme"', 'https'],
    ['"@authority"', 'www.example.com'],
    ['"@target-uri"', 'https://www.example.com/a/b?x=1&y=?z'],
    ['"@request-target"', '/a/b?x=1&y=?z'],
    ['"@path"', '/a/b'],
    ['"@query"', '?x=1&y=?z'],
    ['"x-one"', 'a, b'],
    ['"dict"', 'a=1, b=(1 2);q, c'],
    ['"dict";key="a"', '1'],
    ['"dict";key="b"', '(1 2);q'],
    ['"dict";key="c"', '?1'],
  ])('%s', (id, expected) => expect(value(id)).toBe(expected));

  it('have an empty query as a question mark, and a port that is not the default', () => {
    const plain = { ...message, target: '/', scheme: 'http', authority: 'h:443' } as const;
    expect(componentValue(parseFieldItem('"@query"'), plain)).toBe('?');
    expect(componentValue(parseFieldItem('"@authority"'), plain)).toBe('h:443');
  });

  it.each([
    '"@status"',
    '"@query-param";name="x"',
    '"@method";req',
    '"@signature-params"',
    '"@constructor"',
    '"X-One"',
    '""',
    '"a b"',
    'x-one',
    '"x-one";sf',
    '"x-one";bs',
    '"x-one";tr',
    '"dict";key=a',
    '"dict";key="a";sf',
    '"x-odd"',
  ])('refuse %s', (id) => expect(() => value(id)).toThrow(malformed));

  it('refuse what the request does not have, and what is covered twice', () => {
    expect(() => value('"absent"')).toThrow(invalid);
    expect(() => value('"dict";key="z"')).toThrow(invalid);
    const [twice] = parseFieldList('("x-one" "x-one")');
    expect(() => formatSignatureBase(twice as InnerList, message)).toThrow(malformed);
    expect(() => componentValue(parseFieldItem('"x"'), { ...message, headers: ['x'] })).not.toThrow();
  });
});

const item = (one: BareItem): FieldItem => ({ item: one, params: new Map() });

describe('structured fields (SES-17)', () => {
  it('refuse a key twice where that is asked for, and keep the last otherwise', () => {
    expect(formatFieldDictionary(parseFieldDictionary('a=1, b, a=2'))).toBe('a=2, b');
    expect(() => parseFieldDictionary('a=1, a=1', { unique: true })).toThrow(malformed);
    expect(() => parseFieldItem('a;b;b', { unique: true })).toThrow(malformed);
  });

  it('are bounded', () => {
    const many = Array.from({ length: FIELD_LIMITS.members + 1 }, (_, index) => `a${index}`);
    expect(() => parseFieldList(many.join(','))).toThrow(malformed);
    expect(() => parseFieldList(`(${many.join(' ')})`)).toThrow(malformed);
    expect(() => parseFieldItem(`a;${many.join(';')}`)).toThrow(malformed);
    expect(() => parseFieldItem(`"${'a'.repeat(FIELD_LIMITS.bytes)}"`)).toThrow(malformed);
  });

  it.each<BareItem>([
    { type: 'integer', value: 1e15 },
    { type: 'integer', value: 1.5 },
    { type: 'date', value: 0.5 },
    { type: 'decimal', value: 1e12 },
    { type: 'decimal', value: Number.NaN },
    { type: 'string', value: 'é' },
    { type: 'token', value: '1' },
  ])('cannot be written with %j', (one) => expect(() => formatFieldItem(item(one))).toThrow(TypeError));

  it('cannot be written with a key that is none', () => {
    expect(() => formatFieldDictionary(new Map([['A', item({ type: 'boolean', value: true })]]))).toThrow(
      TypeError,
    );
  });

  it('read as they were written', () => {
    const bare: fc.Arbitrary<BareItem> = fc.oneof(
      fc.integer().map((number) => ({ type: 'integer' as const, value: number })),
      fc.integer().map((number) => ({ type: 'decimal' as const, value: number / 1000 + 0 })),
      fc.integer().map((number) => ({ type: 'date' as const, value: number })),
      fc
        .string()
        .filter((text) => /^[ -~]*$/.test(text))
        .map((text) => ({ type: 'string' as const, value: text })),
      fc
        .stringMatching(/^[A-Za-z*][A-Za-z0-9:/-]*$/)
        .map((text) => ({ type: 'token' as const, value: text })),
      fc.uint8Array().map((bytes) => ({ type: 'binary' as const, value: new Uint8Array(bytes) })),
      fc.boolean().map((flag) => ({ type: 'boolean' as const, value: flag })),
      fc.string({ unit: 'grapheme' }).map((text) => ({ type: 'display' as const, value: text })),
    );
    const params = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z*][a-z0-9_.*-]*$/), bare), {
      maxLength: 3,
      selector: ([key]) => key,
    });
    const field = fc.record({ item: bare, params: params.map((all) => new Map(all)) });
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), (members) => {
        expect(parseFieldList(formatFieldList(members))).toEqual(members);
      }),
    );
  });

  it('are a value or MALFORMED, whatever comes', () => {
    const sign = fc.constantFrom(...'ab019-.*"\\:?@%;=,() \tAé'.split(''));
    fc.assert(
      fc.property(fc.string({ unit: sign }), (text) => {
        for (const parse of [parseFieldDictionary, parseFieldList, parseFieldItem]) {
          try {
            parse(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'MALFORMED' });
          }
        }
      }),
    );
  });
});
