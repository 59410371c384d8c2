import {
  type CredentialRecord,
  createChecker,
  type NonceAnswer,
  OpenSessionRequest,
} from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  createNonces,
  createSessionTable,
  type DidDirectory,
  deriveSessionKey,
  encodeBase64url,
  encodeUtf8,
  formatTime,
  hashProof,
  type JsonObject,
  type Nonces,
  type ParsedProof,
  parseProof,
  parseTalosAuthorization,
  SESSION_SECONDS,
  type Session,
  type SessionTable,
  type Signer,
  sessionsWithin,
  signSessionGrant,
  TrustError,
  type VerifiedCapability,
  verifyProof,
  type WindowWidth,
} from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import { presentedToken } from '../../platform/presented-token.js';
import type { Clock, Random } from '../../platform/system.js';
import type { Verification } from '../capability/verification.js';
import type { Events } from '../events.js';
import type { Authenticated, SignedRequest } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';
import { type AuthorityTerms, createAuthorityTerms } from './authority-terms.js';
import { resolveLasting, verifyLasting } from './lasting-keys.js';
import { createNodeNonces } from './node-nonces.js';

/** The request that opens a session, as far as its proof names it (SES-2). */
interface OpeningRequest {
  readonly method: string;
  /** The `Host` header and the raw target: `127.0.0.1:8001/talos/v1/sessions`. */
  readonly address: string;
}

/** The sessions of this node. */
export interface Sessions {
  nonce(): NonceAnswer;
  /** Uses a nonce up, for a proof of one request: one nonce is for one use of either. @throws {TrustError} as
   *    `Nonces.consume` */
  readonly consumeNonce: Nonces['consume'];
  /** Opens a session (SES-3) and gives the gateway's signed answer (SES-4), durable in the log before.
   *  @throws {TrustError} MALFORMED, as verifyCapability, PROOF_INVALID, UNAVAILABLE */
  open(body: JsonObject, request: OpeningRequest): Promise<string>;
  /** Syntax, sid and window; marks nothing. @throws {TrustError} MALFORMED | SESSION_UNKNOWN | SESSION_ELSEWHERE |
   *    REPLAY */
  peek(authorization: string): void;
  /** Verifies the MAC and marks the number. @throws {TrustError} as `peek`; PROOF_INVALID | UNAVAILABLE */
  authenticate(authorization: string, request: SignedRequest): Authenticated;
  /** Ends the session whose credential this is (SES-11). @throws {TrustError} as `authenticate` */
  close(sid: string, authorization: string, request: SignedRequest): void;
  /** Forgets expired sessions. Call it now and then. */
  sweep(): void;
  size(): number;
  /** Sessions there is memory for. */
  readonly capacity: number;
}

