import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTalosAuthorization, isTalosAuthorization, parseTalosAuthorization } from './authorization.js';

const sid = `ses_${'A'.repeat(38)}`;
const rid = '01938e5c-7b1a-7c3d-8e4f-0123456789ab';
const mac = new Uint8Array(16).fill(7);
const good = formatTalosAuthorization({ sid, seq: 12, rid, mac });

describe('Authorization: Talos (SES-6)', () => {
  it('has one form', () => {
    expect(good).toBe(`Talos sid=${sid}, seq=12, rid=${rid}, mac=BwcHBwcHBwcHBwcHBwcHBw`);
    expect(parseTalosAuthorization(good)).toEqual({ sid, seq: 12, rid, mac });
  });

  it('carries every seq below 2^53', () => {
    for (const seq of [1, 9, 10, Number.MAX_SAFE_INTEGER]) {
      expect(parseTalosAuthorization(formatTalosAuthorization({ sid, seq, rid, mac })).seq).toBe(seq);
    }
  });

  it.each([
    ['another scheme', good.replace('Talos', 'Bearer')],
    ['another case', good.replace('Talos', 'talos')],
    ['no space after a comma', good.replace(', seq', ',seq')],
    ['two spaces', good.replace(', seq', ',  seq')],
    ['another order', `Talos seq=12, sid=${sid}, rid=${rid}, mac=BwcHBwcHBwcHBwcHBwcHBw`],
    ['a parameter twice', good.replace(', rid', ', seq=13, rid')],
    ['one more parameter', `${good}, x=1`],
    ['a missing parameter', good.replace(/, mac=.*/, '')],
    ['quotes', good.replace('seq=12', 'seq="12"')],
    ['seq 0', good.replace('seq=12', 'seq=0')],
    ['a leading zero', good.replace('seq=12', 'seq=012')],
    ['a sign', good.replace('seq=12', 'seq=+12')],
    ['a negative seq', good.replace('seq=12', 'seq=-12')],
    ['seq 2^53', good.replace('seq=12', 'seq=9007199254740992')],
    ['a longer seq', good.replace('seq=12', `seq=${'9'.repeat(17)}`)],
    ['a fraction', good.replace('seq=12', 'seq=1.5')],
    ['an exponent', good.replace('seq=12', 'seq=1e3')],
    ['a UUIDv4', good.replace('-7c3d-', '-4c3d-')],
    ['upper case in rid', good.replace(rid, rid.toUpperCase())],
    ['a short mac', good.slice(0, -1)],
    ['a long mac', `${good}A`],
    ['trailing bits in mac', `${good.slice(0, -1)}x`],
    ['padding', `${good}==`],
    ['a line feed', `${good}\n`],
    ['white space before', ` ${good}`],
    ['nothing', ''],
    ['16 MiB', 'Talos '.repeat(2_796_203)],
  ])('refuses %s', (_, value) => {
    expect(() => parseTalosAuthorization(value)).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('answers mutated bytes with a value or MALFORMED', () => {
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, cut, insert) => {
        const text = good.slice(0, at) + insert + good.slice(at + cut);
        try {
          expect(formatTalosAuthorization(parseTalosAuthorization(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED' });
        }
      }),
    );
  });

  it('is recognised by its scheme in any case', () => {
    expect(['Talos x', 'TALOS x', 'talos', 'Talosx', 'Bearer x'].map(isTalosAuthorization)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
