import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { encodeBase64url } from './base64url.js';
import { compareCursors, decodeCursor, encodeCursor } from './cursor.js';
import { createUuidv7 } from './uuid.js';

const ID = '0190a5e0-7c3a-7000-8000-000000000001';
const cursors = fc.record({
  seconds: fc.maxSafeNat(),
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((random) => createUuidv7(1, random)),
});
const encoded = (text: string): string => encodeBase64url(new Uint8Array(Buffer.from(text)));

describe('cursors', () => {
  it('round-trip', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it('compare as a total order, newest first', () => {
    fc.assert(
      fc.property(fc.array(cursors, { maxLength: 20 }), (list) => {
        const sorted = [...list].sort(compareCursors);
        for (let i = 1; i < sorted.length; i++) {
          const [a, b] = [sorted[i - 1]!, sorted[i]!];
          expect(a.seconds > b.seconds || (a.seconds === b.seconds && a.id >= b.id)).toBe(true);
          expect(compareCursors(b, a)).toBe(compareCursors(a, b) === 0 ? 0 : 1);
        }
      }),
    );
  });

  it('compare by number where base64 text would mislead', () => {
    const [nine, ten] = [9, 10].map((seconds) => ({ seconds, id: ID }));
    expect(compareCursors(ten!, nine!)).toBe(-1);
    expect(encodeCursor(ten!) < encodeCursor(nine!)).toBe(true);
    expect([compareCursors(nine!, ten!), compareCursors(nine!, nine!)]).toEqual([1, 0]);
    const later = { seconds: 9, id: ID.replace(/1$/, '2') };
    expect([compareCursors(nine!, later), compareCursors(later, nine!)]).toEqual([1, -1]);
  });

  it.each([
    ID,
    `:${ID}`,
    `01:${ID}`,
    `-1:${ID}`,
    `+1:${ID}`,
    `1.0:${ID}`,
    ` 1:${ID}`,
    `1:${ID} `,
    `1:${ID.toUpperCase()}`,
    `9007199254740992:${ID}`,
    '1:',
    '',
    '1',
  ])('refuses %j', (text) => {
    expect(() => decodeCursor(encoded(text))).toThrow('malformed');
  });

  it('refuses long and padded text', () => {
    expect(() => decodeCursor('A'.repeat(72))).toThrow('too long');
    expect(() => decodeCursor(`${encodeCursor({ seconds: 1, id: ID })}=`)).toThrow('malformed');
  });

  it('refuses to encode what it would not decode', () => {
    expect(() => encodeCursor({ seconds: -1, id: ID })).toThrow(RangeError);
    expect(() => encodeCursor({ seconds: 0.5, id: ID })).toThrow(RangeError);
    expect(() => encodeCursor({ seconds: 1, id: 'x' })).toThrow(RangeError);
  });

  it('answer any text with a cursor or a TrustError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        for (const candidate of [text, encoded(text).slice(0, 71)]) {
          try {
            expect(encodeCursor(decodeCursor(candidate))).toBe(candidate);
          } catch (error) {
            if (!isTrustError(error)) throw error;
          }
        }
      }),
    );
  });
});
