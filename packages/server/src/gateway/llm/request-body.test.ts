import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModelBody } from './request-body.js';

const read = (text: string, ordinary: number) =>
  parseModelBody(Buffer.from(text), { maxBytes: 67_108_864, ordinary });

// LLM-1
describe('a large body', () => {
  it('is read if it is large by its pictures and documents, and by nothing else', () => {
    const heads = ['', 'data:image/png;base64,', 'data:application/pdf;base64,', 'a picture: '];
    const picture = fc.tuple(fc.constantFrom(...heads), fc.constantFrom('a', '+', '/', '_'), fc.nat(3000));
    const other = fc.tuple(
      fc.constantFrom('"', '\\', 'é', '{', ',', ' ', '.'),
      fc.integer({ min: 40, max: 2000 }),
    );
    fc.assert(
      fc.property(
        fc.array(picture, { maxLength: 4 }),
        fc.array(other, { maxLength: 3 }),
        fc.boolean(),
        (pictures, others, isEscaped) => {
          const shown = pictures.map(([head, of, length]) => head + of.repeat(1024 + length));
          const rest = others.map(([of, length]) => 'aaaa'.repeat(300) + of.repeat(length));
          const plain = JSON.stringify({ shown, rest });
          const text = isEscaped ? plain.replaceAll('/', '\\/') : plain;
          const bytes = Buffer.byteLength(text);
          // Of a picture nothing counts but its quotes, and what is escaped in it.
          const free = shown
            .map((one) => one.replaceAll(/["\\]/g, '').replaceAll(isEscaped ? '/' : '\0', ''))
            .reduce((sum, { length }) => sum + length, 0);
          expect(read(text, bytes - free)).toEqual({ shown, rest });
          if (shown.length > 0)
            expect(() => read(text, bytes - free - 1 - 4 * (shown.length + rest.length))).toThrow(
              'besides pictures',
            );
        },
      ),
    );
  });

  it.each<[string, string]>([
    ['lists', `{"a":[${'[],'.repeat(5000)}[]]}`],
    ['numbers', `{"a":[${'1,'.repeat(5000)}1]}`],
    ['short texts', `{"a":[${'"abc",'.repeat(5000)}1]}`],
    ['what never ends', `{"a":[${'1,'.repeat(5000)}`],
    ['escapes', `{"a":"${'\\"'.repeat(5000)}"}`],
    ['values in a text', `{"a":${JSON.stringify(`{"b":[${'{},'.repeat(5000)}1]}`)}}`],
    ['words', `{"a":"${'a word '.repeat(5000)}"}`],
    ['escapes between quotes', `{"a":[${'"\\\\",'.repeat(5000)}1]}`],
  ])('is refused if it is large by its %s', (_, text) => {
    expect(() => read(text, 4096)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(() => read(`{"a":"${'x'.repeat(text.length)}"}`, 4096)).not.toThrow();
  });

  it('of hostile bytes is refused in a typed way, or read, in a short time', () => {
    const began = performance.now();
    for (const piece of ['\\', '\\"', '"', '""', '"\\'])
      expect(() => read(`{"a":"${piece.repeat(2_000_000)}`, 1_048_576)).toThrow(
        /besides pictures|JSON|malformed/,
      );
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
