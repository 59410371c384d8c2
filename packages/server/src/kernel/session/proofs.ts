import type { CredentialRecord } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  type DidKeys,
  type DidResolver,
  encodeBase64url,
  encodeUtf8,
  type Nonces,
  type ParsedRequestProof,
  parsePossession,
  parseRequestProof,
  type VerifiedCapability,
  verifyPossession,
  verifyProvenBody,
  verifyRequestProof,
  verifySignedBody,
} from '@talosprotocol/protocol';
import { callerOf } from '../capability/caller.js';
import type { KnownChains } from '../capability/known-chains.js';
import type { Verification } from '../capability/verification.js';
import type { Events } from '../events.js';
import type { Authenticated, ExaminedProof, PresentedProof, ProvenRequest } from '../ports.js';
import type { Revocations } from '../revocation/revocations.js';

/** Authenticates requests that prove possession by themselves, without a session. */
export interface Proofs {
  /** Verifies all that shows before the body: the chain, then the proof or signature (SES-14, SES-15). Uses nothing up.
   *  @throws {TrustError} MALFORMED, as verifyCapability, PROOF_INVALID, UNAVAILABLE */
  examine(presented: PresentedProof, request: ProvenRequest): Promise<ExaminedProof>;
}

export interface ProofsDeps {
  /** DID of the gateway. */
  readonly gateway: string;
  /** Uses a nonce of this node up, of the share of a root link. */
  readonly consumeNonce: Nonces['consume'];
  readonly verification: Verification;
  readonly revocations: Revocations;
  readonly knownChains: KnownChains;
  readonly events: Pick<Events, 'chain'>;
  readonly resolver: DidResolver;
  readonly crypto: CryptoProvider;
}

/** What holds of a request once its body does. */
interface Proven {
  readonly credential: CredentialRecord;
  /** Unix seconds at which the agent made it; only of a proof, which the log keeps. */
  readonly provenAt?: number;
  /** Checks the body and uses the nonce up. */
  readonly finish: (body: Uint8Array) => void;
}

export function createProofs(deps: ProofsDeps): Proofs {
  const { verification, knownChains, resolver, crypto } = deps;
  return {
    examine: async (presented, request) => {
      const prove = presented.kind === 'proof' ? proofOf(presented.proof, deps) : signatureOf(request, deps);
      const known = knownChains.find(encodeBase64url(crypto.sha256(encodeUtf8(presented.chain))));
      const capability = known ?? (await verification.verify(presented.chain));
      const proven = prove(capability, await resolver.resolve(capability.holder), request);
      return { capability, finish: (body) => authenticate(capability, proven, body, deps) };
    },
  };
}

type Prove = (capability: VerifiedCapability, holder: DidKeys, request: ProvenRequest) => Proven;

/** The syntax at once, before anything costs more. */
function proofOf(text: string, { gateway, consumeNonce, verification, crypto }: ProofsDeps): Prove {
  const proof = parseRequestProof(text);
  return ({ cth, links }, holder, request) => {
    const { method, headers } = request;
    const url = expectedUrl(proof, request);
    verifyRequestProof(
      proof,
      { audience: gateway, method, url, cth, headers, holder },
      {
        now: verification.now(),
        crypto,
      },
    );
    return {
      credential: { kind: 'proof', cth, rid: proof.claims.rid, proof: text },
      provenAt: proof.claims.iat,
      finish: (body) => verifyProvenBody(proof, body, { crypto, consumeNonce: of(consumeNonce, links) }),
    };
  };
}

/** Of the share of the root: whoever holds a link could make as many below it as they like. */
function of(consume: Nonces['consume'], [root]: VerifiedCapability['links']): (nonce: string) => void {
  return (nonce) => consume(nonce, root?.lid);
}

/** We see no scheme: behind a proxy the caller's is https. The rest is compared word for word. */
function expectedUrl({ claims }: ParsedRequestProof, { host, target }: ProvenRequest): string {
  return `${claims.htu.startsWith('https:') ? 'https' : 'http'}://${host}${target}`;
}

function signatureOf(
  { rawHeaders }: ProvenRequest,
  { consumeNonce, verification, crypto }: ProofsDeps,
): Prove {
  const parsed = parsePossession(rawHeaders);
  return ({ cth, links }, holder, { method, host, target }) => {
    const request = { method, authority: host, target, headers: rawHeaders };
    const verified = verifyPossession(parsed, request, { now: verification.now(), crypto, holder });
    const rid = verified.rid === undefined ? {} : { rid: verified.rid };
    return {
      credential: { kind: 'signature', cth, ...rid, signature_hash: verified.hash },
      finish: (body) => verifySignedBody(verified, body, { crypto, consumeNonce: of(consumeNonce, links) }),
    };
  };
}

/** The nonce is used up first and in one synchronous step with the last check of the credential; then the chain is
 *  logged, which takes time, and the credential is looked at again. */
async function authenticate(
  capability: VerifiedCapability,
  { credential, provenAt, finish }: Proven,
  body: Uint8Array,
  deps: ProofsDeps,
): Promise<Authenticated> {
  deps.verification.assertInForce(capability, 'read');
  finish(body);
  await deps.events.chain(capability);
  if (deps.knownChains.find(capability.cth) === undefined) deps.knownChains.keep(capability);
  const caller = callerOf(capability, credential, deps);
  return provenAt === undefined ? caller : { ...caller, provenAt };
}
