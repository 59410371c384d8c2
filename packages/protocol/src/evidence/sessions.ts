import type { EventOf } from '@talosprotocol/contracts';
import { verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { parseTime } from '../encoding/time.js';
import { keyFor } from '../identity/did-keys.js';
import { didKeyKeys } from '../identity/resolver.js';
import { SESSION_SECONDS } from '../session/grant.js';
import { PROOF_SKEW, parseProof } from '../session/pop.js';
import type { Chains } from './chains.js';
import { notProven } from './not-proven.js';

/** The sessions a bundle has shown so far. */
export interface Sessions {
  /** @throws {TrustError} PROOF_NOT_PROVEN | SIGNATURE_INVALID | MALFORMED */
  open(event: EventOf<'session.opened'>): void;
  /** Uses up one number of a session, at `time` in Unix milliseconds, unless that was done where the call goes on from. False if
   *  the opening lies before the range.
   *  @throws {TrustError} PROOF_NOT_PROVEN: another chain, a number used twice, or a session that has ended */
  use(call: NumberedCall, time: number): boolean;
}

interface NumberedCall {
  readonly sid: string;
  readonly seq: number;
  readonly cth: string;
  readonly goesOn: boolean;
}

interface Opened {
  readonly cth: string;
  /** Unix milliseconds. */
  readonly exp: number;
}

/** An event is stamped when it is put in order: after what it tells of was checked, at most so much. */
const RECORD_MS = 60_000;

/** Keeps sessions and the numbers used in them. The proof in an opening shows that the holder of the leaf's key was
 *  there, with this chain, at this gateway (AUD-22). It opens one session, for an hour at most (SES-1, SES-4).
 *  `isClosed` says whether the chain of the event at hand must have been seen. */
export function createSessions(chains: Chains, crypto: CryptoProvider, isClosed: () => boolean): Sessions {
  const opened = new Map<string, Opened>();
  const missed = new Set<string>();
  const proofs = new Set<string>();
  const used = new Set<string>();
  return {
    open: (event) => {
      const { sid, cth, proof } = event;
      if (opened.has(sid)) throw notProven('session', 'a session is opened twice');
      if (missed.has(sid)) throw notProven('session', 'a session is opened after a call in it');
      if (proofs.has(proof)) throw notProven('session', 'one proof opens two sessions');
      checkProof(event, chains, crypto, isClosed);
      proofs.add(proof);
      opened.set(sid, { cth, exp: endOf(event) });
    },
    use: ({ sid, seq, cth, goesOn }, time) => {
      const key = `${sid} ${seq}`;
      if (used.has(key) && !goesOn) throw notProven('session', `number ${seq} of a session is used twice`);
      used.add(key);
      const known = opened.get(sid);
      if (known === undefined) {
        missed.add(sid);
        return false;
      }
      if (known.cth !== cth) throw notProven('session', 'the session was opened with another chain');
      if (time > known.exp + RECORD_MS) throw notProven('session', 'the session had ended');
      return true;
    },
  };
}

function endOf({ exp, time }: EventOf<'session.opened'>): number {
  const end = parseTime(exp);
  if (end - parseTime(time) <= SESSION_SECONDS * 1000 + RECORD_MS) return end;
  throw notProven('session', 'a session that lasts longer than an hour');
}

function checkProof(
  event: EventOf<'session.opened'>,
  chains: Chains,
  crypto: CryptoProvider,
  isClosed: () => boolean,
): void {
  const { jws, claims } = parseProof(event.proof);
  if (claims.cth !== event.cth) throw notProven('session', 'the proof is for another chain');
  if (claims.htm !== 'POST') throw notProven('session', 'the proof is for another request');
  if (claims.aud !== event.emitter) throw notProven('session', 'the proof is for another gateway');
  const seconds = parseTime(event.time) / 1000;
  if (Math.abs(seconds - claims.iat) > PROOF_SKEW + RECORD_MS / 1000)
    throw notProven('session', 'the proof is of another time');
  const chain = chains.find(event.cth);
  if (chain === undefined) {
    if (isClosed()) throw notProven('session', 'the chain of a session was never logged');
    return;
  }
  if (event.principal?.sub !== chain.holder || event.principal.prn !== chain.principal)
    throw notProven('session', 'the session is of another subject than its chain');
  verifyJwsSignature(jws, keyFor(didKeyKeys(chain.holder), jws.header.kid, 'authentication'), crypto);
}
