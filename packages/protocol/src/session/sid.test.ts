import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHex } from '../encoding/hex.js';
import { decodeSessionId, encodeSessionId } from './sid.js';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const random16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('session ids (SES-8)', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(uint32, uint32, uint32, random16, (node, boot, slot, random) => {
        const sid = encodeSessionId({ node, boot, slot, random });
        expect(sid).toMatch(/^ses_[\w-]{38}$/);
        const id = decodeSessionId(sid);
        expect({ ...id, random: encodeHex(id.random) }).toEqual({
          node,
          boot,
          slot,
          random: encodeHex(random),
        });
      }),
    );
  });

  it('put big-endian integers before the random bytes', () => {
    const sid = encodeSessionId({ node: 1, boot: 2, slot: 3, random: new Uint8Array(16).fill(255) });
    expect(sid).toBe(`ses_AAAAAQAAAAIAAAAD${'_'.repeat(21)}w`);
  });

  it.each([[{ node: -1 }], [{ boot: 2 ** 32 }], [{ slot: 0.5 }], [{ random: new Uint8Array(15) }]])(
    'cannot be made from %j',
    (part) => {
      expect(() =>
        encodeSessionId({ node: 0, boot: 0, slot: 0, random: new Uint8Array(16), ...part }),
      ).toThrow(RangeError);
    },
  );

  it('have one spelling', () => {
    const sid = encodeSessionId({ node: 1, boot: 2, slot: 3, random: new Uint8Array(16) });
    const hostile = ['', sid.slice(0, -1), `${sid}A`, sid.toUpperCase(), `${sid.slice(0, -1)}B`, `${sid}=`];
    for (const text of [...hostile, sid.replace('ses_', 'sid_'), `${sid.slice(0, -1)}\n`]) {
      expect(() => decodeSessionId(text)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    }
  });

  it('answer random text with an id or MALFORMED', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^ses_[A-Za-z0-9_-]{38}$/)), (text) => {
        try {
          expect(encodeSessionId(decodeSessionId(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED' });
        }
      }),
    );
  });
});
