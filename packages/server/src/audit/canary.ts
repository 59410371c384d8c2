import type { Receipt, TrustFile } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  canonicalBytes,
  parseReceipt,
  parseTrustFile,
  TrustError,
  verifyReceipt,
} from '@talosprotocol/protocol';

/** Checks a receipt as its holder would: from the bytes we answer with, and the trust file we hand out. That witnesses
 *  have seen it is not asked for: logging does not wait for them.
 *  @throws {TrustError} LOG_CORRUPT */
export function assertCanary(
  receipt: Receipt,
  sentId: string,
  file: TrustFile,
  crypto: CryptoProvider,
): void {
  try {
    const logs = file.logs.map(({ origin, vkey }) => ({ origin, vkey }));
    const trust = parseTrustFile(canonicalBytes({ ...file, logs }), crypto);
    const { event } = verifyReceipt(parseReceipt(canonicalBytes(receipt)), trust, crypto);
    if (event.id !== sentId) throw new TrustError('PROOF_NOT_PROVEN', 'the receipt is of another event');
  } catch (cause) {
    throw new TrustError('LOG_CORRUPT', 'the first receipt of this start does not verify', {}, cause);
  }
}
