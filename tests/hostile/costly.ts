import { CAPABILITY_TYP } from '@talosprotocol/contracts';
import { forge, withMember } from './forge.js';
import { gateway, type Kind, type Party } from './kinds.js';

/** Fills as much of a link as a chain may have with one piece of JSON. */
const fill = (piece: string): string =>
  Array(Math.floor(11_000 / (piece.length + 1)))
    .fill(piece)
    .join(',');
const numbered = (count: number, piece: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => piece(n)).join(',');
const grant = (members: string): string => `{"scope":"tool:a","ops":["read"],${members}}`;
const where = (constraint: string): string => grant(`"where":[${constraint}]`);

/** Claims of nearly 16 KiB that are dear to refuse, wherever it is only looked at what is wrong with them. */
const COSTLY: readonly (readonly [label: string, name: string, json: string])[] = [
  ['many audiences', 'aud', `[${fill('"x"')}]`],
  ['many equal audiences', 'aud', `[${fill(`"${gateway.did}"`)}]`],
  ['many audiences that are objects', 'aud', `[${fill('{}')}]`],
  ['many empty grants', 'grants', `[${fill('{}')}]`],
  ['many unknown members in grants', 'grants', `[${fill(grant('"x":1'))}]`],
  ['many operations', 'grants', `[{"scope":"tool:a","ops":[${fill('"read"')}]}]`],
  ['many pointers', 'grants', `[${grant(`"only":[${numbered(1500, (n) => `"/${n}"`)}]`)}]`],
  ['many pointers that are objects', 'grants', `[${grant(`"only":[${fill('{}')}]`)}]`],
  [
    'lists of objects in many grants',
    'grants',
    `[${numbered(60, () => grant(`"only":[${Array(33).fill('{}')}]`))}]`,
  ],
  ['many constraints', 'grants', `[${where(fill('{"ptr":"/a","op":"eq","value":1}'))}]`],
  [
    'many globs',
    'grants',
    `[${numbered(14, () => where(Array(16).fill('{"ptr":"/a","op":"glob","value":"*a*"}').join(',')))},{}]`,
  ],
  [
    'long URLs',
    'grants',
    `[${numbered(10, () => where(`{"ptr":"/a","op":"url","value":"https://a.example/${'a/'.repeat(400)}"}`))}]`,
  ],
  [
    'hosts in Punycode',
    'grants',
    `[${numbered(40, () => where(`{"ptr":"/a","op":"host","value":"xn--${'a'.repeat(56)}.example"}`))}]`,
  ],
  ['a long pointer', 'grants', `[${where(`{"ptr":"${'/'.repeat(5000)}~","op":"eq","value":1}`)}]`],
  ['pointers that end badly', 'grants', `[${numbered(30, () => grant(`"only":["${'/a'.repeat(120)}~"]`))}]`],
  ['many values', 'grants', `[${where(`{"ptr":"/a","op":"in","value":[${fill('{}')}]}`)}]`],
  [
    'scopes in marks',
    'grants',
    `[${numbered(10, () => `{"scope":"tool:a${'%CC%81%CC%A3'.repeat(80)}","ops":["read"]}`)}]`,
  ],
  ['many limits', 'limits', `[${fill('{}')}]`],
  ['marks', 'prn', `"a${'\u0301'.repeat(5000)}"`],
  ['a long jti', 'jti', `"${'a'.repeat(11_000)}"`],
  ['a long issuer', 'iss', `"did:web:${'a'.repeat(11_000)}"`],
  ['many lists', 'prn', `[${fill('[]')}]`],
  ['many members', 'prn', `{${numbered(1000, (n) => `"m${n}":1`)}}`],
];

/** Links, signed, that are dear to refuse. */
export function costlyLinks(kind: Kind, party: Party): readonly (readonly [label: string, token: string])[] {
  const header = JSON.stringify({ alg: 'EdDSA', typ: CAPABILITY_TYP });
  return [
    ...COSTLY.map(([label, name, json]) => {
      return [label, forge(header, withMember(kind.claims, name, json), party.signer)] as const;
    }),
    ['many unknown claims', forge(header, `{${numbered(1200, (n) => `"m${n}":1`)}}`, party.signer)],
  ];
}
