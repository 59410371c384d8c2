import { createHash } from 'node:crypto';
import {
  CAPABILITY_TYP,
  DEACTIVATE_TYP,
  FEED_ENTRY_TYP,
  FEED_HEARTBEAT_TYP,
  FEED_SNAPSHOT_TYP,
  PROOF_TYP,
  type ProblemCode,
  REGISTER_TYP,
  REVOCATION_BELOW_TYP,
  REVOCATION_TYP,
  ROTATE_TYP,
  SESSION_TYP,
  STATUS_LIST_TYP,
  SUCCEED_TYP,
} from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createSigner,
  type DidKeys,
  type DidResolver,
  didKeyKeys,
  hashFeedItems,
  hashSignedHeaders,
  KEY_PURPOSES,
  parseAnchors,
  parseFeedEntry,
  parseFeedHeartbeat,
  parseFeedSnapshot,
  parseProof,
  parseRequestProof,
  parseStatusListToken,
  type Signer,
  signJws,
  verifyCapability,
  verifyDeactivation,
  verifyProof,
  verifyProvenBody,
  verifyRegistration,
  verifyRequestProof,
  verifyRevocation,
  verifyRevocationBelow,
  verifyRotation,
  verifySessionGrant,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

const crypto = createNodeCrypto();

/** The moment of all tests here. */
export const NOW = 1_800_000_000;
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
const H = hash('anything');
const RID = '01890000-0000-7000-8000-000000000001';
const URL_HERE = 'https://gateway.example/talos/v1/sessions?a=1';
const BODY = new TextEncoder().encode('{}');

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const keyPair = (byte: number): Signer => createSigner(seed(byte), crypto);
export const gateway = keyPair(2);
const other = keyPair(3);
export const stranger = keyPair(9);

/** Who signs: a `did:key`, or a DID whose keys are found elsewhere. */
export interface Party {
  readonly name: string;
  readonly signer: Signer;
  readonly keys: DidKeys;
  /** Another key of the same DID that may do all the first may, and one that may do nothing. */
  readonly second?: Signer;
  readonly powerless?: Signer;
}

const KEY: Signer = keyPair(1);
const WEB = 'did:web:org.example';
const webKey = (name: string, byte: number): Signer => ({
  ...keyPair(byte),
  did: WEB,
  kid: `${WEB}#${name}`,
});
const [first, second, powerless] = [webKey('one', 4), webKey('two', 5), webKey('none', 6)];

export const PARTIES: readonly Party[] = [
  { name: 'did:key', signer: KEY, keys: didKeyKeys(KEY.did) },
  {
    name: 'did:web',
    signer: first,
    second,
    powerless,
    keys: {
      did: WEB,
      keys: [first, second, powerless].map((one) => ({
        kid: one.kid as string,
        publicKey: one.publicKey,
        purposes: one === powerless ? [] : KEY_PURPOSES,
      })),
    },
  },
];

/** A kind of signed token, a good one, and what checks it. */
export interface Kind {
  readonly name: string;
  readonly typ: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Claims that a good token may leave out. */
  readonly optional: readonly string[];
  /** What a signature by anybody else is refused with. */
  readonly forged: ProblemCode;
  verify(token: string, crypto: CryptoProvider): unknown;
}

/** Every kind of token that is a JWS, as `party` signs it. */
export function kindsOf(party: Party): readonly Kind[] {
  return [
    ...capabilities(party),
    ...proofs(party),
    ...revocations(party),
    ...lists(party),
    ...identities(party),
  ];
}

/** The good token of a kind. */
export function tokenOf({ typ, claims }: Pick<Kind, 'typ' | 'claims'>, { signer }: Party): string {
  return signJws({ typ, claims: claims as never }, signer);
}

const sign = (claims: object, signer: Signer): string =>
  signJws({ typ: CAPABILITY_TYP, claims: claims as never }, signer);
const GRANTS = [
  {
    scope: 'tool:fs/method:read/resource:/docs',
    ops: ['read'],
    where: [{ ptr: '/path', op: 'within', value: '/docs' }],
    only: ['/path'],
  },
];
const OPTIONAL = ['nbf', 'limits', 'dlg', 'invoke', 'bearer', 'bearer_below'];
const more = { limits: [{ per: 'total', calls: 5 }], invoke: true, bearer: false, bearer_below: false };
const rootOf = (party: Party) => ({
  iss: party.signer.did,
  sub: other.did,
  jti: 'root',
  iat: NOW - 10,
  nbf: NOW - 5,
  exp: NOW + 600,
  aud: [gateway.did],
  prn: 'Ann Example',
  grants: GRANTS,
  dlg: 3,
  ...more,
});

