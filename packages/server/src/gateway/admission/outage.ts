import { TrustError } from '@talosprotocol/protocol';

/** The store or the sink cannot be used: nothing can be decided or recorded, so nothing is. `cause` is why. */
export class Outage extends Error {}

const OUTAGES: readonly string[] = ['UNAVAILABLE', 'DISK_FULL', 'INTERNAL'];

/** For what store and sink reject with: a refusal of theirs stays one, all else is an outage. */
export function throwOutage(error: unknown): never {
  if (error instanceof TrustError && !OUTAGES.includes(error.code)) throw error;
  throw new Outage('', { cause: error });
}

/** Rethrows what is no refusal. */
export function rethrowOutage(error: unknown): void {
  if (error instanceof TrustError && !OUTAGES.includes(error.code)) return;
  throw error;
}
