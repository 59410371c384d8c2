import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import type { Authenticated } from './ports.js';

/** A session's calls may be recorded so long after its end (AUD-22). */
const SESSION_RECORD_SECONDS = 60;

/** Unix milliseconds between which an allowed call under this credential is accepted by a verifier (AUD-22). */
export function provableTimes({ capability, sessionEnds = Number.POSITIVE_INFINITY }: Authenticated) {
  const { skewSeconds } = CHAIN_LIMITS;
  const begins = capability.links.map(({ claims }) => Math.max(claims.iat, claims.nbf ?? 0));
  const ends = Math.min(capability.expires + skewSeconds, sessionEnds + SESSION_RECORD_SECONDS);
  return { notBefore: (Math.max(...begins) - skewSeconds) * 1000, notAfter: ends * 1000 };
}
