import { createChecker, NonceAnswer, OpenSessionAnswer } from '@talosprotocol/contracts';
import {
  type DidResolver,
  deriveSessionKey,
  encodeBase64url,
  type ParsedChain,
  signProof,
  TrustError,
  verifySessionGrant,
} from '@talosprotocol/protocol';
import type { HttpClient } from '../http/client.js';
import type { OpenedSession } from './agent-session.js';
import type { Identity } from './identity.js';
import type { Runtime } from './runtime.js';

/** Who opens sessions, with what, and where. */
export interface Opener {
  readonly identity: Identity;
  readonly chain: ParsedChain;
  readonly http: HttpClient;
  readonly resolver: DidResolver;
  readonly runtime: Runtime;
}

const checkNonce = createChecker(NonceAnswer);
const checkAnswer = createChecker(OpenSessionAnswer);

/** Opens a session (SES-1 to SES-5). The gateway must be one the capability names, and prove it: whoever stands
 *  between us and it learns nothing that signs a request.
 *  @throws {TrustError} the gateway's refusal; AUDIENCE_MISMATCH, SIGNATURE_INVALID, PROOF_INVALID, MALFORMED: the
 *  answer is not that of a gateway the capability names; UNAVAILABLE */
export async function openSession(opener: Opener): Promise<OpenedSession> {
  const { identity, chain, http, resolver, runtime } = opener;
  const nonce = await fetchNonce(opener);
  const gateway = await resolver.resolve(nonce.gateway);
  const secret = runtime.random(32);
  const epk = runtime.crypto.x25519PublicKey(secret);
  const proof = prove(opener, nonce, epk);
  const started = runtime.now();
  const answer = await http.json<OpenSessionAnswer>(
    { method: 'POST', path: '/talos/v1/sessions', body: { chain: chain.chain, proof } },
    checkAnswer,
  );
  const grant = verifySessionGrant(answer.session, { gateway, subject: identity.did, proof }, runtime);
  const { sid, window, iat, exp } = grant.claims;
  const input = { role: 'agent', secret, agentEpk: epk, gatewayEpk: grant.epk, cth: chain.cth, sid } as const;
  const key = deriveSessionKey(input, runtime.crypto);
  secret.fill(0);
  return { sid, key, window, gateway: gateway.did, endsAt: started + usableMs(exp - iat) };
}

/** Asks for the nonce of one proof, for a gateway that the capability names.
 *  @throws {TrustError} as `openSession` */
export async function fetchNonce({ chain, http }: Pick<Opener, 'chain' | 'http'>): Promise<NonceAnswer> {
  const nonce = await http.json<NonceAnswer>({ method: 'POST', path: '/talos/v1/nonces' }, checkNonce);
  checkAudience(chain, nonce.gateway);
  return nonce;
}

function prove({ identity, chain, http, runtime }: Opener, nonce: NonceAnswer, epk: Uint8Array): string {
  const claims = {
    aud: nonce.gateway,
    iat: Math.floor(runtime.now() / 1000),
    jti: encodeBase64url(runtime.random(16)),
    htm: 'POST',
    htu: `${http.origin}/talos/v1/sessions`,
    cth: chain.cth,
    nonce: nonce.nonce,
    epk: encodeBase64url(epk),
  };
  return signProof(claims, identity.signer);
}

/** A nonce comes from whoever answered. Only a gateway that every stated `aud` names gets a proof. */
function checkAudience(chain: ParsedChain, gateway: string): void {
  const link = chain.links.findIndex(
    ({ claims }) => claims.aud !== undefined && !claims.aud.includes(gateway),
  );
  if (link < 0) return;
  throw new TrustError('AUDIENCE_MISMATCH', `the service at this address is ${gateway}`, {
    link: link + 1,
    hint: 'Check the address of the gateway, or ask for a capability whose aud names it.',
  });
}

/** Milliseconds of a session's life that are used: it is replaced a little before its end, so that no request
 *  arrives after it. */
function usableMs(seconds: number): number {
  return seconds * 1000 - Math.min(5000, seconds * 100);
}
