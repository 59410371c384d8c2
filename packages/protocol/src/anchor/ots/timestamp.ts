import { malformed } from '../../error.js';
import { encodeAttestation, type OtsAttestation, readAttestation } from './attestation.js';
import { applyOp, type OtsOp, readOp } from './op.js';
import { createOtsReader, encodeOtsNumber, type OtsReader } from './reader.js';

/** A message and what is known of it, in the order of the file: who attests it, and which operations lead to other
 *  messages. Never empty in what was parsed. */
export interface OtsTimestamp {
  readonly message: Uint8Array;
  readonly branches: readonly OtsBranch[];
}

/** One thing known of a message. */
export type OtsBranch =
  | { readonly attestation: OtsAttestation }
  | { readonly op: OtsOp; readonly result: OtsTimestamp };

const FORK = 0xff;
const ATTESTATION = 0x00;

/** Most operations one after the other; as in python-opentimestamps. */
const MAX_DEPTH = 256;

/** Reads the timestamp of a message, as a calendar answers it, and computes all messages in it.
 *  @throws {TrustError} MALFORMED: also with bytes behind the end, an operation that is not known, more than 256
 *  operations on each other, or a message of more than 4,096 bytes */
export function parseOtsTimestamp(bytes: Uint8Array, message: Uint8Array): OtsTimestamp {
  const reader = createOtsReader(bytes);
  const timestamp = readTimestamp(reader, message);
  reader.end();
  return timestamp;
}

/** As parseOtsTimestamp, of what comes next. */
export function readTimestamp(reader: OtsReader, message: Uint8Array, depth = 0): OtsTimestamp {
  if (depth > MAX_DEPTH) throw malformed('a timestamp with too many operations');
  const branches: OtsBranch[] = [];
  for (let isLast = false; !isLast; ) {
    const tag = reader.byte();
    isLast = tag !== FORK;
    branches.push(readBranch(reader, isLast ? tag : reader.byte(), message, depth));
  }
  return { message, branches };
}

function readBranch(reader: OtsReader, tag: number, message: Uint8Array, depth: number): OtsBranch {
  if (tag === ATTESTATION) return { attestation: readAttestation(reader) };
  const op = readOp(tag, reader);
  return { op, result: readTimestamp(reader, applyOp(op, message), depth + 1) };
}

/** Writes what `parseOtsTimestamp` reads, with branches in their order.
 *  @throws {TypeError} a message without branches */
export function encodeOtsTimestamp({ branches }: OtsTimestamp): Uint8Array {
  if (branches.length === 0) throw new TypeError('a message of which nothing is known has no timestamp');
  return Uint8Array.from(
    branches.flatMap((branch, index) => [
      ...(index + 1 < branches.length ? [FORK] : []),
      ...encodeBranch(branch),
    ]),
  );
}

function encodeBranch(branch: OtsBranch): number[] {
  if ('attestation' in branch) return [ATTESTATION, ...encodeAttestation(branch.attestation)];
  const { op, result } = branch;
  const argument = op.argument === undefined ? [] : [...encodeOtsNumber(op.argument.length), ...op.argument];
  return [op.tag, ...argument, ...encodeOtsTimestamp(result)];
}

/** Every attestation in a timestamp, with the message it is of. */
export function attestationsOf(
  timestamp: OtsTimestamp,
): { readonly message: Uint8Array; readonly attestation: OtsAttestation }[] {
  return timestamp.branches.flatMap((branch) =>
    'attestation' in branch
      ? [{ message: timestamp.message, attestation: branch.attestation }]
      : attestationsOf(branch.result),
  );
}
