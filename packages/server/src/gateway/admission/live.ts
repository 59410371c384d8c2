import { checkInForce, TrustError } from '@talosprotocol/protocol';
import type { AdmissionDeps, Call } from './call.js';
import type { Authenticated } from './ports.js';

/** Asked after every wait: what was verified may have ended meanwhile. */
export function assertLive(
  { clock }: Pick<AdmissionDeps, 'clock'>,
  caller: Authenticated,
  { op }: Call,
): void {
  checkInForce(caller.capability, { now: Math.floor(clock.now() / 1000) });
  if (!caller.isLive(op)) throw new TrustError('REVOKED', 'the credential is not in force any more');
}

/** A running watch. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Set once the credential is dead. */
  reason(): TrustError | undefined;
  end(): void;
}

/** Joins the two things that end a call early: its credential dies, or nobody waits for the answer. */
export function watch(caller: Authenticated, { cancelled }: Call): Watch {
  const controller = new AbortController();
  let revoked: TrustError | undefined;
  const unsubscribe = caller.onRevoked(() => {
    revoked = new TrustError('REVOKED', 'the credential was revoked during the call');
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
