import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModelBody } from './request-body.js';

const read = (text: string, ordinary: number) =>
  parseModelBody(Buffer.from(text), { maxBytes: 67_108_864, ordinary });

// LLM-1
describe('a large body', () => {
  it('is read if it is large by its texts, in which little is escaped', () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom('"', '\\', 'a', 'é', '{', ',') }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(texts, (short) => {
        const long = short.map((one) => one.repeat(2000)).filter(({ length }) => length >= 1024);
        const body = { short, long };
        const escapes = long.join('').replaceAll(/[^"\\]/g, '').length * 2;
        const lean = Buffer.byteLength(JSON.stringify({ ...body, long: long.map(() => '') })) + escapes;
        const text = JSON.stringify(body);
        expect(read(text, lean)).toEqual(body);
        if (long.length > 0) expect(() => read(text, lean - 1 - 2 * long.length)).toThrow('besides texts');
      }),
    );
  });

  it.each<[string, string]>([
    ['lists', `{"a":[${'[],'.repeat(5000)}[]]}`],
    ['numbers', `{"a":[${'1,'.repeat(5000)}1]}`],
    ['short texts', `{"a":[${'"abc",'.repeat(5000)}1]}`],
    ['what never ends', `{"a":[${'1,'.repeat(5000)}`],
    ['escapes', `{"a":"${'\\"'.repeat(5000)}"}`],
    ['escapes between quotes', `{"a":[${'"\\\\",'.repeat(5000)}1]}`],
  ])('is refused if it is large by its %s', (_, text) => {
    expect(() => read(text, 4096)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(() => read(`{"a":"${'x'.repeat(text.length)}"}`, 4096)).not.toThrow();
  });

  it('of hostile bytes is refused in a typed way, or read, in a short time', () => {
    const began = performance.now();
    for (const piece of ['\\', '\\"', '"', '""', '"\\'])
      expect(() => read(`{"a":"${piece.repeat(2_000_000)}`, 1_048_576)).toThrow(
        /besides texts|JSON|malformed/,
      );
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
