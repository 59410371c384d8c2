import { createChecker, Receipt } from '@talosprotocol/contracts';
import { canonicalize, encodeUtf8, TrustError, verifyTlogProof } from '@talosprotocol/protocol';
import { trustedLog } from './checkpoint.js';
import type { Workshop } from './open-log.js';

const check = createChecker(Receipt);

/** Checks a receipt as its holder would, from its own bytes and the log's public key alone.
 *  @throws {TrustError} LOG_CORRUPT */
export function assertCanary(
  receipt: Receipt,
  sentId: string,
  { hasher, key }: Pick<Workshop, 'hasher' | 'key'>,
): void {
  const fault = check(receipt);
  if (fault !== undefined || receipt.event.id !== sentId) {
    throw new TrustError(
      'LOG_CORRUPT',
      `the receipt of the first event is wrong: ${fault ?? 'another event'}`,
    );
  }
  verifyTlogProof(
    hasher,
    receipt.proof,
    hasher.leaf(encodeUtf8(canonicalize(receipt.event))),
    trustedLog(key),
  );
}
