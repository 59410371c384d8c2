import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTrustError } from '../error.js';
import { formatSignatureLines, parseSignatureLines, signNote } from './note.js';
import { hasher, sampleEntries, sampleKey } from './testing/reference.js';
import { formatAddCheckpoint, parseAddCheckpoint } from './witness-request.js';

// As it stands in C2SP tlog-witness.
const EXAMPLE = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;
const LINES = `— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
`;
const checkpoint = signNote('a\n1\nb\n', [sampleKey('a', 1).signer]);
const hash = 'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=';

function isRefused(act: () => unknown): boolean {
  try {
    act();
  } catch (error) {
    if (isTrustError(error) && error.code === 'MALFORMED') return true;
    throw error;
  }
  return false;
}

describe('what a log asks a witness (C2SP tlog-witness, AUD-27)', () => {
  it('is read and written as its example', () => {
    const request = parseAddCheckpoint(EXAMPLE);
    expect([request.oldSize, request.proof.length]).toEqual([20852014, 4]);
    expect(request.checkpoint.split('\n').slice(0, 2)).toEqual(['example.com/behind-the-sofa', '20852163']);
    expect(formatAddCheckpoint(request)).toBe(EXAMPLE);
  });

  it('has any size and up to 63 hashes', () => {
    const hashes = sampleEntries(63).map((entry) => hasher.leaf(entry));
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(63), (oldSize, count) => {
        const request = { oldSize, proof: hashes.slice(0, count), checkpoint };
        expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
      }),
      { numRuns: 200 },
    );
    expect(() => formatAddCheckpoint({ oldSize: -1, proof: [], checkpoint })).toThrow(TypeError);
    const proof = [...hashes, ...hashes];
    expect(() => formatAddCheckpoint({ oldSize: 0, proof, checkpoint })).toThrow(TypeError);
    expect(() => formatAddCheckpoint({ oldSize: 0, proof: [new Uint8Array(31)], checkpoint })).toThrow(
      TypeError,
    );
    expect(isRefused(() => formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: 'a' }))).toBe(true);
    expect(parseAddCheckpoint('old 0\n\na').checkpoint).toBe('a');
  });

  it.each([
    ['nothing', ''],
    ['no empty line', 'old 0\n'],
    ['no old size', `\n\n${checkpoint}`],
    ['another first line', `new 0\n\n${checkpoint}`],
    ['a leading zero', `old 00\n\n${checkpoint}`],
    ['a sign', `old +1\n\n${checkpoint}`],
    ['a space behind', `old 1 \n\n${checkpoint}`],
    ['two spaces', `old  1\n\n${checkpoint}`],
    ['a size of 2^53', `old 9007199254740992\n\n${checkpoint}`],
    ['a carriage return', `old 1\r\n\n${checkpoint}`],
    ['a hash that is none', `old 1\nAAAA\n\n${checkpoint}`],
    ['a hash in another alphabet', `old 1\n${hash.replace('=', '_')}\n\n${checkpoint}`],
    ['64 hashes', `old 1\n${`${hash}\n`.repeat(64)}\n${checkpoint}`],
  ])('is refused with %s', (_, text) => {
    expect(isRefused(() => parseAddCheckpoint(text))).toBe(true);
  });
});

describe('signature lines that stand alone (C2SP tlog-witness)', () => {
  it('are read and written as in its example', () => {
    const lines = parseSignatureLines(LINES);
    expect(lines.map(({ name }) => name)).toEqual(['witness.example/w1', 'witness.example/w2']);
    expect(formatSignatureLines(lines)).toBe(LINES);
  });

  it.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['no line feed at the end', LINES.slice(0, -1)],
    ['a text before', `x\n\n${LINES}`],
    ['an empty line before', `\n${LINES}`],
    ['an empty line behind', `${LINES}\n`],
    ['words', 'thank you\n'],
    ['more than 100', LINES.repeat(51)],
    ['more than a note may have', 'x'.repeat(1_000_001)],
  ])('are refused with %s: a witness must not slip in another text', (_, text) => {
    expect(isRefused(() => parseSignatureLines(text))).toBe(true);
  });
});
