import { MAX_OTS_BYTES } from '@talosprotocol/contracts';
import {
  appendOp,
  applyOp,
  encodeOtsFile,
  equalBytes,
  type OtsBranch,
  type OtsOp,
  type OtsTimestamp,
  SHA256_OP,
} from '@talosprotocol/protocol';

/** Puts what a calendar found in the place of its promise for that message; the rest stays as it is. */
export function keepPromise(timestamp: OtsTimestamp, found: OtsTimestamp): OtsTimestamp {
  const { message, branches } = timestamp;
  const isHere = equalBytes(message, found.message);
  return {
    message,
    branches: branches.flatMap((branch): readonly OtsBranch[] => {
      if ('op' in branch) return [{ op: branch.op, result: keepPromise(branch.result, found) }];
      return isHere && branch.attestation.kind === 'pending' ? found.branches : [branch];
    }),
  };
}

/** What is handed to calendars in place of a digest, so that they do not learn it: the digest, 16 random bytes behind it,
 *  hashed. */
export function blind(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  return applyOp(SHA256_OP, applyOp(appendOp(nonce), digest));
}

/** The `.ots` file of the digest from what calendars made of the blinded one; those that find no room are left out. */
export function makeOtsFile(
  digest: Uint8Array,
  nonce: Uint8Array,
  timestamps: readonly OtsTimestamp[],
): Uint8Array {
  const message = blind(digest, nonce);
  for (let count = timestamps.length; ; count--) {
    const branches = timestamps.slice(0, count).flatMap((timestamp) => timestamp.branches);
    const appended = applyOp(appendOp(nonce), digest);
    const hashed = step(appended, SHA256_OP, { message, branches });
    const file = encodeOtsFile({ hash: SHA256_OP.tag, timestamp: step(digest, appendOp(nonce), hashed) });
    if (file.length <= MAX_OTS_BYTES || count === 1) return file;
  }
}

function step(message: Uint8Array, op: OtsOp, result: OtsTimestamp): OtsTimestamp {
  return { message, branches: [{ op, result }] };
}
