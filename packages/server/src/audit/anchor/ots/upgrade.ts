import {
  appendOp,
  applyOp,
  encodeOtsFile,
  encodeOtsTimestamp,
  equalBytes,
  isTrustError,
  type OtsBranch,
  type OtsOp,
  type OtsTimestamp,
  parseOtsFile,
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

/** A digest and what blinds it. */
export interface Blinding {
  readonly digest: Uint8Array;
  readonly nonce: Uint8Array;
}

/** Whether a file of it alone is one that whoever verifies reads: what two answers come to may be more than either. */
export function makesFile(blinding: Blinding, timestamp: OtsTimestamp): boolean {
  return isReadable(encodeAll(blinding, [timestamp]));
}

/** The `.ots` file of the digest from what calendars made of the blinded one, each of which `makesFile`. The shortest come
 *  first, so that a calendar that pads its answers takes no room from others; those that find none are left out. */
export function makeOtsFile(blinding: Blinding, timestamps: readonly OtsTimestamp[]): Uint8Array {
  const lengths = new Map(timestamps.map((one) => [one, encodeOtsTimestamp(one).length]));
  const sorted = timestamps.toSorted((a, b) => (lengths.get(a) ?? 0) - (lengths.get(b) ?? 0));
  for (let count = sorted.length; ; count--) {
    const file = encodeAll(blinding, sorted.slice(0, count));
    if (count === 1 || isReadable(file)) return file;
  }
}

function encodeAll({ digest, nonce }: Blinding, timestamps: readonly OtsTimestamp[]): Uint8Array {
  const branches = timestamps.flatMap((timestamp) => timestamp.branches);
  const hashed = step(applyOp(appendOp(nonce), digest), SHA256_OP, {
    message: blind(digest, nonce),
    branches,
  });
  return encodeOtsFile({ hash: SHA256_OP.tag, timestamp: step(digest, appendOp(nonce), hashed) });
}

function isReadable(file: Uint8Array): boolean {
  try {
    parseOtsFile(file);
    return true;
  } catch (error) {
    if (isTrustError(error)) return false;
    throw error;
  }
}

function step(message: Uint8Array, op: OtsOp, result: OtsTimestamp): OtsTimestamp {
  return { message, branches: [{ op, result }] };
}
