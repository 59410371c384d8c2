import type { DecisionEvent } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseTime } from '../encoding/time.js';
import { didKeyKeys } from '../identity/resolver.js';
import { PROOF_SKEW, verifyHolder } from '../session/pop.js';
import { parseRequestProof } from '../session/proof-request.js';
import { notProven } from './not-proven.js';

/** The proofs of single requests that a bundle has shown so far (AUD-22). */
export interface Proofs {
  /** Uses up what an allowed call, whose form was checked, was proven by: each proof and each signature is there for one call.
   *  @throws {TrustError} PROOF_NOT_PROVEN | MALFORMED */
  use(event: DecisionEvent): void;
  /** Checks that the agent itself said so: its proof is of this chain, gateway, time and logical call, and signed by
   *  the holder. A message signature is known by its hash only, and proves no more than the gateway's word.
   *  @throws {TrustError} PROOF_NOT_PROVEN | PROOF_INVALID | MALFORMED */
  check(event: DecisionEvent, holder: string): void;
}

/** A call is recorded at most so long after its proof was made, in seconds. */
const RECORD_SECONDS = 300;

/** Keeps the proofs that were used. */
export function createProofs(crypto: CryptoProvider): Proofs {
  const used = new Set<string>();
  return {
    use: ({ credential }) => {
      const { kind } = credential;
      if (kind !== 'proof' && kind !== 'signature') return;
      const proof = (kind === 'proof' ? credential.proof : credential.signature_hash) as string;
      if (used.has(proof)) throw notProven('proof', 'one proof is used for two calls');
      used.add(proof);
    },
    check: ({ credential, emitter, time }, holder) => {
      if (credential.kind !== 'proof' || credential.proof === undefined) return;
      const { jws, claims } = parseRequestProof(credential.proof);
      if (claims.cth !== credential.cth) throw notProven('proof', 'the proof is for another chain');
      if (claims.rid !== credential.rid) throw notProven('proof', 'the proof is for another logical call');
      if (claims.htm !== 'POST') throw notProven('proof', 'the proof is for another request');
      if (claims.aud !== emitter) throw notProven('proof', 'the proof is for another gateway');
      const age = parseTime(time) / 1000 - claims.iat;
      if (age < -PROOF_SKEW || age > RECORD_SECONDS) throw notProven('proof', 'the proof is of another time');
      verifyHolder(jws, didKeyKeys(holder), crypto);
    },
  };
}
