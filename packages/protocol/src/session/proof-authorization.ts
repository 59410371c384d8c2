import { malformed } from '../error.js';

/** Length of a proof and of the scheme before it. */
const MAX_LENGTH = 8192 + 'Talos-PoP '.length;
const HEADER = /^Talos-PoP ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/;

/** Writes the `Authorization` header of a request with a proof of its own (SES-13). The chain goes into
 *  `Talos-Capability`. */
export function formatProofAuthorization(proof: string): string {
  return `Talos-PoP ${proof}`;
}

/** Reads the proof out of an `Authorization` header; it is parsed by `parseRequestProof`.
 *  @throws {TrustError} MALFORMED */
export function parseProofAuthorization(value: string): string {
  const proof = value.length <= MAX_LENGTH ? HEADER.exec(value)?.[1] : undefined;
  if (proof === undefined) throw malformed('a Talos-PoP authorization that is not one proof');
  return proof;
}

/** True for a value that claims the Talos-PoP scheme, well formed or not. */
export function isProofAuthorization(value: string): boolean {
  return /^talos-pop(?: |$)/i.test(value);
}
