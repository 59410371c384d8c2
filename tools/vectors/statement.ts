import { b64url, type Data, flip, jcs, type Members, sha256 } from './bytes.js';
import { createNoun, type Noun } from './case.js';
import { AGENT, GATEWAY, NOW, STRANGER, SUB_AGENT } from './chain.js';
import { jws, type Party } from './keys.js';

const NONCE = 'n'.repeat(54);
const STATED = { aud: GATEWAY.did, iat: NOW, jti: 'statement-1' };
const IDENTITY = { did: AGENT.did, kind: 'agent', name: 'Invoice reader' };
const REGISTRATION = { ...STATED, ...IDENTITY, nonce: NONCE };

/** The proof of a registration (ID-13). */
export function registrationNoun(): Noun {
  const n = createNoun(
    'registration',
    'proof is that of the registration of identity with gateway at now (ID-13), which accepts nonce once.',
  );
  const input = (proof: string) => ({
    identity: IDENTITY,
    gateway: GATEWAY.did,
    now: NOW,
    nonce: NONCE,
    proof,
  });
  const sign = (change: Members = {}, signer: Party = AGENT, typ = 'talos-register+jwt') =>
    input(jws(typ, { ...REGISTRATION, ...change }, signer));
  n.ok('own-key', 'ID-13', 'signed by the DID', sign(), { claims: REGISTRATION });
  n.ok('skew', 'ID-13', '60 s early', sign({ iat: NOW - 60 }), {
    claims: { ...REGISTRATION, iat: NOW - 60 },
  });
  const bad: [string, Members, string][] = [
    ['aud', { aud: STRANGER.did }, 'PROOF_INVALID'],
    ['did', { did: STRANGER.did }, 'PROOF_INVALID'],
    ['kind', { kind: 'gateway' }, 'PROOF_INVALID'],
    ['name', { name: 'Invoice writer' }, 'PROOF_INVALID'],
    ['old', { iat: NOW - 61 }, 'PROOF_INVALID'],
    ['future', { iat: NOW + 61 }, 'PROOF_INVALID'],
    ['nonce', { nonce: 'o'.repeat(54) }, 'PROOF_INVALID'],
    ['kind-unknown', { kind: 'root' }, 'MALFORMED'],
    ['iat-text', { iat: `${NOW}` }, 'MALFORMED'],
    ['iat-negative', { iat: -1 }, 'MALFORMED'],
    ['member', { admin: true }, 'MALFORMED'],
  ];
  for (const [id, change, code] of bad) n.no(id, 'ID-13', id, sign(change), code);
  n.no('stranger', 'ID-13', 'signed by another', sign({}, STRANGER), 'PROOF_INVALID');
  n.no('typ', 'ID-13', 'another typ', sign({}, AGENT, 'talos-pop+jwt'), 'MALFORMED');
  return n.done();
}

const HAND = { ...STATED, iss: AGENT.did, sub: SUB_AGENT.did };
const TAKE = { ...STATED, jti: 'statement-2', iss: SUB_AGENT.did, sub: AGENT.did };
const hashOf = (text: string): string => b64url(sha256(text));

/** A succession: the former's statement and the successor's (ID-14). */
export function successionNoun(): Noun {
  const n = createNoun(
    'succession',
    'former hands over to successor, at gateway, now, by statement and succession (ID-14).',
  );
  const both = (
    change: { from?: Members; to?: Members; by?: Party; taker?: Party; typ?: string } = {},
  ): Members => {
    const statement = jws(change.typ ?? 'talos-rotate+jwt', { ...HAND, ...change.from }, change.by ?? AGENT);
    const claims = { ...TAKE, statement: hashOf(statement), ...change.to };
    const succession = jws('talos-succeed+jwt', claims, change.taker ?? SUB_AGENT);
    return {
      former: AGENT.did,
      successor: SUB_AGENT.did,
      gateway: GATEWAY.did,
      now: NOW,
      statement,
      succession,
    };
  };
  n.ok('both', 'ID-14', 'both signed', both(), { former: AGENT.did, successor: SUB_AGENT.did });
  const bad: [string, Parameters<typeof both>[0], string][] = [
    ['aud', { from: { aud: STRANGER.did } }, 'PROOF_INVALID'],
    ['aud-of-answer', { to: { aud: STRANGER.did } }, 'PROOF_INVALID'],
    ['iss', { from: { iss: STRANGER.did } }, 'PROOF_INVALID'],
    ['sub', { from: { sub: STRANGER.did } }, 'PROOF_INVALID'],
    ['iss-of-answer', { to: { iss: STRANGER.did } }, 'PROOF_INVALID'],
    ['sub-of-answer', { to: { sub: STRANGER.did } }, 'PROOF_INVALID'],
    ['other-statement', { to: { statement: hashOf('other') } }, 'PROOF_INVALID'],
    ['old', { from: { iat: NOW - 61 } }, 'PROOF_INVALID'],
    ['signed-by-stranger', { by: STRANGER }, 'PROOF_INVALID'],
    ['taken-by-stranger', { taker: STRANGER }, 'PROOF_INVALID'],
    ['typ', { typ: 'talos-deactivate+jwt' }, 'MALFORMED'],
    ['member', { from: { more: 1 } }, 'MALFORMED'],
  ];
  for (const [id, change, code] of bad) n.no(id, 'ID-14', id, both(change), code);
  return n.done();
}