function resolverOf({ keys }: Party): DidResolver {
  return { resolve: async (did) => (did === keys.did ? keys : didKeyKeys(did)) };
}

function trusting(iss: string, party: Party, crypto: CryptoProvider) {
  const grants = [{ scope: 'tool:*', ops: ['read', 'write'] as ('read' | 'write')[] }];
  return {
    now: NOW,
    audience: gateway.did,
    anchors: parseAnchors([{ iss, tenant: 'default', grants }], crypto),
    isRevoked: () => false,
    resolver: resolverOf(party),
    crypto,
  };
}

function capabilities(party: Party): readonly Kind[] {
  const kind = { typ: CAPABILITY_TYP, forged: 'SIGNATURE_INVALID' } as const;
  const above = sign(
    {
      iss: gateway.did,
      sub: party.signer.did,
      jti: 'r',
      iat: NOW - 20,
      exp: NOW + 900,
      aud: [gateway.did],
      grants: GRANTS,
      dlg: 4,
    },
    gateway,
  );
  const { prn: _, nbf: __, ...below } = rootOf(party);
  return [
    {
      ...kind,
      name: 'root link',
      claims: rootOf(party),
      optional: [...OPTIONAL, 'prn'],
      verify: (token, crypto) => verifyCapability(token, trusting(party.signer.did, party, crypto)),
    },
    {
      ...kind,
      name: 'link below',
      claims: { ...below, par_hash: hash(above) },
      optional: [...OPTIONAL, 'aud'],
      verify: (token, crypto) => verifyCapability(`${above}~${token}`, trusting(gateway.did, party, crypto)),
    },
  ];
}

const consumeNonce = (): void => undefined;

function proofs(party: Party): readonly Kind[] {
  const proven = {
    aud: gateway.did,
    iat: NOW,
    jti: 'j',
    htm: 'POST',
    htu: URL_HERE,
    cth: H,
    nonce: 'n'.repeat(54),
  };
  const expected = { audience: gateway.did, method: 'POST', url: URL_HERE, cth: H, holder: party.keys };
  const bh = hash('{}');
  const headers = { 'content-type': 'application/json' };
  const sent = 'the proof as it was sent';
  return [
    {
      name: 'opening proof',
      typ: PROOF_TYP,
      claims: { ...proven, epk: H },
      optional: [],
      forged: 'PROOF_INVALID',
      verify: (token, crypto) => verifyProof(parseProof(token), expected, { now: NOW, crypto, consumeNonce }),
    },
    {
      name: 'request proof',
      typ: PROOF_TYP,
      claims: { ...proven, bh, hh: hashSignedHeaders(headers, crypto), rid: RID },
      optional: [],
      forged: 'PROOF_INVALID',
      verify: (token, crypto) => {
        const proof = parseRequestProof(token);
        verifyRequestProof(proof, { ...expected, headers }, { now: NOW, crypto });
        verifyProvenBody(proof, BODY, { crypto, consumeNonce });
      },
    },
    {
      name: 'session grant',
      typ: SESSION_TYP,
      claims: {
        iss: party.signer.did,
        aud: other.did,
        sid: `ses_${'A'.repeat(38)}`,
        epk: H,
        iat: NOW,
        exp: NOW + 60,
        window: 256,
        proof: hash(sent),
      },
      optional: [],
      forged: 'SIGNATURE_INVALID',
      verify: (token, crypto) =>
        verifySessionGrant(token, { gateway: party.keys, subject: other.did, proof: sent }, { crypto }),
    },
  ];
}

function revocations(party: Party): readonly Kind[] {
  const chain = sign(rootOf(party), party.signer);
  const claims = { iss: party.signer.did, iat: NOW, jti: 'j', lid: hash(chain), chain };
  const kind = { optional: [], forged: 'SIGNATURE_INVALID' } as const;
  return [
    {
      ...kind,
      name: 'revocation',
      typ: REVOCATION_TYP,
      claims,
      verify: (token, crypto) => verifyRevocation(token, trusting(party.signer.did, party, crypto)),
    },
    {
      ...kind,
      name: 'revocation below',
      typ: REVOCATION_BELOW_TYP,
      claims: { ...claims, below: other.did, as: 'issuer' },
      verify: (token, crypto) => verifyRevocationBelow(token, trusting(party.signer.did, party, crypto)),
    },
  ];
}

