import {
  createChecker,
  DEACTIVATE_TYP,
  DeactivationClaims,
  REGISTER_TYP,
  RegistrationClaims,
  ROTATE_TYP,
  RotationClaims,
  SUCCEED_TYP,
  SuccessionClaims,
} from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isTrustError, malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from './did-keys.js';

/** What an identity states of itself: who it is, who takes over from it, that it ends. All are signed by an
 *  `authentication` key valid now. */
export type IdentityStatement = RegistrationClaims | RotationClaims | SuccessionClaims | DeactivationClaims;

/** What checking a statement needs. */
export interface StatementContext {
  /** DID of the gateway that it must be meant for. */
  readonly audience: string;
  /** Unix seconds. */
  readonly now: number;
  readonly crypto: CryptoProvider;
}

/** A succession, and the keys that both sides have now. */
export interface ExpectedSuccession {
  readonly former: DidKeys;
  readonly successor: DidKeys;
}

/** Seconds by which `iat` may differ from now (ID-13, ID-14). */
const SKEW = 60;
const FUTURE = 30;
const MAX_BYTES = 8192;
const CLOCK = 'Set the clock of this machine.';

const checks = {
  [REGISTER_TYP]: createChecker(RegistrationClaims),
  [ROTATE_TYP]: createChecker(RotationClaims),
  [SUCCEED_TYP]: createChecker(SuccessionClaims),
  [DEACTIVATE_TYP]: createChecker(DeactivationClaims),
} as const;

type StatementTyp = keyof typeof checks;

/** Signs the proof of a registration (ID-13).
 *  @throws {TypeError} claims that would be refused as malformed */
export function signRegistration(claims: RegistrationClaims, signer: Signer): string {
  return sign(REGISTER_TYP, claims, signer);
}

/** Signs that `claims.iss`, the signer, hands over to `claims.sub` (ID-14).
 *  @throws {TypeError} as signRegistration */
export function signRotation(claims: RotationClaims, signer: Signer): string {
  return sign(ROTATE_TYP, claims, signer);
}

/** Signs that the successor takes over by that statement, with the same `aud` and a time and `jti` of its own (ID-14).
 *  @throws {TypeError} as signRegistration */
export function signSuccession(
  statement: string,
  claims: Omit<SuccessionClaims, 'statement'>,
  signer: Signer,
  crypto: CryptoProvider,
): string {
  return sign(SUCCEED_TYP, { ...claims, statement: hashOf(statement, crypto) }, signer);
}

/** Signs that the signer's identity ends (ID-15). It holds at any later time: it can be made in advance and kept safe.
 *  @throws {TypeError} as signRegistration */
export function signDeactivation(claims: DeactivationClaims, signer: Signer): string {
  return sign(DEACTIVATE_TYP, claims, signer);
}

/** Checks the proof of a registration: for this gateway, made within 60 s, of the DID, kind and name that are registered,
 *  signed by an `authentication` key of the DID; its nonce is used up last.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID with the claim as caveat; whatever `consumeNonce` throws */
export function verifyRegistration(
  proof: string,
  expected: Pick<RegistrationClaims, 'did' | 'kind' | 'name'>,
  keys: DidKeys,
  ctx: StatementContext & { readonly consumeNonce: (nonce: string) => void },
): RegistrationClaims {
  const { jws, claims } = parse<RegistrationClaims>(REGISTER_TYP, proof);
  for (const name of ['did', 'kind', 'name'] as const) {
    if (claims[name] !== expected[name]) throw refused(name, 'is not that of the registration');
  }
  checkMoment(claims, ctx);
  verifySignature(jws, keys, ctx.crypto);
  ctx.consumeNonce(claims.nonce);
  return claims;
}

/** Checks that one DID hands over to another and that the other takes over: both signed, for this gateway, within 60 s,
 *  the second over the first.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID with the claim as caveat */
