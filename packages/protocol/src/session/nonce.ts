import { equalBytes } from '../crypto/equal.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { TrustError } from '../error.js';

/** Milliseconds a nonce may be used after it was given (SES-1). */
export const NONCE_LIFETIME = 60_000;

const BODY = 24;
const TEXT = /^[A-Za-z0-9_-]{54}$/;

/** What nonces need from outside. */
export interface NonceDeps {
  readonly crypto: CryptoProvider;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  /** How many used nonces are remembered per minute; default 262,144. One party may use a quarter of them. */
  readonly capacity?: number;
}

/** Gives nonces and takes each back once. */
export interface Nonces {
  /** A new nonce, and until when it may be used, in Unix milliseconds. */
  issue(): { readonly nonce: string; readonly expires: number };
  /** Uses a nonce up. `party` is who may not use up those of others, such as a root link; without one nobody is asked.
   *  @throws {TrustError} PROOF_INVALID: not of this start of this node, expired, or used before; MALFORMED;
   *  UNAVAILABLE: too many were used within a minute, by all or by this party */
  consume(nonce: string, party?: string): void;
}

/** Makes the single-use nonces of SES-1: expiry (8 bytes), 16 random bytes and 16 bytes of HMAC-SHA256 under a key
 *  made here, which never leaves and dies with the process: so asking for nonces costs no memory, and none of
 *  another node or an earlier start is accepted. Only used ones are remembered, until they have expired. */
export function createNonces(deps: NonceDeps): Nonces {
  const { crypto, random } = deps;
  const key = random(32);
  const used = createUsedNonces(deps.capacity ?? 262_144);
  let latest = 0;

  /** A clock that is set back must not make a forgotten nonce valid again. */
  function now(): number {
    latest = Math.max(latest, deps.now());
    return latest;
  }

  function issue(): { nonce: string; expires: number } {
    const expires = now() + NONCE_LIFETIME;
    const bytes = new Uint8Array(BODY + 16);
    new DataView(bytes.buffer).setFloat64(0, expires);
    bytes.set(random(16), 8);
    bytes.set(authenticate(bytes.subarray(0, BODY)), BODY);
    return { nonce: encodeBase64url(bytes), expires };
  }

  function authenticate(body: Uint8Array): Uint8Array {
    return crypto.hmacSha256(key, body).subarray(0, 16);
  }

  function consume(nonce: string, party?: string): void {
    if (!TEXT.test(nonce)) throw refused('is not of this gateway');
    const bytes = decodeBase64url(nonce);
    const body = bytes.subarray(0, BODY);
    if (!equalBytes(bytes.subarray(BODY), authenticate(body))) throw refused('is not of this gateway');
    const time = now();
    if (time >= new DataView(body.buffer).getFloat64(0)) throw refused('has expired');
    used.add(nonce, time, party);
  }

  return { issue, consume };
}

/** Two generations of at least a nonce's lifetime each: what is dropped with the older one has expired. */
function createUsedNonces(capacity: number): {
  add(nonce: string, now: number, party: string | undefined): void;
} {
  const share = Math.ceil(capacity / 4);
  let current = new Set<string>();
  let previous = new Set<string>();
  let byParty = new Map<string, number>();
  let began = 0;

  function turn(now: number): void {
    if (now - began < NONCE_LIFETIME) return;
    previous = now - began < 2 * NONCE_LIFETIME ? current : new Set();
    current = new Set();
    byParty = new Map();
    began = now;
  }

  return {
    add(nonce, now, party) {
      turn(now);
      if (current.has(nonce) || previous.has(nonce)) throw refused('was used before');
      if (current.size >= capacity) throw tooMany('too many nonces were used within a minute');
      if (party !== undefined) {
        const count = byParty.get(party) ?? 0;
        if (count >= share) throw tooMany('too many nonces were used below one root link within a minute');
        byParty.set(party, count + 1);
      }
      current.add(nonce);
    },
  };
}

function tooMany(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason, {
    hint: 'Try again in a minute; a session needs one nonce for all of its requests.',
  });
}

function refused(why: string): TrustError {
  return new TrustError('PROOF_INVALID', `the nonce ${why}`, {
    caveat: 'nonce',
    hint: 'Ask the gateway for another nonce and make a new proof with it at once.',
  });
}
