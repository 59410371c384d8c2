import { TrustError } from '@talosprotocol/protocol';
import { corrupt } from '../corrupt.js';

/** What is asked for was pruned: it is on record that it went, and nothing is wrong. */
export function prunedError(what: string, below: number): TrustError {
  return new TrustError('PRUNED', `${what}: the bodies of events below index ${below} are gone`, {
    hint: `Ask for what is at index ${below} or later. Bundles and receipts that were exported before still verify.`,
  });
}

/** Of an event of the log whose row is not there, while bodies below an index are gone. */
export function goneError(index: number, below: number): TrustError {
  if (index < below) return prunedError(`event ${index} was pruned`, below);
  return corrupt(`the database has no event ${index}, which the log has`);
}
