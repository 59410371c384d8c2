import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../encoding/utf8.js';
import { isTrustError } from '../error.js';
import { formatTalosAuthorization, parseTalosAuthorization } from './authorization.js';
import { createHeaderReader, SEQ_AT, SID_AT, SID_END } from './header-reader.js';
import { decodeSessionId, encodeSessionId } from './sid.js';

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
const sid = fc
  .record({ node: uint32, boot: uint32, slot: uint32, random: bytes16 })
  .map((parts) => encodeSessionId(parts));
const seq = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const credential = fc.record({ sid, seq, rid: fc.uuid({ version: 7 }), mac: bytes16 });

/** What the parser that makes objects says. */
function parse(value: string) {
  try {
    const { sid, ...rest } = parseTalosAuthorization(value);
    const { node, boot, slot, random } = decodeSessionId(sid);
    const view = new DataView(random.buffer);
    return { ...rest, words: [node, boot, slot, ...[0, 4, 8, 12].map((at) => view.getUint32(at))] };
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}

describe('reading an Authorization header in place (SES-6, SES-8)', () => {
  it('finds what the parser finds', () => {
    const reader = createHeaderReader();
    fc.assert(
      fc.property(credential, (made) => {
        const value = formatTalosAuthorization(made);
        const parsed = parse(value)!;
        expect(reader.read(value)).toBe(true);
        expect({ words: [...reader.sid], seq: reader.seq, mac: reader.mac }).toEqual({
          words: parsed.words,
          seq: parsed.seq,
          mac: parsed.mac,
        });
        expect(value.slice(SID_AT, SID_END)).toBe(made.sid);
        expect(value.slice(SEQ_AT, SEQ_AT + reader.digits)).toBe(String(made.seq));
        expect(decodeUtf8(new Uint8Array(reader.line.buffer, 0, value.length))).toBe(value);
      }),
    );
  });

  it('accepts of altered values what the parser accepts, and nothing else', () => {
    const reader = createHeaderReader();
    const alteration = fc.tuple(fc.nat(150), fc.nat(2), fc.string({ unit: 'binary', maxLength: 3 }));
    fc.assert(
      fc.property(credential, alteration, (made, [at, drop, insert]) => {
        const value = formatTalosAuthorization(made);
        const altered = value.slice(0, at) + insert + value.slice(at + drop);
        expect(reader.read(altered)).toBe(parse(altered) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    'Talos ',
    `Talos sid=${'A'.repeat(42)}`,
    `Talos sid=ses_${'A'.repeat(38)}, seq=1`,
    'x'.repeat(100_000),
    `Talos sid=ses_${'A'.repeat(38)}, seq=9007199254740992, rid=01938e5c-7b1a-7c3d-8e4f-0123456789ab, mac=${'A'.repeat(22)}`,
    `Talos sid=ses_${'A'.repeat(38)}, seq=9007199254740993, rid=01938e5c-7b1a-7c3d-8e4f-0123456789ab, mac=${'A'.repeat(22)}`,
  ])('refuses %.60s', (value) => {
    expect(createHeaderReader().read(value)).toBe(false);
  });

  it('refuses every other character at every place', () => {
    const reader = createHeaderReader();
    const sid = `ses_${'Az09_-'.repeat(6)}AQ`;
    const rid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
    const value = formatTalosAuthorization({ sid, seq: 12_345, rid, mac: new Uint8Array(16).fill(0x5a) });
    expect(reader.read(value)).toBe(true);
    for (let at = 0; at < value.length; at++) {
      for (const code of [...Array(256).keys(), 0x141, 0x130, 0x2d2d, 0xd800, 0xff41]) {
        const altered = value.slice(0, at) + String.fromCharCode(code) + value.slice(at + 1);
        if (reader.read(altered) !== (parse(altered) !== undefined)) throw new Error(`${at}: ${code}`);
      }
    }
  });
});
