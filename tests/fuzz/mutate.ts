import type { Random } from './random.js';

/** Pieces that decoders have stumbled over, somewhere, some time. */
const PIECES = [
  ...[
    '',
    '\u0000',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '\u00a0',
    '\ufeff',
    '\u2028',
    '\u202e',
    '\u200b',
    '\ud800',
    '\udc00',
  ],
  ...[
    '=',
    '==',
    '+',
    '/',
    '-',
    '_',
    '.',
    '..',
    '~',
    '~0',
    '~1',
    '~2',
    '%',
    '%2F',
    '%2f',
    '%00',
    '%C3%BC',
    '%E0%80%80',
  ],
  ...[
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '//',
    '/*',
    '*/',
  ],
  ...[
    '0',
    '00',
    '-0',
    '-1',
    '1e9',
    '1.5',
    '1e400',
    '9007199254740991',
    '9007199254740992',
    '4294967295',
    '4294967296',
  ],
  ...['18446744073709551616', '99999999999999999999', 'NaN', 'Infinity', '0x10', '٣', '１'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '"__proto__":1,', 'valueOf'],
  ...[
    '*',
    '**',
    '?',
    '#',
    '@',
    ';',
    '&',
    '<',
    '>',
    '|',
    '$',
    '`',
    '(',
    ')',
    '^',
    '!',
    "'",
    ':key',
    '::',
    ';q=1',
  ],
  ...[
    'did:key:',
    'did:web:',
    'did:webvh:',
    '#',
    'https://',
    'http://[::1]',
    '127.0.0.1',
    '::ffff:1.2.3.4',
    '1.2.3.4/33',
  ],
  ...[
    'é',
    'e\u0301',
    '\u0130',
    'ß',
    'ﬁ',
    'K',
    '🙂',
    '\u1e9b\u0323',
    'A'.repeat(64),
    '1'.repeat(64),
    '['.repeat(80),
  ],
  ...['- &a [*a]\n', '<<: *a', '!!js/function x', '%YAML 1.1\n', '--- \n', '\n\n', '\u2014 '],
];

/** Longest text that is made: mutation grows what it gets. */
export const MAX_LENGTH = 40_000;

/** A text that was good, changed in one to four places. `seeds` are others, to be spliced in. */
export function mutate(text: string, random: Random, seeds: readonly string[]): string {
  let changed = text;
  for (let left = 1 + random.below(4); left > 0; left--) changed = change(changed, random, seeds);
  return changed.slice(0, MAX_LENGTH);
}

function change(text: string, random: Random, seeds: readonly string[]): string {
  const at = random.below(text.length + 1);
  const end = at + 1 + random.below(random.pick([1, 4, 32, text.length - at]));
  const cut = (into: string): string => text.slice(0, at) + into + text.slice(end);
  switch (random.below(11)) {
    case 0:
      return cut('');
    case 1:
      return cut(random.pick(PIECES));
    case 2:
      return text.slice(0, at) + random.pick(PIECES) + text.slice(at);
    case 3:
      return cut(String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))));
    case 4:
      return cut(String.fromCharCode(random.below(random.pick([128, 256, 65_536]))));
    case 5:
      return text.slice(0, end) + text.slice(at);
    case 6:
      return cut(text.slice(at, end).repeat(2 + random.below(random.pick([2, 20, 300]))));
    case 7:
      return text.slice(0, at);
    case 8: {
      const other = random.pick(seeds);
      return text.slice(0, at) + other.slice(random.below(other.length + 1));
    }
    case 9:
      return cut([...text.slice(at, end)].reverse().join(''));
    default:
      return changeNumber(text, random);
  }
}

/** Numbers are where limits are. */
function changeNumber(text: string, random: Random): string {
  const numbers = [...text.slice(0, 20_000).matchAll(/[0-9]{1,20}/g)];
  const found = numbers.length === 0 ? undefined : random.pick(numbers);
  if (found === undefined) return text + random.pick(PIECES);
  const value = Number(found[0]);
  const other = random.pick([value + 1, value - 1, -value, value * 2, 0, 2 ** 53, value / 2]);
  return text.slice(0, found.index) + String(other) + text.slice(found.index + found[0].length);
}

/** The bytes of a text, changed as bytes in one place of two: no longer UTF-8. */
export function mutateBytes(text: string, random: Random, seeds: readonly string[]): Uint8Array {
  const bytes = new TextEncoder().encode(random.below(4) === 0 ? text : mutate(text, random, seeds));
  if (random.below(2) === 0 || bytes.length === 0) return bytes;
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(bytes.length);
    bytes[at] = random.pick([
      bytes[at]! ^ (1 << random.below(8)),
      0,
      0xff,
      0xc0,
      0x80,
      0xed,
      random.below(256),
    ]);
  }
  return bytes;
}

const decode = (part: string): string => Buffer.from(part, 'base64url').toString();
const encode = (part: string): string => Buffer.from(part).toString('base64url');

/** Changes what is inside the base64url of one part of a JWS, so that not only its outside is looked at. */
export function mutateInside(text: string, random: Random, seeds: readonly string[]): string {
  const parts = text.split(/([.~])/);
  const at = 2 * random.below((parts.length + 1) / 2);
  const other = decode(random.pick(random.pick(seeds).split(/[.~]/)));
  const inside = encode(mutate(decode(parts[at] ?? ''), random, [other]));
  return parts.map((part, place) => (place === at ? inside : part)).join('');
}
