import type { EarlierTree } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { decodeHex } from '../encoding/hex.js';
import { parseJsonObject } from '../encoding/json.js';
import { decodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { verifyCheckpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { verifyConsistency } from '../log/proof-check.js';
import { parseTlogProof } from '../log/tlog-proof.js';
import { asProof } from './as-proof.js';
import { notProven } from './not-proven.js';
import type { Trust } from './trust-file.js';

/** The newer side: what was verified of a bundle. */
export interface NewerTree {
  readonly origin: string;
  readonly size: number;
  /** hex */
  readonly root: string;
  readonly earlier: readonly EarlierTree[];
}

/** Proves that a checkpoint somebody kept is a beginning of a bundle's tree: since then nothing was changed, removed or
 *  put in between (AUD-60). Gives its size.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function verifyEarlier(
  { origin, size, root, earlier }: NewerTree,
  note: string,
  trust: Pick<Trust, 'logs'>,
  crypto: CryptoProvider,
): number {
  return asProof('earlier', () => {
    const log = trust.logs.get(origin);
    if (log === undefined) throw notProven('earlier', `the trust file has no log ${origin}`);
    // Who keeps a checkpoint need not have waited for its witnesses.
    const old = verifyCheckpoint(note, { origin, keys: log.keys });
    if (old.size > size)
      throw notProven('earlier', `the earlier checkpoint has ${old.size} entries, the bundle's has ${size}`);
    const proof = old.size === size ? [] : earlier.find((one) => one.size === old.size)?.consistency;
    if (proof === undefined)
      throw notProven(
        'earlier',
        `the bundle has no proof from ${old.size} entries on; it is exported with one if what you kept is named there (--earlier)`,
      );
    verifyConsistency(createTreeHasher(crypto.sha256), {
      oldSize: old.size,
      oldRoot: old.root,
      newSize: size,
      newRoot: decodeHex(root),
      proof: proof.map(decodeBase64url),
    });
    return old.size;
  });
}

/** The checkpoint in a file that somebody kept: a bundle, a receipt, or the signed note itself. Nothing is verified.
 *  @throws {TrustError} MALFORMED */
export function checkpointOf(bytes: Uint8Array): string {
  if (bytes[0] !== OPEN) return decodeUtf8(bytes);
  const { checkpoint, proof } = parseJsonObject(bytes, { maxBytes: bytes.length, floats: true });
  if (typeof checkpoint === 'string') return checkpoint;
  if (typeof proof === 'string') return parseTlogProof(proof).checkpoint;
  throw malformed('a file without a checkpoint');
}

const OPEN = 0x7b;
