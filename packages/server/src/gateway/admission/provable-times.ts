import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import type { Authenticated } from './ports.js';

/** A session's calls may be recorded so long after its end (AUD-22). */
const SESSION_RECORD_SECONDS = 60;

const NEVER = Number.POSITIVE_INFINITY;

/** And a call with a proof of its own so long after the proof was made. */
const PROOF_RECORD_SECONDS = 300;

/** Unix milliseconds between which an allowed call under this credential is accepted by a verifier (AUD-22). */
export function provableTimes({ capability, sessionEnds = NEVER, provenAt = NEVER }: Authenticated) {
  const { skewSeconds } = CHAIN_LIMITS;
  const begins = capability.links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0));
  const ends = Math.min(
    capability.expires + skewSeconds,
    sessionEnds + SESSION_RECORD_SECONDS,
    provenAt + PROOF_RECORD_SECONDS,
  );
  return { notBefore: (Math.max(...begins) - skewSeconds) * 1000, notAfter: ends * 1000 };
}
