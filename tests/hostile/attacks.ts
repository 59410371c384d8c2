import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import type { ProblemCode } from '@talosprotocol/contracts';
import { encodeBase64url, encodeMultikey } from '@talosprotocol/protocol';
import {
  bytesOf,
  escapedName,
  forge,
  forgeWith,
  membersOf,
  type Part,
  textOf,
  withMember,
  withoutMember,
} from './forge.js';
import { type Kind, type Party, stranger, tokenOf } from './kinds.js';
import { SIGNATURE_ATTACKS } from './signature-attacks.js';

/** One token that must be refused, and the codes that may say so. */
export interface Row {
  readonly label: string;
  readonly token: string;
  readonly codes: readonly ProblemCode[];
}

/** Every attack that can be made on any JWS, made on this kind. */
export function attacksOn(kind: Kind, party: Party): readonly Row[] {
  return [
    ...algorithms(kind, party),
    ...headers(kind, party),
    ...kids(kind, party),
    ...encodings(kind, party),
    ...claims(kind, party),
    ...integers(kind, party),
    ...spellings(kind, party),
    ...signatures(kind, party),
  ];
}

const MALFORMED: readonly ProblemCode[] = ['MALFORMED'];
const row = (label: string, token: string, codes = MALFORMED): Row => ({ label, token, codes });

const headerOf = ({ typ }: Kind, { signer }: Party): Record<string, unknown> => ({
  alg: 'EdDSA',
  typ,
  ...(signer.kid === undefined ? {} : { kid: signer.kid }),
});
const payloadOf = ({ claims }: Kind): string => JSON.stringify(claims);

