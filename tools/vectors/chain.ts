import { b64url, type Data, flip, type Members, sha256, without } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { jws, type Party, party } from './keys.js';

/** The moment of the vectors in Unix seconds: 2026-09-21T14:13:20Z. */
export const NOW = 1_790_000_000;
export const CAPABILITY = 'talos-cap+jwt';
export const ORGANISATION = party('organisation');
export const AGENT = party('agent');
export const SUB_AGENT = party('sub-agent');
export const GATEWAY = party('gateway');
export const STRANGER = party('stranger');

export const hash = (text: string): string => b64url(sha256(text));

const DOCS: Data = { scope: 'tool:fs/method:read_file/resource:/docs', ops: ['read'] };

export const ANCHOR: Members = {
  iss: ORGANISATION.did,
  tenant: 'default',
  grants: [{ scope: 'tool:*', ops: ['read', 'write'] }],
};

/** Claims of the root that every chain here starts with. */
export const ROOT: Members = {
  iss: ORGANISATION.did,
  sub: AGENT.did,
  prn: 'mailto:owner@example.com',
  aud: [GATEWAY.did],
  jti: 'root-1',
  iat: NOW - 1000,
  exp: NOW + 86_400,
  grants: [{ scope: 'tool:fs', ops: ['read', 'write'] }],
  dlg: 2,
};

export const rootJws = (changes: Members = {}, signer: Party = ORGANISATION): string =>
  jws(CAPABILITY, { ...ROOT, ...changes }, signer);

/** Claims of a link below `parent`. */
function childClaims(parent: string, issuer: Party, sub: string, changes: Members = {}): Members {
  return {
    iss: issuer.did,
    sub,
    jti: 'child',
    iat: NOW - 500,
    exp: NOW + 900,
    par_hash: hash(parent.slice(parent.lastIndexOf('~') + 1)),
    grants: [DOCS],
    ...changes,
  };
}

/** The chain with one link more, signed by `signer`. */
export function extend(
  chain: string,
  issuer: Party,
  sub: string,
  changes: Members = {},
  signer = issuer,
): string {
  return `${chain}~${jws(CAPABILITY, childClaims(chain, issuer, sub, changes), signer)}`;
}

export const ONE = rootJws();
export const TWO = extend(ONE, AGENT, SUB_AGENT.did);

const CONTEXT: Members = { anchors: [ANCHOR], gateway: GATEWAY.did, now: NOW, revoked: [] };

