import type { EventOf } from '@talosprotocol/contracts';
import { verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseTime } from '../encoding/time.js';
import { keyFor } from '../identity/did-keys.js';
import { didKeyKeys } from '../identity/resolver.js';
import { PROOF_SKEW, parseProof } from '../session/pop.js';
import type { Chains } from './chains.js';
import { notProven } from './not-proven.js';

/** The sessions a bundle has shown so far. */
export interface Sessions {
  /** @throws {TrustError} PROOF_NOT_PROVEN | SIGNATURE_INVALID | MALFORMED */
  open(event: EventOf<'session.opened'>): void;
  /** Uses up one number of a session. False if its opening lies before the range.
   *  @throws {TrustError} PROOF_NOT_PROVEN: another chain, or a number used twice */
  use(sid: string, seq: number, cth: string): boolean;
}

/** Keeps sessions and the numbers used in them. The proof in an opening shows that the holder of the leaf's key was
 *  there, with this chain, at this gateway (AUD-22). */
export function createSessions(chains: Chains, crypto: CryptoProvider): Sessions {
  const opened = new Map<string, string>();
  const used = new Set<string>();
  return {
    open: (event) => {
      if (opened.has(event.sid)) throw notProven('session', 'a session is opened twice');
      checkProof(event, chains, crypto);
      opened.set(event.sid, event.cth);
    },
    use: (sid, seq, cth) => {
      const key = `${sid} ${seq}`;
      if (used.has(key)) throw notProven('session', `number ${seq} of a session is used twice`);
      used.add(key);
      const known = opened.get(sid);
      if (known !== undefined && known !== cth)
        throw notProven('session', 'the session was opened with another chain');
      return known !== undefined;
    },
  };
}

function checkProof(event: EventOf<'session.opened'>, chains: Chains, crypto: CryptoProvider): void {
  const { jws, claims } = parseProof(event.proof);
  if (claims.cth !== event.cth) throw notProven('session', 'the proof is for another chain');
  if (claims.aud !== event.emitter) throw notProven('session', 'the proof is for another gateway');
  const seconds = parseTime(event.time) / 1000;
  if (Math.abs(seconds - claims.iat) > PROOF_SKEW + 5)
    throw notProven('session', 'the proof is of another time');
  const capability = chains.find(event.cth);
  if (capability === undefined) return;
  if (event.principal?.sub !== capability.holder)
    throw notProven('session', 'the session is of another subject than its chain');
  verifyJwsSignature(jws, keyFor(didKeyKeys(capability.holder), jws.header.kid, 'authentication'), crypto);
}
