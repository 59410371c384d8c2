import { CAPABILITY_TYP, CHAIN_LIMITS, type ProblemCode } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createDidResolver,
  createSigner,
  encodeBase58,
  formatBearerKey,
  parseAnchors,
  type Signer,
  signJws,
  verifyBearer,
  verifyCapability,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';
import { describe, expect, it } from 'vitest';
import { gateway, NOW, stranger } from './kinds.js';
import { faultOf, PROVIDERS } from './refusal.js';
import { NO_POINTS, SMALL_ORDER } from './signature-attacks.js';

const crypto = createNodeCrypto();
const signers: readonly Signer[] = Array.from({ length: 12 }, (_, n) =>
  createSigner(new Uint8Array(32).fill(50 + n), crypto),
);
const hash = (jws: string): string => crypto.sha256Ascii(jws);
const GRANTS = [{ scope: 'tool:fs', ops: ['read'] }];
type Claims = Readonly<Record<string, unknown>>;
type Change = (claims: Claims, place: number) => Claims;

/** A chain of so many links, from signer 0 to the next and so on; `change` alters claims before they are signed. */
function linksOf(length: number, change: Change = (claims) => claims, jti = 'a'): string[] {
  const links: string[] = [];
  for (let place = 0; place < length; place++) {
    const claims: Claims = {
      iss: signers[place]!.did,
      sub: signers[place + 1]!.did,
      jti,
      iat: NOW - 10,
      exp: NOW + 600,
      aud: [gateway.did],
      grants: GRANTS,
      dlg: Math.max(0, 7 - place),
      ...(place === 0 ? {} : { par_hash: hash(links[place - 1]!) }),
    };
    links.push(sign(change(claims, place), signers[place]!));
  }
  return links;
}

function sign(claims: Claims, signer: Signer): string {
  return signJws({ typ: CAPABILITY_TYP, claims: claims as never }, signer);
}

const verify = (chain: string, crypto: CryptoProvider) => verifyCapability(chain, contextOf(crypto));
const contextOf = (crypto: CryptoProvider) => ({
  now: NOW,
  audience: gateway.did,
  anchors: parseAnchors(
    [{ iss: signers[0]!.did, tenant: 'default', grants: [{ scope: 'tool:*', ops: ['read', 'write'] }] }],
    crypto,
  ),
  isRevoked: () => false,
  resolver: createDidResolver({ now: () => NOW }),
  crypto,
});

/** Changes the claims of one link, so that all after it still follow. */
const at =
  (place: number, members: Claims): Change =>
  (claims, here) =>
    here === place ? { ...claims, ...members } : claims;
const join = (...links: readonly (string | undefined)[]): string => links.join('~');

type Attack = readonly [label: string, chain: string, ...codes: ProblemCode[]];
const [a, b, c, d] = linksOf(4) as [string, string, string, string];
const [a2, b2, c2] = linksOf(3, undefined, 'other') as [string, string, string];
const [x, y] = [stranger, signers[11]!];
const eight = linksOf(8);

const ORDER: readonly Attack[] = [
  ['the second first', join(b, a), 'MALFORMED'],
  ['the last two exchanged', join(a, c, b), 'DELEGATION_INVALID'],
  ['the root left out', join(b, c), 'MALFORMED'],
  ['one left out', join(a, c), 'DELEGATION_INVALID'],
  ['two left out', join(a, d), 'DELEGATION_INVALID'],
  ['the root twice', join(a, a), 'MALFORMED'],
  ['a link twice', join(a, b, b), 'DELEGATION_INVALID'],
  ['a link twice, apart', join(a, b, c, b), 'DELEGATION_INVALID'],
  ['the chain twice', join(a, b, a, b), 'MALFORMED'],
  ['the leaf of another chain', join(a, b2), 'DELEGATION_INVALID'],
  ['the root of another chain', join(a2, b), 'DELEGATION_INVALID'],
  ['the middle of another chain', join(a, b2, c), 'DELEGATION_INVALID'],
  ['the tail of another chain', join(a, b, c2), 'DELEGATION_INVALID'],
  ['nine links', join(...eight, eight[7]), 'MALFORMED'],
  ['a hundred links', join(...Array(100).fill(a)), 'MALFORMED'],
  ['nothing but joints', '~'.repeat(7), 'MALFORMED'],
  ['joints without end', '~'.repeat(16_000), 'MALFORMED'],
  ['an empty link first', `~${join(a, b)}`, 'MALFORMED'],
  ['an empty link last', `${join(a, b)}~`, 'MALFORMED'],
  ['an empty link between', `${a}~~${b}`, 'MALFORMED'],
  ['an escaped joint', `${a}%7E${b}`, 'MALFORMED'],
  ['another joint', `${a}.${b}`, 'MALFORMED'],
  ['a wide joint', `${a}\uff5e${b}`, 'MALFORMED'],
  ['a comma', `${a},${b}`, 'MALFORMED'],
  ['white space', `${a}~ ${b}`, 'MALFORMED'],
  ['a line feed', `${a}~${b}\n`, 'MALFORMED'],
  ['a byte too many', join(a, b).padEnd(CHAIN_LIMITS.bytes + 1, 'A'), 'MALFORMED'],
];

