import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import { checkInForce, isTrustError, TrustError } from '@talosprotocol/protocol';
import type { AdmissionDeps, Call } from './call.js';
import type { Authenticated } from './ports.js';
import { provableTimes } from './provable-times.js';

/** A decision's event is stamped when it is put in order, after the last look at the credential. Its time must still
 *  lie within what a verifier forgives (AUD-22), or one late call would make the whole log unverifiable: so the last
 *  seconds of the skew belong to the log. */
const RECORD_SECONDS = 20;

/** Asked after every wait: what was verified may have ended meanwhile. */
export function assertLive(
  { clock }: Pick<AdmissionDeps, 'clock'>,
  caller: Authenticated,
  { op }: Pick<Call<unknown>, 'op'>,
): void {
  const now = Math.floor(clock.now() / 1000);
  checkInForce(caller.capability, { now });
  const { expires, links } = caller.capability;
  if (!(now < expires + CHAIN_LIMITS.skewSeconds - RECORD_SECONDS)) {
    const link = links.findIndex(({ claims }) => claims.exp === expires) + 1;
    throw new TrustError('EXPIRED', 'too late for the call to be recorded in time', { link });
  }
  caller.assertLive(op);
}

/** Asked before a call is dispatched, which is while it is recorded. Where it goes on from another one, or was looked at for long,
 *  its proof or session may be of a time too long ago for the log: it would have been made, and not be on record. */
export function assertRecordable({ clock }: Pick<AdmissionDeps, 'clock'>, caller: Authenticated): void {
  if (clock.now() < provableTimes(caller).notAfter - RECORD_SECONDS * 1000) return;
  throw new TrustError('UNAVAILABLE', 'too late for the call to be recorded in time', {
    hint: 'Make the call again, with a new proof.',
  });
}

/** A running watch. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Set once the credential is dead. */
  reason(): TrustError | undefined;
  end(): void;
}

/** Joins the two things that end a call early: its credential is revoked, or nobody waits for the answer (DEC-13).
 *  Time running out is neither: who gave the capability said from the start how long it lasts, and an upstream that is
 *  cut off in a write leaves more harm than one that ends it. So a running call goes on past the expiry, up to its
 *  time limit; its answer is looked at like any other (DEC-4), and is EXPIRED. */
export function watch(caller: Authenticated, call: Pick<Call<unknown>, 'cancelled' | 'op'>): Watch {
  const { cancelled, op } = call;
  const controller = new AbortController();
  let revoked: TrustError | undefined;
  const unsubscribe = caller.onRevoked(() => {
    revoked = revocationOf(caller, op);
    controller.abort(revoked);
  });
  const onCancel = (): void => controller.abort(new TrustError('UNAVAILABLE', 'the call was cancelled'));
  if (cancelled?.aborted) onCancel();
  cancelled?.addEventListener('abort', onCancel, { once: true });
  return {
    signal: controller.signal,
    reason: () => revoked,
    end: () => {
      unsubscribe();
      cancelled?.removeEventListener('abort', onCancel);
    },
  };
}

/** What ended it, as far as the credential itself tells. */
function revocationOf(caller: Authenticated, op: 'read' | 'write'): TrustError {
  try {
    caller.assertLive(op);
  } catch (error) {
    if (isTrustError(error) && error.code === 'REVOKED') return error;
  }
  return new TrustError('REVOKED', 'the credential was revoked during the call');
}