function lists(party: Party): readonly Kind[] {
  const { keys } = party;
  const iss = party.signer.did;
  const uri = 'https://gateway.example/talos/v1/status-lists/0';
  const items = [{ lid: H }];
  const kind = { optional: [], forged: 'SIGNATURE_INVALID' } as const;
  const head = { n: 7, hash: H };
  return [
    {
      ...kind,
      name: 'feed entry',
      typ: FEED_ENTRY_TYP,
      claims: { iss, iat: NOW, n: 7, prev: H, item: { lid: H, exp: NOW } },
      verify: (token, crypto) => parseFeedEntry(token, keys, crypto),
    },
    {
      ...kind,
      name: 'feed heartbeat',
      typ: FEED_HEARTBEAT_TYP,
      claims: { iss, time: NOW * 1000, epoch: 1, beat: 1, ...head },
      verify: (token, crypto) => parseFeedHeartbeat(token, keys, crypto),
    },
    {
      ...kind,
      name: 'feed snapshot',
      typ: FEED_SNAPSHOT_TYP,
      claims: { iss, time: NOW * 1000, ...head, items: hashFeedItems(items, crypto) },
      verify: (token, crypto) => parseFeedSnapshot({ statement: token, items }, keys, crypto),
    },
    {
      ...kind,
      name: 'status list token',
      typ: STATUS_LIST_TYP,
      claims: {
        iss,
        sub: uri,
        iat: NOW,
        exp: NOW + 60,
        ttl: 30,
        status_list: { bits: 1, lst: 'eNpjAAAAAQAB' },
      },
      verify: (token, crypto) => parseStatusListToken(token, { keys, uri, now: NOW }, crypto),
    },
  ];
}

function identities(party: Party): readonly Kind[] {
  const { keys, signer } = party;
  const registered = { did: signer.did, kind: 'agent', name: 'Ann' } as const;
  const stated = { aud: gateway.did, iat: NOW, jti: 'j' };
  const context = (crypto: CryptoProvider) => ({ audience: gateway.did, now: NOW, crypto, consumeNonce });
  const rotate = { ...stated, iss: signer.did, sub: other.did };
  const handOver = signJws(
    { typ: ROTATE_TYP, claims: { ...stated, iss: other.did, sub: signer.did } },
    other,
  );
  const kind = { optional: [], forged: 'PROOF_INVALID' } as const;
  const strangers = didKeyKeys(other.did);
  return [
    {
      ...kind,
      name: 'registration',
      typ: REGISTER_TYP,
      claims: { ...stated, ...registered, nonce: 'n'.repeat(54) },
      verify: (token, crypto) => verifyRegistration(token, registered, keys, context(crypto)),
    },
    {
      ...kind,
      name: 'rotation',
      typ: ROTATE_TYP,
      claims: rotate,
      verify: (token, crypto) =>
        verifyRotation(
          // The successor signs whatever is presented, else every change would be refused for that.
          { statement: token, succession: succeed(token, stated, signer.did) },
          { former: keys, successor: strangers },
          context(crypto),
        ),
    },
    {
      ...kind,
      name: 'succession',
      typ: SUCCEED_TYP,
      claims: { ...stated, iss: signer.did, sub: other.did, statement: hash(handOver) },
      verify: (token, crypto) =>
        verifyRotation(
          { statement: handOver, succession: token },
          { former: strangers, successor: keys },
          context(crypto),
        ),
    },
    {
      ...kind,
      name: 'deactivation',
      typ: DEACTIVATE_TYP,
      claims: { ...stated, iss: signer.did },
      verify: (token, crypto) => verifyDeactivation(token, keys, context(crypto)),
    },
  ];
}

function succeed(statement: string, stated: object, sub: string): string {
  const claims = { ...stated, iss: other.did, sub, statement: hash(statement) };
  return signJws({ typ: SUCCEED_TYP, claims: claims as never }, other);
}