const DELEGATION: readonly Attack[] = [
  [
    'par_hash of itself',
    join(a, sign({ ...claimsOf(1), par_hash: hash(b) }, signers[1]!)),
    'DELEGATION_INVALID',
  ],
  ['par_hash of its child', join(...linksOf(3, at(1, { par_hash: hash(c) }))), 'DELEGATION_INVALID'],
  ['par_hash of its grandparent', join(...linksOf(3, at(2, { par_hash: hash(a) }))), 'DELEGATION_INVALID'],
  ['a root with a parent', join(...linksOf(1, at(0, { par_hash: hash(b) }))), 'MALFORMED'],
  [
    'par_hash in hex',
    join(...linksOf(2, at(1, { par_hash: Buffer.from(hash(a), 'base64url').toString('hex') }))),
    'MALFORMED',
  ],
  ['a cycle of holders', join(...linksOf(3, at(1, { sub: signers[0]!.did }))), 'DELEGATION_INVALID'],
  ['signed by a stranger', join(a, sign(claimsOf(1), x)), 'SIGNATURE_INVALID'],
  ['signed by the issuer before', join(a, sign(claimsOf(1), signers[0]!)), 'SIGNATURE_INVALID'],
  ['issued by a stranger', join(a, sign({ ...claimsOf(1), iss: x.did }, x)), 'DELEGATION_INVALID'],
  ['a root of a stranger', sign({ ...claimsOf(0), iss: x.did }, x), 'UNTRUSTED_ISSUER'],
  ['a root that a stranger signed', sign(claimsOf(0), x), 'SIGNATURE_INVALID'],
  [
    'iss with other letters',
    sign({ ...claimsOf(0), iss: signers[0]!.did.toUpperCase() }, signers[0]!),
    'MALFORMED',
  ],
  ['iss with a fragment', sign({ ...claimsOf(0), iss: `${signers[0]!.did}#k` }, signers[0]!), 'MALFORMED'],
  ['dlg above its parent', join(...linksOf(3, at(2, { dlg: 7 }))), 'DELEGATION_INVALID'],
  ['dlg of its parent', join(...linksOf(2, at(1, { dlg: 7 }))), 'DELEGATION_INVALID'],
  ['a child of dlg 0', join(...linksOf(3, at(1, { dlg: 0 }))), 'DELEGATION_INVALID'],
  [
    'a child of no dlg',
    join(...linksOf(2, (claims, place) => (place === 0 ? without(claims, 'dlg') : claims))),
    'DELEGATION_INVALID',
  ],
  ['dlg 8', join(...linksOf(1, at(0, { dlg: 8 }))), 'MALFORMED'],
  ['a leaf that may not act', join(...linksOf(2, at(1, { invoke: false }))), 'DELEGATION_INVALID'],
  ['a bearer link without leave', join(...linksOf(2, at(1, { bearer: true }))), 'DELEGATION_INVALID'],
  ['prn below the root', join(...linksOf(2, at(1, { prn: 'Eve' }))), 'MALFORMED'],
  ['no aud in the root', join(...linksOf(1, (claims) => without(claims, 'aud'))), 'MALFORMED'],
  ['aud of another gateway in the root', join(...linksOf(2, at(0, { aud: [x.did] }))), 'AUDIENCE_MISMATCH'],
  [
    'aud of another gateway in the leaf',
    join(...linksOf(2, at(1, { aud: [x.did, y.did] }))),
    'AUDIENCE_MISMATCH',
  ],
  ['aud twice', join(...linksOf(1, at(0, { aud: [gateway.did, gateway.did] }))), 'MALFORMED'],
  ['nine aud', join(...linksOf(1, at(0, { aud: signers.slice(0, 9).map(({ did }) => did) }))), 'MALFORMED'],
];

