import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLineReader } from './line-reader.js';

function read(chunks: readonly Uint8Array[], maxBytes = 1_000) {
  const lines: string[] = [];
  let overflows = 0;
  const reader = createLineReader({
    maxBytes,
    onLine: (line) => void lines.push(Buffer.from(line).toString()),
    onOverflow: () => {
      overflows += 1;
    },
  });
  for (const chunk of chunks) reader.push(chunk);
  return { lines, overflows };
}

it('finds the same lines however the bytes are cut', () => {
  const line = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\r\n`).join(''));
      const places = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ];
      const chunks = places.slice(1).map((place, i) => bytes.subarray(places[i], place));
      expect(read(chunks).lines).toEqual(lines);
    }),
  );
});

it('drops a line that is too long, says so once, and goes on with the next', () => {
  const chunks = ['abc\n', 'x'.repeat(6), 'x'.repeat(6), 'x'.repeat(600), '\nok\n\n\n'].map((text) =>
    Buffer.from(text),
  );
  expect(read(chunks, 10)).toEqual({ lines: ['abc', 'ok'], overflows: 1 });
});

it('keeps an unfinished line to itself', () => {
  expect(read([Buffer.from('half')]).lines).toEqual([]);
});