function algorithms(kind: Kind, party: Party): readonly Row[] {
  const header = headerOf(kind, party);
  const payload = payloadOf(kind);
  const { signer } = party;
  const named = (alg: unknown): string => JSON.stringify({ ...header, alg });
  const unsigned = ['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg) => [
    row(
      `alg ${alg}, no signature`,
      forgeWith(named(alg), payload, () => new Uint8Array()),
    ),
    row(`alg ${alg}, a good signature`, forge(named(alg), payload, signer)),
  ]);
  const secrets: Readonly<Record<string, Uint8Array | string>> = {
    'the public key': signer.publicKey,
    'its base64url': encodeBase64url(signer.publicKey),
    'its multikey': encodeMultikey(signer.publicKey),
    'the DID': signer.did,
    nothing: '',
  };
  const shared = Object.entries(secrets).flatMap(([name, secret]) =>
    ['HS256', 'HS384', 'HS512'].map((alg) => {
      const hash = `sha${alg.slice(2)}`;
      return row(
        `${alg} with ${name}`,
        forgeWith(named(alg), payload, (input) => createHmac(hash, secret).update(input).digest()),
      );
    }),
  );
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const curve = forgeWith(named('ES256'), payload, (input) =>
    signBytes('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  );
  const spelled = [
    ...[
      'eddsa',
      'EDDSA',
      'Eddsa',
      'EdDSA ',
      ' EdDSA',
      'EdDSA\u0000',
      'Ed\u0405A',
      'Ed25519',
      'Ed448',
      'Ed25519ph',
    ],
    ...['ES256', 'ES256K', 'RS256', 'PS256', 'dir', 'A128KW', 'ML-DSA-65', '1.3.101.112'],
    ...[null, 0, -8, true, [], ['EdDSA'], {}, { alg: 'EdDSA' }],
  ].map((alg) => row(`alg ${JSON.stringify(alg)}`, forge(named(alg), payload, signer)));
  return [...unsigned, ...shared, row('ES256, another curve', curve), ...spelled];
}

/** Members that other JOSE libraries act on, and names every object has. */
const FOREIGN: Readonly<Record<string, unknown>> = {
  crit: ['exp'],
  b64: false,
  jku: 'https://evil.example/keys',
  x5u: 'https://evil.example/chain.pem',
  x5c: ['MIIB'],
  x5t: 'AAAA',
  'x5t#S256': 'AAAA',
  cty: 'JWT',
  zip: 'DEF',
  enc: 'A128GCM',
  epk: {},
  p2c: 2_147_483_647,
  p2s: 'AAAA',
  apu: '',
  iss: 'did:key:x',
  exp: 1,
  Alg: 'none',
  KID: 'x',
  '': '',
  constructor: {},
  toString: 'x',
  hasOwnProperty: true,
  prototype: {},
};

function headers(kind: Kind, party: Party): readonly Row[] {
  const header = headerOf(kind, party);
  const payload = payloadOf(kind);
  const made = (label: string, text: Part): Row => row(label, forge(text, payload, party.signer));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(stranger.publicKey) };
  const json = textOf(membersOf(header));
  return [
    ...Object.entries({ ...FOREIGN, jwk }).map(([name, value]) =>
      made(`header ${name}`, withMember(header, name, JSON.stringify(value))),
    ),
    row(
      'jwk of a stranger, who signed',
      forge(withMember(header, 'jwk', JSON.stringify(jwk)), payload, stranger),
    ),
    made('header __proto__', withMember(header, '__proto__', '{"alg":"EdDSA"}')),
    made('header from __proto__', `{"__proto__":${json}}`),
    ...Object.keys(header).flatMap((name) => [
      made(`header ${name} twice`, `{"${name}":${JSON.stringify(header[name])},${json.slice(1)}`),
      made(`header ${name} twice, first another`, `{"${name}":"x",${json.slice(1)}`),
      made(`header ${name} twice, last another`, `${json.slice(0, -1)},"${name}":"x"}`),
      made(`header ${name} twice, once escaped`, `${json.slice(0, -1)},${escapedName(name)}:"none"}`),
    ]),
    made('no alg', withoutMember(header, 'alg')),
    made('no typ', withoutMember(header, 'typ')),
    made('no member', '{}'),
    ...[
      `application/${kind.typ}`,
      kind.typ.toUpperCase(),
      ` ${kind.typ}`,
      `${kind.typ} `,
      'JWT',
      'JOSE',
      '',
      null,
      1,
      [kind.typ],
    ].map((typ) => made(`typ ${JSON.stringify(typ)}`, JSON.stringify({ ...header, typ }))),
    ...['[]', 'null', '1', '"x"', 'true', '', ' ', '[{"alg":"EdDSA"}]'].map((text) =>
      made(`header is ${text}`, text),
    ),
    ...strangeTexts(json).map(([label, text]) => made(`header with ${label}`, text)),
  ];
}

function kids(kind: Kind, party: Party): readonly Row[] {
  const { signer, second, powerless, keys } = party;
  const header = headerOf(kind, party);
  const payload = payloadOf(kind);
  const forged = [kind.forged];
  const made = (label: string, kid: unknown, codes: readonly ProblemCode[] = forged, by = signer): Row =>
    row(label, forge(JSON.stringify({ ...header, kid }), payload, by), codes);
  const own = keys.keys[0]!.kid;
  const names = [
    ...[
      signer.did,
      `${signer.did}#`,
      `${own}#${own}`,
      `${own}?a`,
      `${own}/x`,
      `${own} `,
      ` ${own}`,
      own.toUpperCase(),
    ],
    ...[
      own.slice(0, -1),
      `${own}\u0000`,
      own.replace('#', '%23'),
      `${signer.did}#key-1`,
      '#',
      own.slice(own.indexOf('#')),
    ],
    ...[
      '../../../etc/passwd',
      '/dev/null',
      'file:///etc/passwd',
      'https://evil.example/key',
      '//evil.example',
    ],
    ...[
      "' OR 1=1 --",
      '__proto__',
      'constructor',
      '0',
      'k'.repeat(1024),
      'did:key:z6Mk',
      'did:web:evil.example#one',
    ],
    ...[
      `${stranger.did}#${stranger.did.slice(8)}`,
      `did:web:169.254.169.254#one`,
      '\u202e',
      '%24{jndi:ldap://evil.example}',
    ],
  ];
  const types = ['', null, 0, true, [], [own], {}, 'k'.repeat(1025)];
  return [
    ...names.map((kid) => made(`kid ${kid.slice(0, 60)}`, kid)),
    ...types.map((kid) => made(`kid ${JSON.stringify(kid).slice(0, 40)}`, kid, MALFORMED)),
    made('kid of a stranger, who signed', `${stranger.did}#${stranger.did.slice(8)}`, forged, stranger),
    made('the kid, but a stranger signed', own, forged, stranger),
    ...(second === undefined
      ? [made('kid as only the did:key itself', signer.did.slice(8))]
      : [
          row('no kid', forge(withoutMember(header, 'kid'), payload, signer), forged),
          made('kid of another key of the DID', second.kid),
          made('the kid, but another key of the DID signed', own, forged, second),
          made('a key of the DID that may not', powerless!.kid, forged, powerless!),
        ]),
  ];
}