function claimsOf(place: number): Claims {
  let found: Claims = {};
  linksOf(place + 1, (claims, here) => {
    if (here === place) found = claims;
    return claims;
  });
  return found;
}

function without(claims: Claims, name: string): Claims {
  const { [name]: _, ...rest } = claims;
  return rest;
}

const YEAR = CHAIN_LIMITS.rootSeconds;
const LAST = 253_402_300_799;
/** Times of a root, and of a child that stands under a good root. */
const TIMES: readonly (readonly [
  label: string,
  times: Claims,
  root: ProblemCode | 'good',
  child: ProblemCode | 'good',
])[] = [
  ['exp one second after iat', { iat: NOW, exp: NOW + 1 }, 'good', 'good'],
  ['exp at iat', { iat: NOW, exp: NOW }, 'MALFORMED', 'MALFORMED'],
  ['exp before iat', { iat: NOW, exp: NOW - 1 }, 'MALFORMED', 'MALFORMED'],
  ['a year', { iat: NOW, exp: NOW + YEAR }, 'good', 'good'],
  ['a year and a second', { iat: NOW, exp: NOW + YEAR + 1 }, 'MALFORMED', 'good'],
  ['the last second', { iat: NOW, exp: LAST }, 'MALFORMED', 'good'],
  ['one after the last second', { iat: NOW, exp: LAST + 1 }, 'MALFORMED', 'MALFORMED'],
  ['2^53 - 1', { iat: NOW, exp: 2 ** 53 - 1 }, 'MALFORMED', 'MALFORMED'],
  ['milliseconds', { iat: NOW, exp: (NOW + 60) * 1000 }, 'MALFORMED', 'MALFORMED'],
  ['iat 0', { iat: 0, exp: NOW + 60 }, 'MALFORMED', 'good'],
  ['iat negative', { iat: -1, exp: NOW + 60 }, 'MALFORMED', 'MALFORMED'],
  ['iat the last safe number, negative', { iat: -(2 ** 53 - 1), exp: NOW + 60 }, 'MALFORMED', 'MALFORMED'],
  ['exp 0', { iat: 0, exp: 0 }, 'MALFORMED', 'MALFORMED'],
  ['over 29 s ago', { iat: NOW - 60, exp: NOW - 29 }, 'good', 'good'],
  ['over 30 s ago', { iat: NOW - 60, exp: NOW - 30 }, 'EXPIRED', 'EXPIRED'],
  ['from in 30 s', { iat: NOW + 30, exp: NOW + 60 }, 'good', 'good'],
  ['from in 31 s', { iat: NOW + 31, exp: NOW + 60 }, 'NOT_YET_VALID', 'NOT_YET_VALID'],
  ['nbf in 30 s', { iat: NOW, nbf: NOW + 30, exp: NOW + 60 }, 'good', 'good'],
  ['nbf in 31 s', { iat: NOW, nbf: NOW + 31, exp: NOW + 60 }, 'NOT_YET_VALID', 'NOT_YET_VALID'],
  ['nbf negative', { iat: NOW, nbf: -1, exp: NOW + 60 }, 'MALFORMED', 'MALFORMED'],
  ['nbf long ago, iat ahead', { iat: NOW + 31, nbf: 1, exp: NOW + 60 }, 'NOT_YET_VALID', 'NOT_YET_VALID'],
];

