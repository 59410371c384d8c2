import { TrustError } from '@talosprotocol/protocol';

/** What is asked for was pruned: it is on record that it went, and nothing is wrong. */
export function prunedError(what: string, below: number): TrustError {
  return new TrustError('PRUNED', `${what}: the bodies of events below index ${below} are gone`, {
    hint: `Ask for what is at index ${below} or later. Bundles and receipts that were exported before still verify.`,
  });
}
