import type { Signer } from '@talosprotocol/protocol';

/** A good signature, what it is over, and a key of the attacker; gives one that must not count. */
type Change = (good: Uint8Array, message: Uint8Array, attacker: Signer) => Uint8Array;

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
/** The order of the base point, little-endian. */
const L = hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** Encodings of the points of small order, also those that are not canonical (RFC 8032 section 5.1.3). */
export const SMALL_ORDER: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map(hex);

/** Encodings of a y of p or more that are of no small order, and of a y that no point of the curve has. */
export const NO_POINTS: readonly Uint8Array[] = [
  'efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0200000000000000000000000000000000000000000000000000000000000000',
  '0200000000000000000000000000000000000000000000000000000000000080',
].map(hex);

/** `signature` with `times` orders added to its S: the same equation to a verifier that does not look. */
export function malleated(signature: Uint8Array, times = 1): Uint8Array {
  const changed = Uint8Array.from(signature);
  for (let round = 0; round < times; round++) {
    let carry = 0;
    for (let i = 0; i < 32; i++) {
      carry += changed[32 + i]! + L[i]!;
      changed[32 + i] = carry & 0xff;
      carry >>= 8;
    }
  }
  return changed;
}

const withR = (good: Uint8Array, r: Uint8Array, s: Uint8Array = good.slice(32)): Uint8Array =>
  Uint8Array.from([...r, ...s]);
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const flipped = (good: Uint8Array, bit: number): Uint8Array =>
  good.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

/** What can be done to a signature without the key. */
export const SIGNATURE_ATTACKS: readonly (readonly [label: string, change: Change])[] = [
  ['none', () => zeros(0)],
  ['one byte', () => zeros(1)],
  ['half', (good) => good.slice(0, 32)],
  ['one byte less', (good) => good.slice(0, 63)],
  ['one byte more', (good) => Uint8Array.from([...good, 0])],
  ['twice', (good) => Uint8Array.from([...good, ...good])],
  ['all zero', () => zeros(64)],
  ['all ones', () => zeros(64).fill(255)],
  ['S is zero', (good) => withR(good, good.slice(0, 32), zeros(32))],
  ['S is L', (good) => withR(good, good.slice(0, 32), L)],
  ['S + L', (good) => malleated(good)],
  ['S + 7 L', (good) => malleated(good, 7)],
  ['the sign of R', (good) => flipped(good, 255)],
  ['a bit of R', (good) => flipped(good, 0)],
  ['a bit of S', (good) => flipped(good, 256)],
  ['the top bit of S', (good) => flipped(good, 511)],
  ['R and S the other way', (good) => Uint8Array.from([...good.slice(32), ...good.slice(0, 32)])],
  ['reversed', (good) => Uint8Array.from([...good].reverse())],
  ['of a stranger', (_, message, attacker) => attacker.sign(message)],
  ['of a stranger over nothing', (_, __, attacker) => attacker.sign(zeros(0))],
  ...SMALL_ORDER.flatMap((point, n): (readonly [string, Change])[] => [
    [`R of small order ${n}`, (good) => withR(good, point)],
    [`R of small order ${n}, S zero`, (good) => withR(good, point, zeros(32))],
  ]),
  ...NO_POINTS.map((point, n): readonly [string, Change] => [
    `R no point ${n}`,
    (good) => withR(good, point),
  ]),
];