/** Spellings of scopes that two readers could read apart, or that claim more than they say. */
const SCOPES = [
  ...[
    'tool:',
    'tool',
    'tool:fs/',
    'tool:fs//method:a',
    'tool:/method:a',
    'Tool:fs',
    ' tool:fs',
    'tool:fs ',
    'tool: fs',
  ],
  ...[
    'tool:fs/method:a/method:b',
    'tool:fs/resource:/a/method:b',
    'method:a',
    'tool:fs/tool:x',
    'tool:fs/skill:a',
    'x:y',
  ],
  ...[
    'tool:fs/method:',
    'tool:fs/resource:',
    'tool:fs/method:a/resource:',
    'tool:fs/method:a/resource:a',
    'admin:x/y',
  ],
  ...[
    'tool:%66s',
    'tool:f%73',
    'tool:%c3%bc',
    'tool:%C3',
    'tool:%C3%28',
    'tool:%ED%A0%80',
    'tool:%F4%90%80%80',
    'tool:%',
  ],
  ...[
    'tool:%2',
    'tool:%GG',
    'tool:%00',
    'tool:%0A',
    'tool:%7F',
    'tool:%C2%85',
    'tool:u%CC%88',
    'tool:%C0%AF',
    'tool:%25%',
  ],
  ...[
    'tool:f s',
    'tool:f\ts',
    'tool:f\ns',
    'tool:f\u0000s',
    'tool:ü',
    'tool:f\u202es',
    'tool:f\u200bs',
    'tool:ﬁ',
    'tool:\ud83d\ude42',
  ],
  ...[
    'tool:*s',
    'tool:f*s',
    'tool:**',
    'tool:fs/*',
    '*',
    '*:*',
    'tool:fs/method:*a',
    'tool:%C3*x',
    'tool:fs/method:a/resource:*',
  ],
  ...[
    'tool:fs/method:a/resource:/a/*',
    'tool:fs/method:a/resource:/*',
    'tool:fs/method:a/resource:/a*',
    'tool:?',
    'tool:[a]',
  ],
  ...['tool:fs/method:a/resource:/..', 'tool:fs/method:a/resource:/a/../b', 'tool:fs/method:a/resource:/./a'],
  ...[
    'tool:fs/method:a/resource://',
    'tool:fs/method:a/resource:/a//b',
    'tool:fs/method:a/resource:/a/',
    'tool:fs/method:a/resource:/%2E%2E',
  ],
  ...['tool:a\\b', 'tool:a|b', 'tool:a;b', 'tool:a,b', 'tool:a#b'],
  ...[
    `tool:${'a'.repeat(1020)}`,
    `tool:${'%CC%81'.repeat(169)}`,
    `tool:a/method:${'*'.repeat(500)}`,
    'tool:__proto__/x',
    'constructor:a',
  ],
];