export interface SessionsDeps {
  /** Number of this node and of its start (SES-8). */
  readonly node: number;
  readonly boot: number;
  readonly gateway: Signer;
  /** Most memory for open sessions, in bytes (`limits.sessionMemoryMiB`). */
  readonly sessionMemory: number;
  readonly verification: Verification;
  readonly revocations: Revocations;
  readonly events: Pick<Events, 'sessionOpened'>;
  readonly resolver: DidDirectory;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

type Table = SessionTable<VerifiedCapability>;

const check = createChecker(OpenSessionRequest);
/** Expired sessions freed at a time: some milliseconds. */
const SWEEP = 16_384;

export function createSessions(deps: SessionsDeps): Sessions {
  const { clock, crypto, random, revocations, verification } = deps;
  const now = clock.now;
  const nonces = createNodeNonces(createNonces({ crypto, now, random }), deps);
  const authority = createAuthorityTerms();
  const capacity = sessionsWithin(deps.sessionMemory);
  const table: Table = createSessionTable({
    ...deps,
    capacity,
    memory: deps.sessionMemory,
    gateway: deps.gateway.did,
    now,
    isRevoked: revocations.isRevoked,
  });
  revocations.onEnforced((lid) => void table.revoke(lid));

  const authenticate = (authorization: string, request: SignedRequest): Authenticated => {
    verification.assertFresh('read');
    const { method, target, headers, body } = request;
    const bodyHash = crypto.sha256Hex(body);
    const session = table.verify(authorization, { method, target, headers, bodyHash });
    if (!verification.hasAnchor(session.context.anchor)) throw endForAnchor(table, session.sid);
    return authenticated(session, parseTalosAuthorization(authorization), table, deps);
  };
  return {
    nonce: () => {
      const { nonce, expires } = nonces.issue();
      return { nonce, gateway: deps.gateway.did, expires: formatTime(expires) };
    },
    consumeNonce: nonces.consume,
    open: (body, request) =>
      openSession(body, request, { ...deps, table, authority, consume: nonces.consume }),
    peek: (authorization) => {
      const { sid, seq } = parseTalosAuthorization(authorization);
      table.peek(sid, seq);
    },
    authenticate,
    close: (sid, authorization, request) => {
      const { credential } = authenticate(authorization, request);
      if (credential.sid !== sid)
        throw new TrustError('SESSION_UNKNOWN', 'the credential is of another session');
      table.close(sid);
      revocations.signal(sid);
    },
    sweep: () => void table.sweep(SWEEP),
    size: table.size,
    capacity,
  };
}

/** What a session was opened for is not trusted any more; the agent may open another under the new policy. */
function endForAnchor(table: Table, sid: string): TrustError {
  table.close(sid);
  return new TrustError('SESSION_UNKNOWN', 'the trust anchor of the session was changed');
}

interface Opening extends SessionsDeps {
  readonly table: Table;
  readonly authority: AuthorityTerms;
  readonly consume: Nonces['consume'];
}

async function openSession(body: JsonObject, request: OpeningRequest, deps: Opening): Promise<string> {
  const fault = check(body);
  if (fault !== undefined) throw new TrustError('MALFORMED', `an opening: ${fault}`);
  const { chain, proof, window = 256 } = body as unknown as OpenSessionRequest;
  const capability = await verifyLasting(chain, deps);
  const parsed = parseProof(proof);
  const holder = await resolveLasting(capability.holder, deps);
  const { verification, crypto } = deps;
  const expected = {
    audience: deps.gateway.did,
    method: request.method,
    url: expectedUrl(parsed, request),
    cth: capability.cth,
    holder,
  };
  const now = verification.now();
  const consumeNonce = (nonce: string): void => deps.consume(nonce, capability.links[0]?.lid);
  const { epk } = verifyProof(parsed, expected, { now, crypto, consumeNonce });
  // No longer than the key that opens it is known to be the holder's (ID-6).
  const keysUntil = Math.min(capability.keysValidUntil, holder.validUntil ?? Number.POSITIVE_INFINITY);
  const opening = { proof, provenAt: parsed.claims.iat, epk, now, window, keysUntil };
  return grantSession(capability, opening, deps);
}

/** We see no scheme: behind a proxy the caller's is https. The rest is compared word for word. */
function expectedUrl({ claims }: ParsedProof, { address }: OpeningRequest): string {
  return `${claims.htu.startsWith('https:') ? 'https' : 'http'}://${address}`;
}

interface ProvenOpening {
  readonly proof: string;
  /** `iat` of the proof. */
  readonly provenAt: number;
  readonly epk: Uint8Array;
  readonly now: number;
  readonly window: WindowWidth;
  /** Until when the keys of issuers and holder are known to be theirs, in Unix seconds. */
  readonly keysUntil: number;
}

async function grantSession(
  capability: VerifiedCapability,
  { proof, provenAt, epk, now, window, keysUntil }: ProvenOpening,
  deps: Opening,
): Promise<string> {
  const { crypto, table, events, gateway } = deps;
  const end = Math.floor(Math.min(capability.expires, keysUntil, now + SESSION_SECONDS));
  const { session, gatewayEpk } = insertSession(capability, { exp: end, agentEpk: epk, window }, deps);
  const { exp } = session;
  try {
    await events.sessionOpened(capability, { sid: session.sid, exp, proof, provenAt });
    if (!table.isOpen(session.sid)) throw new TrustError('REVOKED', 'a link was revoked meanwhile');
    const claims = {
      iss: gateway.did,
      aud: capability.holder,
      sid: session.sid,
      epk: encodeBase64url(gatewayEpk),
      iat: now,
      exp,
      window: session.window,
      proof: hashProof(proof, crypto),
    };
    return signSessionGrant(claims, gateway);
  } catch (error) {
    table.close(session.sid);
    throw error;
  }
}

function insertSession(
  capability: VerifiedCapability,
  {
    agentEpk,
    ...span
  }: { readonly exp: number; readonly agentEpk: Uint8Array; readonly window: WindowWidth },
  { table, crypto, random, verification, authority, log }: Opening,
): { session: Session<VerifiedCapability>; gatewayEpk: Uint8Array } {
  // The holder's keys may have been fetched, which took time.
  verification.assertInForce(capability, 'read');
  const secret = random(32);
  const gatewayEpk = crypto.x25519PublicKey(secret);
  const { cth } = capability;
  const evicted = table.evicted();
  try {
    const session = table.open({
      ...authority(capability),
      ...span,
      deriveKey: (sid) =>
        deriveSessionKey({ secret, role: 'gateway', agentEpk, gatewayEpk, cth, sid }, crypto),
    });
    // Its replay window went with it: nothing of that session is accepted any more, and nobody is to wonder why.
    if (table.evicted() > evicted)
      log.warn('the oldest session of a holder with too many ended for its newest', {
        lid: capability.leaf.lid,
      });
    return { session, gatewayEpk };
  } finally {
    secret.fill(0);
  }
}

function authenticated(
  session: Session<VerifiedCapability>,
  { seq, rid }: { readonly seq: number; readonly rid: string },
  table: Table,
  { revocations, verification }: SessionsDeps,
): Authenticated {
  const { sid, lids, context: capability } = session;
  const isOpen = (): boolean => table.isOpen(sid) && verification.hasAnchor(capability.anchor);
  return {
    capability,
    credential: { kind: 'session', cth: capability.cth, sid, seq, rid },
    sessionEnds: session.exp,
    assertLive: (op) => {
      verification.assertInForce(capability, op);
      if (!table.isOpen(sid)) throw new TrustError('SESSION_UNKNOWN', 'the session has ended');
    },
    onRevoked: (listener) => {
      const unsubscribe = revocations.watch([sid, ...lids], listener);
      if (isOpen()) return unsubscribe;
      unsubscribe();
      listener();
      return unsubscribe;
    },
  };
}

/** How an event names an opening that was refused: by a hash of what was presented (AUD-5). */
export function credentialOfOpening(body: JsonObject, crypto: CryptoProvider): CredentialRecord {
  const { chain, proof } = body;
  if (typeof chain !== 'string' || typeof proof !== 'string') return { kind: 'none' };
  const hash = (text: string): string => crypto.sha256Hex(encodeUtf8(text));
  return { kind: 'session', ...presentedToken(`${chain}~${proof}`, hash) };
}