export function verifyRotation(
  { statement, succession }: { readonly statement: string; readonly succession: string },
  { former, successor }: ExpectedSuccession,
  ctx: StatementContext,
): RotationClaims {
  const rotation = parse<RotationClaims>(ROTATE_TYP, statement);
  const answer = parse<SuccessionClaims>(SUCCEED_TYP, succession);
  checkParties(rotation.claims, former.did, successor.did);
  checkParties(answer.claims, successor.did, former.did);
  if (former.did === successor.did) throw refused('sub', 'is the identity itself');
  if (answer.claims.statement !== hashOf(statement, ctx.crypto))
    throw refused('statement', 'is not the hash of the rotation');
  checkMoment(rotation.claims, ctx);
  checkMoment(answer.claims, ctx);
  verifySignature(rotation.jws, former, ctx.crypto);
  verifySignature(answer.jws, successor, ctx.crypto);
  return rotation.claims;
}

/** Checks the former's part of a succession alone, as a log keeps it: for this gateway, not of the future, signed by an
 *  `authentication` key of it.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID with the claim as caveat */
export function verifyHandOver(statement: string, former: DidKeys, ctx: StatementContext): RotationClaims {
  const { jws, claims } = parse<RotationClaims>(ROTATE_TYP, statement);
  checkOwn(jws, claims, former, ctx);
  return claims;
}

/** The DIDs that a rotation names, before anything is verified: whose keys to resolve.
 *  @throws {TrustError} MALFORMED */
export function partiesOfRotation(statement: string): {
  readonly former: string;
  readonly successor: string;
} {
  const { iss, sub } = parse<RotationClaims>(ROTATE_TYP, statement).claims;
  return { former: iss, successor: sub };
}

/** Checks an identity's own end: for this gateway, not of the future, signed by an `authentication` key of it.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID with the claim as caveat */
export function verifyDeactivation(
  statement: string,
  keys: DidKeys,
  ctx: StatementContext,
): DeactivationClaims {
  const { jws, claims } = parse<DeactivationClaims>(DEACTIVATE_TYP, statement);
  checkOwn(jws, claims, keys, ctx);
  return claims;
}

/** What a DID says of itself, at any time after it said so. */
function checkOwn(
  jws: ParsedJws,
  { iss, aud, iat }: RotationClaims | DeactivationClaims,
  keys: DidKeys,
  { audience, now, crypto }: StatementContext,
): void {
  if (iss !== keys.did) throw refused('iss', 'is another identity');
  if (aud !== audience) throw refused('aud', 'is not this gateway');
  if (iat > now + FUTURE) throw refused('iat', 'lies in the future', CLOCK);
  verifySignature(jws, keys, crypto);
}

function sign(typ: StatementTyp, claims: IdentityStatement, signer: Signer): string {
  const wrong = checks[typ](claims);
  if (wrong !== undefined) throw new TypeError(`claims of a ${typ}: ${wrong}`);
  return signJws({ typ, claims: { ...claims } }, signer);
}

function parse<T extends IdentityStatement>(typ: StatementTyp, text: string): { jws: ParsedJws; claims: T } {
  const jws = parseJws(text, typ, { maxBytes: MAX_BYTES });
  const wrong = checks[typ](jws.claims);
  if (wrong !== undefined) throw malformed(`claims of a ${typ}: ${wrong}`);
  return { jws, claims: jws.claims as unknown as T };
}

function checkParties(
  { iss, sub }: { readonly iss: string; readonly sub: string },
  from: string,
  to: string,
): void {
  if (iss !== from) throw refused('iss', 'is another identity');
  if (sub !== to) throw refused('sub', 'is another identity');
}

function checkMoment({ aud, iat }: IdentityStatement, { audience, now }: StatementContext): void {
  if (aud !== audience) throw refused('aud', 'is not this gateway');
  if (Math.abs(now - iat) > SKEW) throw refused('iat', 'is more than 60 s from now', CLOCK);
}

function verifySignature(jws: ParsedJws, keys: DidKeys, crypto: CryptoProvider): void {
  try {
    verifyJwsSignature(jws, keyFor(keys, jws.header.kid, 'authentication'), crypto);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw new TrustError('PROOF_INVALID', `the ${jws.header.typ} is not signed by ${keys.did}`, {}, cause);
  }
}

function hashOf(statement: string, crypto: CryptoProvider): string {
  return encodeBase64url(crypto.sha256(encodeUtf8(statement)));
}

function refused(claim: string, why: string, hint?: string): TrustError {
  return new TrustError('PROOF_INVALID', `${claim} of the statement ${why}`, {
    caveat: claim,
    ...(hint === undefined ? {} : { hint }),
  });
}