describe.each(PROVIDERS.map((crypto) => [crypto.name, crypto] as const))('chains, by %s', (_, crypto) => {
  const faultsOf = async (attacks: readonly Attack[]): Promise<string[]> => {
    const faults: string[] = [];
    for (const [label, chain, ...codes] of attacks) {
      const fault = await faultOf(() => verify(chain, crypto), codes);
      if (fault !== undefined) faults.push(`${label}: ${fault}`);
    }
    return faults;
  };

  it('are accepted whole, of one to eight links', async () => {
    for (let length = 1; length <= 8; length++) await verify(join(...eight.slice(0, length)), crypto);
    await verify(join(a2, b2, c2), crypto);
  });

  // CAP-4, CAP-19
  it('are refused with links moved, left out, doubled or spliced', async () => {
    expect(await faultsOf(ORDER)).toEqual([]);
  });

  // CAP-1 to CAP-6, CAP-19
  it('are refused with a link that does not follow', async () => {
    expect(await faultsOf(DELEGATION)).toEqual([]);
  });

  // CAP-6, ENC-3
  it('begin and end when they say, to the second', async () => {
    const faults: string[] = [];
    for (const [label, times, root, child] of TIMES) {
      const chains = [
        [root, join(...linksOf(1, at(0, times)))],
        [child, join(...linksOf(2, at(1, times)))],
      ] as const;
      for (const [code, chain] of chains) {
        const fault =
          code === 'good'
            ? await verify(chain, crypto).then(() => undefined, String)
            : await faultOf(() => verify(chain, crypto), [code]);
        if (fault !== undefined) faults.push(`${label}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
  });

  // CAP-8 to CAP-10
  it('are refused with a scope that is not in its one spelling', async () => {
    const attacks = SCOPES.map((scope): Attack => {
      const grants = [{ scope, ops: ['read'] }];
      return [scope.slice(0, 60), join(...linksOf(2, at(1, { grants }))), 'MALFORMED'];
    });
    expect(await faultsOf(attacks)).toEqual([]);
  });

  // ID-1
  it('are refused with a key of small order, or that is not canonical, for a DID', async () => {
    const attacks = [...SMALL_ORDER, ...NO_POINTS].flatMap((key): Attack[] => {
      const did = `did:key:z${encodeBase58(Uint8Array.of(0xed, 0x01, ...key))}`;
      // The signature that such a key accepts for any message, where nobody looks at the key.
      const forged = {
        did,
        publicKey: key,
        sign: () => Uint8Array.from([...SMALL_ORDER[2]!, ...new Uint8Array(32)]),
      };
      const child = { ...claimsOf(1), iss: did };
      return [
        ['a root', sign({ ...claimsOf(0), iss: did }, forged), 'UNTRUSTED_ISSUER', 'MALFORMED'],
        [
          'a holder who signs',
          join(
            ...linksOf(1, at(0, { sub: did })),
            sign({ ...child, par_hash: hash(linksOf(1, at(0, { sub: did }))[0]!) }, forged),
          ),
          'MALFORMED',
          'SIGNATURE_INVALID',
        ],
      ];
    });
    expect(await faultsOf(attacks)).toEqual([]);
  });

  // CAP-4
  it('of eight links, each full of grants and constraints, are taken or refused by their size', async () => {
    const where = Array.from({ length: 16 }, () => ({ ptr: '/a', op: 'glob', value: '*a*' }));
    const full = Array.from({ length: 128 }, () => ({ scope: 'tool:fs', ops: ['read'], where }));
    for (const grants of [full, full.slice(0, 8), Array(128).fill(GRANTS[0])]) {
      const chain = join(...linksOf(8, (claims) => ({ ...claims, grants })));
      expect(chain.length).toBeGreaterThan(CHAIN_LIMITS.bytes);
      expect(await faultOf(() => verify(chain, crypto), ['MALFORMED'])).toBeUndefined();
    }
    for (const grants of [[...full, full[0]], [{ ...full[0], where: [...where, where[0]] }]]) {
      const wide = join(...linksOf(1, (claims) => ({ ...claims, grants })));
      expect(await faultOf(() => verify(wide, crypto), ['MALFORMED'])).toBeUndefined();
    }
  });

  // CAP-22
  it('open nothing as a bearer key but with the seed of a bearer leaf', async () => {
    const seed = new Uint8Array(32).fill(52);
    const bearer = linksOf(2, (claims, place) =>
      place === 0 ? { ...claims, bearer_below: true } : { ...claims, bearer: true },
    );
    await verifyBearer(formatBearerKey(join(...bearer), seed), contextOf(crypto));
    const attacks: readonly Attack[] = [
      ['another seed', formatBearerKey(join(...bearer), new Uint8Array(32).fill(51)), 'PROOF_INVALID'],
      ['no bearer leaf', formatBearerKey(join(a, b), seed), 'PROOF_INVALID'],
      ['the last link stripped', formatBearerKey(bearer[0]!, seed), 'PROOF_INVALID'],
      [
        'a link below, not bearer',
        formatBearerKey(join(a, b, c), new Uint8Array(32).fill(53)),
        'PROOF_INVALID',
      ],
      ['two seeds', `${formatBearerKey(join(...bearer), seed)}~${'A'.repeat(43)}`, 'MALFORMED'],
      ['no chain', formatBearerKey('', seed), 'MALFORMED'],
    ];
    for (const [label, key, ...codes] of attacks) {
      expect([label, await faultOf(() => verifyBearer(key, contextOf(crypto)), codes)]).toEqual([
        label,
        undefined,
      ]);
    }
  });
});
