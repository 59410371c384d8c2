import { MAX_OTS_BYTES } from '@talosprotocol/contracts';
import { equalBytes } from '../../crypto/equal.js';
import { decodeHex } from '../../encoding/hex.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { malformed } from '../../error.js';
import { SHA256_OP } from './op.js';
import { createOtsReader } from './reader.js';
import { encodeOtsTimestamp, type OtsTimestamp, readTimestamp } from './timestamp.js';

/** `\0OpenTimestamps\0\0Proof\0` and eight bytes that no text has; then the version. */
const MAGIC = Uint8Array.from([
  ...encodeUtf8('\u0000OpenTimestamps\u0000\u0000Proof\u0000'),
  ...decodeHex('bf89e2e884e89294'),
]);
const VERSION = 1;

/** Lengths of the digests a file may be of, by the tag of their operation: SHA-1, RIPEMD-160, SHA-256, Keccak-256. */
const DIGESTS: Readonly<Record<number, number>> = { 2: 20, 3: 20, 8: 32, 103: 32 };

/** A detached timestamp: of the digest of a file. `hash` is the tag of the operation the digest was made with. */
export interface OtsFile {
  readonly hash: number;
  readonly timestamp: OtsTimestamp;
}

/** Reads a detached timestamp, that is an `.ots` file.
 *  @throws {TrustError} MALFORMED, also for more than 16,384 bytes */
export function parseOtsFile(bytes: Uint8Array): OtsFile {
  if (bytes.length > MAX_OTS_BYTES) throw malformed('a timestamp that is too large');
  const reader = createOtsReader(bytes);
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) throw malformed('a file that is no timestamp');
  if (reader.number() !== VERSION) throw malformed('a timestamp of another version');
  const hash = reader.byte();
  const length = DIGESTS[hash];
  if (length === undefined) throw malformed('a timestamp of a digest that is not known');
  const timestamp = readTimestamp(reader, reader.bytes(length));
  reader.end();
  return { hash, timestamp };
}

/** Writes a detached timestamp.
 *  @throws {TypeError} a message without branches */
export function encodeOtsFile({ hash, timestamp }: OtsFile): Uint8Array {
  const head = [...MAGIC, VERSION, hash, ...timestamp.message];
  return Uint8Array.from([...head, ...encodeOtsTimestamp(timestamp)]);
}

/** True for a file whose digest is a SHA-256. */
export function isOfSha256({ hash }: OtsFile): boolean {
  return hash === SHA256_OP.tag;
}