/** Ways to write an object that strict JSON in UTF-8 is not. */
export function strangeTexts(json: string): readonly (readonly [label: string, text: Part])[] {
  const bytes = bytesOf(json);
  const inner = json.slice(1, -1);
  const joined = (...parts: (Uint8Array | number[])[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
  return [
    ['a byte order mark', `\ufeff${json}`],
    ['a line comment', `${json}//x`],
    ['a block comment', `/**/${json}`],
    ['a comment inside', `{/**/${inner}}`],
    ['a hash comment', `#x\n${json}`],
    ['a second value', `${json}${json}`],
    ['a trailing byte', `${json}x`],
    ['a trailing NUL', `${json}\u0000`],
    ['a leading NUL', `\u0000${json}`],
    ['a trailing comma', `{${inner},}`],
    ['a leading comma', `{,${inner}}`],
    ['no closing brace', json.slice(0, -1)],
    ['a second closing brace', `${json}}`],
    ['single quotes', json.replaceAll('"', "'")],
    ['names without quotes', json.replaceAll(/"(\w+)":/g, '$1:')],
    ['a no-break space', `\u00a0${json}`],
    ['a vertical tab', `\u000b${json}`],
    ['a line separator', `${json}\u2028`],
    ['a lone surrogate', `{"x":"\\ud800",${inner}}`],
    ['surrogates the wrong way', `{"x":"\\udc00\\ud800",${inner}}`],
    ['a control character', `{"x":"\u0001",${inner}}`],
    ['a newline in a string', `{"x":"\n",${inner}}`],
    ['an unknown escape', `{"x":"\\x41",${inner}}`],
    ['half an escape', `{"x":"\\u00`],
    ['bad UTF-8', joined(bytes.slice(0, -1), [0xff, 0x7d])],
    ['overlong UTF-8', joined(bytes.slice(0, -1), [0xc0, 0x80, 0x7d])],
    ['a surrogate in UTF-8', joined(bytes.slice(0, -1), [0xed, 0xa0, 0x80, 0x7d])],
    ['UTF-16', Uint8Array.from([...json].flatMap((one) => [one.charCodeAt(0), 0]))],
    [
      'UTF-16 with its mark',
      joined(
        [0xff, 0xfe],
        [...json].flatMap((one) => [one.charCodeAt(0), 0]),
      ),
    ],
    ['a bomb of arrays', `{"x":${'['.repeat(3000)}${']'.repeat(3000)},${inner}}`],
    ['a bomb of objects', `{"x":${'{"x":'.repeat(1000)}1${'}'.repeat(1000)},${inner}}`],
    ['a bomb that does not end', '['.repeat(5000)],
    ['many members', `{${Array.from({ length: 900 }, (_, n) => `"m${n}":0`).join(',')},${inner}}`],
    ['a long number', `{"x":${'9'.repeat(5000)},${inner}}`],
  ];
}

function encodings(kind: Kind, party: Party): readonly Row[] {
  const header = JSON.stringify(headerOf(kind, party));
  const json = payloadOf(kind);
  const texts = ['[]', 'null', '1', '"x"', 'true', '', ' ', '{}', `[${json}]`].map(
    (text) => [text, text] as const,
  );
  return [...texts, ...strangeTexts(json)].map(([label, text]) =>
    row(`payload: ${label}`, forge(header, text, party.signer)),
  );
}

/** A value no claim of any kind can have, of every type. */
const WRONG = ['null', '[]', '{}', '[null]', '""', '"\\u0000"', '{"__proto__":1}', '[[[[]]]]'];

function claims(kind: Kind, party: Party): readonly Row[] {
  const header = JSON.stringify(headerOf(kind, party));
  const made = (label: string, payload: Part): Row => row(label, forge(header, payload, party.signer));
  const json = payloadOf(kind);
  const rows = Object.entries(kind.claims).flatMap(([name, value]) => {
    const own = JSON.stringify(value);
    const other = typeof value === 'string' ? '1' : '"x"';
    return [
      ...[...WRONG, other, typeof value === 'boolean' ? '0' : 'true'].map((wrong) =>
        row(
          `claim ${name} is ${wrong}`,
          forge(header, withMember(kind.claims, name, wrong), party.signer),
          // The name of an identity is looked at where it is registered: here it is another than was stated.
          wrong.startsWith('"') && name === 'name' ? [...MALFORMED, kind.forged] : MALFORMED,
        ),
      ),
      made(`claim ${name} in a list`, withMember(kind.claims, name, `[${own}]`)),
      made(`claim ${name} in an object`, withMember(kind.claims, name, `{"value":${own}}`)),
      made(`claim ${name} twice`, `{"${name}":${own},${json.slice(1)}`),
      made(`claim ${name} twice, last another`, `${json.slice(0, -1)},"${name}":1}`),
      made(`claim ${name} twice, once escaped`, `${json.slice(0, -1)},${escapedName(name)}:${own}}`),
      ...(kind.optional.includes(name) ? [] : [made(`no claim ${name}`, withoutMember(kind.claims, name))]),
    ];
  });
  const unknown = ['extra', 'cnf', 'scope', 'constructor', 'toString', '', '$ref', 'ISS', 'iss ', 'par-hash'];
  return [
    ...rows,
    ...unknown.map((name) => made(`unknown claim ${name}`, withMember(kind.claims, name, '1'))),
    made('claim __proto__', withMember(kind.claims, '__proto__', json)),
    made('claims from __proto__', `{"__proto__":${json}}`),
    made('an unknown float', withMember(kind.claims, 'x', '1.5')),
  ];
}

/** Spellings of numbers that are no integers of 2^53 - 1 at most, or not the only spelling of one. */
const NUMBERS = [
  ...['1.5', '1.0', '1e9', '1E9', '1e+9', '1e-1', '1e400', '-1e400', '-0', '0.0', '-0.0'],
  ...[
    '9007199254740992',
    '9007199254740993',
    '-9007199254740992',
    '18446744073709551616',
    `1${'0'.repeat(400)}`,
  ],
  ...['01', '00', '+1', '-', '.5', '5.', '0x10', '1_000', '1n', 'NaN', 'Infinity', '-Infinity', '١', '"1"'],
  ...['-1', '-9007199254740991'],
];

function integers(kind: Kind, party: Party): readonly Row[] {
  const header = JSON.stringify(headerOf(kind, party));
  return Object.entries(kind.claims)
    .filter(([, value]) => typeof value === 'number')
    .flatMap(([name]) =>
      NUMBERS.map((text) =>
        row(
          `${name} is ${text.slice(0, 24)}`,
          forge(header, withMember(kind.claims, name, text), party.signer),
        ),
      ),
    );
}

/** The good token, in another spelling. */
function spellings(kind: Kind, party: Party): readonly Row[] {
  const token = tokenOf(kind, party);
  const [head, body, signature] = token.split('.') as [string, string, string];
  const inEachPart = (change: (part: string) => string): string[] => [
    `${change(head)}.${body}.${signature}`,
    `${head}.${change(body)}.${signature}`,
    `${head}.${body}.${change(signature)}`,
  ];
  const changes: Readonly<Record<string, (part: string) => string>> = {
    padding: (part) => `${part}=`,
    'full padding': (part) => `${part}==`,
    'a space before': (part) => ` ${part}`,
    'a space behind': (part) => `${part} `,
    'a line feed behind': (part) => `${part}\n`,
    'CR LF behind': (part) => `${part}\r\n`,
    'a line feed inside': (part) => `${part.slice(0, 4)}\n${part.slice(4)}`,
    'a tab inside': (part) => `${part.slice(0, 4)}\t${part.slice(4)}`,
    'a NUL': (part) => `${part}\u0000`,
    'a plus': (part) => `+${part.slice(1)}`,
    'a slash': (part) => `/${part.slice(1)}`,
    'a percent escape': (part) => `%65${part.slice(1)}`,
    'a wide letter': (part) => `\uff45${part.slice(1)}`,
    'a letter of two bytes': (part) => `\u0165${part.slice(1)}`,
    'a soft hyphen': (part) => `${part.slice(0, 2)}\u00ad${part.slice(2)}`,
    'one character less': (part) => part.slice(0, -1),
    nothing: () => '',
    'another last bit': (part) => looseBits(part),
  };
  return [
    ...Object.entries(changes).flatMap(([label, change]) =>
      inEachPart(change)
        .filter((changed) => changed !== token)
        .map((changed, part) => row(`${label} in part ${part + 1}`, changed, [...MALFORMED, kind.forged])),
    ),
    ...[
      ...['', '.', '..', '...', head, `${head}.${body}`, `${head}.${body}.`, `.${body}.${signature}`],
      ...[`${token}.`, `.${token}`, `${token}.${signature}`, `${head}..${body}.${signature}`, `${token}.x.y`],
      ...[token.replaceAll('.', '%2E'), token.replaceAll('.', '\u2024'), token.replaceAll('.', '\uff0e')],
      ...[`${token}~`, `~${token}`, `~`, `${token}~~`, `${token} ${token}`, `${token},${token}`],
      ...[
        `"${token}"`,
        `Bearer ${token}`,
        `\ufeff${token}`,
        `${token}\n`,
        `\u0000${token}`,
        token.toUpperCase(),
      ],
      JSON.stringify({ payload: body, protected: head, signature }),
      JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
      'A'.repeat(70_000),
      `${'A'.repeat(40_000)}.${'A'.repeat(40_000)}.${signature}`,
    ].map((text) => row(`token ${text.slice(0, 12)} (${text.length})`, text)),
  ];
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes to a lax decoder: the bits of the last digit that no byte holds are set. */
function looseBits(part: string): string {
  if (part.length % 4 === 0) return part;
  return part.slice(0, -1) + DIGITS[DIGITS.indexOf(part.at(-1)!) | 1];
}

function signatures(kind: Kind, party: Party): readonly Row[] {
  const token = tokenOf(kind, party);
  const [head, body] = token.split('.');
  const good = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
  return SIGNATURE_ATTACKS.map(([label, change]) => {
    const changed = change(Uint8Array.from(good), bytesOf(`${head}.${body}`), stranger);
    const codes = changed.length === 64 ? [kind.forged] : MALFORMED;
    return row(`signature: ${label}`, `${head}.${body}.${encodeBase64url(changed)}`, codes);
  });
}