/** The end of an identity (ID-15). */
export function deactivationNoun(): Noun {
  const n = createNoun('deactivation', 'identity ends at gateway, now, by statement (ID-15).');
  const end = (change: Members = {}, signer: Party = AGENT) => ({
    identity: AGENT.did,
    gateway: GATEWAY.did,
    now: NOW,
    statement: jws('talos-deactivate+jwt', { ...STATED, iss: AGENT.did, ...change }, signer),
  });
  n.ok('now', 'ID-15', 'stated now', end(), { iss: AGENT.did });
  n.ok('before', 'ID-15', 'stated long before', end({ iat: 0 }), { iss: AGENT.did });
  n.no('aud', 'ID-15', 'another gateway', end({ aud: STRANGER.did }), 'PROOF_INVALID');
  n.no('iss', 'ID-15', 'another identity', end({ iss: STRANGER.did }), 'PROOF_INVALID');
  n.no('future', 'ID-15', '31 s early', end({ iat: NOW + 31 }), 'PROOF_INVALID');
  n.no('stranger', 'ID-15', 'signed by another', end({}, STRANGER), 'PROOF_INVALID');
  n.no('member', 'ID-15', 'more', end({ sub: STRANGER.did }), 'MALFORMED');
  return n.done();
}

const CARD = { name: 'Reader \u20ac', version: '1.0.0', skills: [{ id: 'b', tags: ['x'] }], count: 3 };

/** A signature beside the object it signs (ID-17). */
export function jwsJcsNoun(): Noun {
  const n = createNoun('jws-jcs', 'signature is one of object, of typ, by publicKey (hex) (ID-17).');
  const sign = (object: Data, header: Data = { alg: 'EdDSA', typ: 'JOSE' }) => {
    const head = b64url(JSON.stringify(header));
    return { protected: head, signature: b64url(AGENT.sign(`${head}.${b64url(jcs(object))}`)) };
  };
  const input = (object: Members, signature: Data) => ({
    object,
    typ: 'JOSE',
    publicKey: AGENT.publicKey.toString('hex'),
    signature,
  });
  const good = sign(CARD);
  n.ok('object', 'ID-17', 'an object', input(CARD, good), { valid: true });
  n.ok('signatures', 'ID-17', 'signatures are not signed', input({ ...CARD, signatures: [1] }, good), {
    valid: true,
  });
  n.ok(
    'kid',
    'ID-17',
    'with kid',
    input(CARD, sign(CARD, { alg: 'EdDSA', typ: 'JOSE', kid: 'did:web:a.example#k' })),
    {
      valid: true,
    },
  );
  n.no('changed', 'ID-17', 'another object', input({ ...CARD, count: 4 }, good), 'SIGNATURE_INVALID');
  const flipped = b64url(flip(Buffer.from(good.signature, 'base64url'), 0));
  n.no('bit', 'ID-17', 'a bit turned', input(CARD, { ...good, signature: flipped }), 'SIGNATURE_INVALID');
  const bad: [string, Data][] = [
    ['none', sign(CARD, { alg: 'none', typ: 'JOSE' })],
    ['typ', sign(CARD, { alg: 'EdDSA', typ: 'JWT' })],
    ['crit', sign(CARD, { alg: 'EdDSA', typ: 'JOSE', crit: ['b64'], b64: false })],
    ['jku', sign(CARD, { alg: 'EdDSA', typ: 'JOSE', jku: 'https://a.example/keys' })],
    ['header', { ...good, header: { kid: 'x' } }],
    ['payload', { ...good, payload: '' }],
    ['text', 'a.b.c'],
  ];
  for (const [id, signature] of bad) n.no(id, 'ID-17', id, input(CARD, signature), 'MALFORMED');
  n.no('float', 'ID-17', 'a float', input({ half: 0.5 }, sign({ half: 0.5 })), 'MALFORMED');
  return n.done();
}