export function chainNoun(): Noun {
  const n = createNoun(
    'chain',
    'chain is verified at now (Unix seconds) by gateway with anchors; revoked are link ids (CAP-1 to CAP-7, CAP-19). expect: lids root first, cth, and the holder. Invalid: code, and the number of the failing link where one is named (1 is the root).',
  );
  const given = (chain: string, more: Members = {}): Members => ({ chain, ...CONTEXT, ...more });
  const ok = (id: string, spec: string, chain: string, holder: string, more: Members = {}) =>
    n.ok(id, spec, id, given(chain, more), { lids: chain.split('~').map(hash), cth: hash(chain), holder });
  ok('root', 'CAP-1', ONE, AGENT.did);
  ok('two', 'CAP-4', TWO, SUB_AGENT.did);
  ok(
    'three',
    'CAP-4',
    extend(extend(ONE, AGENT, SUB_AGENT.did, { dlg: 1 }), SUB_AGENT, STRANGER.did),
    STRANGER.did,
  );
  ok('eight', 'CAP-4', longChain(8), AGENT.did);
  ok('year', 'CAP-1', rootJws({ exp: NOW - 1000 + 31_536_000 }), AGENT.did);
  ok('skew-iat', 'CAP-19', rootJws({ iat: NOW + 30 }), AGENT.did);
  ok('skew-exp', 'CAP-19', rootJws({ exp: NOW - 29 }), AGENT.did);
  ok('nbf', 'CAP-1', rootJws({ nbf: NOW + 30 }), AGENT.did);
  ok('aud-many', 'CAP-19', rootJws({ aud: [STRANGER.did, GATEWAY.did] }), AGENT.did);
  ok('self', 'CAP-1', extend(ONE, AGENT, AGENT.did), AGENT.did);
  ok('longer-than-parent', 'CAP-19', extend(rootJws({ exp: NOW + 60 }), AGENT, SUB_AGENT.did), SUB_AGENT.did);
  ok(
    'wider-than-parent',
    'CAP-20',
    extend(ONE, AGENT, SUB_AGENT.did, { grants: [{ scope: 'tool:*', ops: ['write'] }] }),
    SUB_AGENT.did,
  );
  ok(
    'limits',
    'CAP-3',
    rootJws({
      limits: [
        { per: 'total', calls: 5 },
        { per: 'day', cost: { amount: 1_000_000, currency: 'EUR' }, rate: { count: 1, seconds: 86_400 } },
      ],
    }),
    AGENT.did,
  );
  ok(
    'kid',
    'ID-5',
    jws(CAPABILITY, ROOT, ORGANISATION, {
      alg: 'EdDSA',
      typ: CAPABILITY,
      kid: `${ORGANISATION.did}#${ORGANISATION.did.slice(8)}`,
    }),
    AGENT.did,
  );
  ok('other-revoked', 'CAP-26', ONE, AGENT.did, { revoked: [hash(TWO.split('~')[1] as string)] });

  const no = (id: string, spec: string, chain: string, code: string, link?: number, more: Members = {}) =>
    n.no(id, spec, id, given(chain, more), code, link);
  const claims: [string, string, Members][] = [
    ['unknown-member', 'CAP-1', { cnf: {} }],
    ['exp-below-iat', 'CAP-1', { exp: NOW - 1000 }],
    ['longer-than-a-year', 'CAP-1', { exp: NOW - 999 + 31_536_000 }],
    ['grants-empty', 'CAP-1', { grants: [] }],
    ['129-grants', 'CAP-1', { grants: Array.from({ length: 129 }, () => DOCS) }],
    ['dlg-8', 'CAP-1', { dlg: 8 }],
    ['dlg-negative', 'CAP-1', { dlg: -1 }],
    ['dlg-text', 'CAP-1', { dlg: '1' }],
    ['aud-text', 'CAP-1', { aud: GATEWAY.did }],
    ['aud-empty', 'CAP-1', { aud: [] }],
    ['aud-twice', 'CAP-1', { aud: [GATEWAY.did, GATEWAY.did] }],
    ['aud-9', 'CAP-1', { aud: Array.from({ length: 9 }, (_, i) => party(`gateway ${i}`).did) }],
    ['jti-empty', 'CAP-1', { jti: '' }],
    ['jti-65', 'CAP-1', { jti: 'a'.repeat(65) }],
    ['jti-sign', 'CAP-1', { jti: 'a b' }],
    ['prn-empty', 'CAP-1', { prn: '' }],
    ['prn-257', 'CAP-1', { prn: '\u00fc'.repeat(129) }],
    ['prn-combining', 'CAP-1', { prn: `a${'\u0301'.repeat(200)}` }],
    ['iat-text', 'CAP-1', { iat: String(NOW) }],
    ['iat-negative', 'ENC-3', { iat: -1 }],
    ['bearer-text', 'CAP-1', { bearer: 'true' }],
    ['invoke-null', 'CAP-1', { invoke: null }],
    ['iss-other-method', 'ID-2', { iss: 'did:example:1' }],
    ['par-hash-in-root', 'CAP-1', { par_hash: hash('x') }],
    ['ops-empty', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: [] }] }],
    ['ops-twice', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['read', 'read'] }] }],
    ['ops-unknown', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['execute'] }] }],
    ['grant-member', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['read'], deny: true }] }],
    ['where-empty', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['read'], where: [] }] }],
    [
      'where-17',
      'CAP-2',
      {
        grants: [
          {
            scope: 'tool:fs',
            ops: ['read'],
            where: Array.from({ length: 17 }, () => ({ ptr: '/a', op: 'eq', value: 1 })),
          },
        ],
      },
    ],
    [
      'where-op',
      'CAP-13',
      { grants: [{ scope: 'tool:fs', ops: ['read'], where: [{ ptr: '/a', op: 'like', value: 1 }] }] },
    ],
    ['only-empty', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['read'], only: [] }] }],
    ['only-twice', 'CAP-2', { grants: [{ scope: 'tool:fs', ops: ['read'], only: ['/a', '/a'] }] }],
    ['scope', 'CAP-8', { grants: [{ scope: 'tool:fs/', ops: ['read'] }] }],
    ['limit-empty', 'CAP-3', { limits: [{ per: 'day' }] }],
    ['limits-none', 'CAP-1', { limits: [] }],
    ['limit-zero', 'CAP-3', { limits: [{ per: 'total', calls: 0 }] }],
    ['limit-fraction', 'ENC-5', { limits: [{ per: 'total', calls: 1.5 }] }],
    ['limit-per', 'CAP-3', { limits: [{ per: 'week', calls: 1 }] }],
    ['limit-currency', 'CAP-3', { limits: [{ per: 'day', cost: { amount: 1, currency: 'eur' } }] }],
    ['limit-rate', 'CAP-3', { limits: [{ per: 'day', rate: { count: 1, seconds: 86_401 } }] }],
    ['limit-proto', 'CAP-3', { limits: [{ per: 'total', calls: 1, burst: 2 }] }],
  ];
  for (const [id, spec, changes] of claims) no(id, spec, rootJws(changes), 'MALFORMED', 1);
  for (const name of ['iss', 'sub', 'jti', 'iat', 'exp', 'grants', 'aud'])
    no(`no-${name}`, 'CAP-1', jws(CAPABILITY, without(ROOT, name), ORGANISATION), 'MALFORMED', 1);
  no('empty', 'CAP-4', '', 'MALFORMED');
  no('trailing-tilde', 'CAP-4', `${ONE}~`, 'MALFORMED');
  no('leading-tilde', 'CAP-4', `~${ONE}`, 'MALFORMED');
  no('nine', 'CAP-4', longChain(9), 'MALFORMED');
  no('too-long', 'CAP-4', `${ONE}~${'A'.repeat(16_384)}`, 'MALFORMED');
  no(
    'child-no-par-hash',
    'CAP-1',
    `${ONE}~${jws(CAPABILITY, without(childClaims(ONE, AGENT, SUB_AGENT.did), 'par_hash'), AGENT)}`,
    'MALFORMED',
    2,
  );
  no('child-prn', 'CAP-1', extend(ONE, AGENT, SUB_AGENT.did, { prn: 'x' }), 'MALFORMED', 2);
  no(
    'bearer-no-aud',
    'CAP-1',
    extend(rootJws({ bearer_below: true }), AGENT, SUB_AGENT.did, { bearer: true }),
    'MALFORMED',
    2,
  );
  no('order', 'CAP-4', TWO.split('~').reverse().join('~'), 'MALFORMED', 1);

  no('self-issued', 'CAP-7', rootJws({ iss: STRANGER.did }, STRANGER), 'UNTRUSTED_ISSUER');
  no('no-anchor', 'CAP-7', ONE, 'UNTRUSTED_ISSUER', undefined, { anchors: [] });
  no('untrusted-before-signature', 'CAP-19', rootJws({ iss: STRANGER.did }, AGENT), 'UNTRUSTED_ISSUER');
  no('root-revoked', 'CAP-26', TWO, 'REVOKED', 1, { revoked: [hash(ONE)] });
  no('leaf-revoked', 'CAP-26', TWO, 'REVOKED', 2, { revoked: [hash(TWO.split('~')[1] as string)] });
  no('revoked-before-signature', 'CAP-19', rootJws({}, STRANGER), 'REVOKED', 1, {
    revoked: [hash(rootJws({}, STRANGER))],
  });

  no('iss-not-parent', 'CAP-19', extend(ONE, STRANGER, SUB_AGENT.did), 'DELEGATION_INVALID', 2);
  no(
    'par-hash',
    'CAP-19',
    extend(ONE, AGENT, SUB_AGENT.did, { par_hash: hash('other') }),
    'DELEGATION_INVALID',
    2,
  );
  no(
    'par-hash-of-grandparent',
    'CAP-19',
    extend(extend(ONE, AGENT, AGENT.did, { dlg: 1 }), AGENT, SUB_AGENT.did, { par_hash: hash(ONE) }),
    'DELEGATION_INVALID',
    3,
  );
  no('spliced', 'CAP-19', `${rootJws({ jti: 'root-2' })}~${TWO.split('~')[1]}`, 'DELEGATION_INVALID', 2);
  no('dlg-0', 'CAP-19', extend(rootJws({ dlg: 0 }), AGENT, SUB_AGENT.did), 'DELEGATION_INVALID', 2);
  no(
    'dlg-absent',
    'CAP-19',
    extend(jws(CAPABILITY, without(ROOT, 'dlg'), ORGANISATION), AGENT, SUB_AGENT.did),
    'DELEGATION_INVALID',
    2,
  );
  no('dlg-kept', 'CAP-19', extend(ONE, AGENT, SUB_AGENT.did, { dlg: 2 }), 'DELEGATION_INVALID', 2);
  no('dlg-raised', 'CAP-19', extend(ONE, AGENT, SUB_AGENT.did, { dlg: 7 }), 'DELEGATION_INVALID', 2);

  no('root-signature', 'CAP-19', rootJws({}, STRANGER), 'SIGNATURE_INVALID', 1);
  no(
    'resigned-by-holder',
    'CAP-19',
    extend(ONE, AGENT, SUB_AGENT.did, {}, SUB_AGENT),
    'SIGNATURE_INVALID',
    2,
  );
  no(
    'root-widened-by-holder',
    'CAP-19',
    rootJws({ grants: [{ scope: 'tool:*', ops: ['write'] }] }, AGENT),
    'SIGNATURE_INVALID',
    1,
  );
  no('root-byte', 'CAP-19', turned(ONE), 'SIGNATURE_INVALID', 1);
  no('leaf-byte', 'CAP-19', `${ONE}~${turned(TWO.split('~')[1] as string)}`, 'SIGNATURE_INVALID', 2);
  no('signature-of-other-link', 'CAP-19', swapSignature(TWO), 'SIGNATURE_INVALID', 1);

  const below = rootJws({ bearer_below: true });
  const bearer = { bearer: true, aud: [GATEWAY.did] };
  no('bearer-not-below', 'CAP-19', extend(ONE, AGENT, SUB_AGENT.did, bearer), 'DELEGATION_INVALID', 2);
  no(
    'bearer-gap',
    'CAP-19',
    extend(extend(below, AGENT, AGENT.did, { dlg: 1 }), AGENT, SUB_AGENT.did, bearer),
    'DELEGATION_INVALID',
    3,
  );
  no(
    'bearer-too-long',
    'CAP-19',
    extend(below, AGENT, SUB_AGENT.did, { ...bearer, exp: NOW + 86_400 }),
    'DELEGATION_INVALID',
    2,
  );
  no('bearer-none', 'CAP-6', extend(below, AGENT, SUB_AGENT.did, bearer), 'DELEGATION_INVALID', 2, {
    anchors: [{ ...ANCHOR, bearerMax: 0 }],
  });

  no('iat-future', 'CAP-19', rootJws({ iat: NOW + 31, exp: NOW + 100 }), 'NOT_YET_VALID', 1);
  no('nbf-future', 'CAP-19', rootJws({ nbf: NOW + 31 }), 'NOT_YET_VALID', 1);
  no('child-future', 'CAP-19', extend(ONE, AGENT, SUB_AGENT.did, { nbf: NOW + 31 }), 'NOT_YET_VALID', 2);
  no('expired', 'CAP-19', rootJws({ exp: NOW - 30 }), 'EXPIRED', 1);
  no('child-expired', 'CAP-19', extend(ONE, AGENT, SUB_AGENT.did, { exp: NOW - 30 }), 'EXPIRED', 2);
  no('parent-expired', 'CAP-19', extend(rootJws({ exp: NOW - 30 }), AGENT, SUB_AGENT.did), 'EXPIRED', 1);
  no('audience', 'CAP-19', rootJws({ aud: [STRANGER.did] }), 'AUDIENCE_MISMATCH', 1);
  no(
    'child-audience',
    'CAP-19',
    extend(ONE, AGENT, SUB_AGENT.did, { aud: [STRANGER.did] }),
    'AUDIENCE_MISMATCH',
    2,
  );
  no(
    'parent-audience',
    'CAP-19',
    extend(rootJws({ aud: [STRANGER.did] }), AGENT, SUB_AGENT.did, { aud: [GATEWAY.did] }),
    'AUDIENCE_MISMATCH',
    1,
  );
  no('invoke-false', 'CAP-19', rootJws({ invoke: false }), 'DELEGATION_INVALID', 1);
  no(
    'kid-other',
    'ID-5',
    jws(CAPABILITY, ROOT, ORGANISATION, { alg: 'EdDSA', typ: CAPABILITY, kid: `${ORGANISATION.did}#key-1` }),
    'SIGNATURE_INVALID',
    1,
  );
  return n.done();
}

function longChain(links: number): string {
  let chain = rootJws({ dlg: 7 });
  for (let i = 1; i < links; i++)
    chain = extend(chain, AGENT, AGENT.did, { dlg: Math.max(7 - i, 0), jti: `l${i}` });
  return chain;
}

/** One bit of a claim turned: the first character of `jti`. */
function turned(link: string): string {
  const [head, body, signature] = link.split('.') as [string, string, string];
  const bytes = Buffer.from(body, 'base64url');
  return `${head}.${b64url(flip(bytes, bytes.indexOf('"jti":"') + 7))}.${signature}`;
}

function swapSignature(chain: string): string {
  const [root, child] = chain.split('~').map((link) => link.split('.')) as [string[], string[]];
  return `${root[0]}.${root[1]}.${child[2]}~${child[0]}.${child[1]}.${root[2]}`;
}
