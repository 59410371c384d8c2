import type { AnchoredTree } from '@talosprotocol/contracts';
import { verifyAnchor } from '../anchor/anchor.js';
import type { AnchorFacts } from '../anchor/verified-anchor.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url } from '../encoding/base64url.js';
import { decodeHex } from '../encoding/hex.js';
import { isTrustError } from '../error.js';
import type { Checkpoint } from '../log/checkpoint.js';
import { createTreeHasher } from '../log/hash.js';
import { verifyConsistency } from '../log/proof-check.js';
import { notProven } from './not-proven.js';
import type { Trust } from './trust-file.js';

/** A chain anchor in a bundle: which tree, and what of the chain is proven, or why it is not. */
export interface ReportedAnchor {
  readonly kind: AnchorFacts['kind'];
  /** Of the tree that was anchored, which the checkpoint's tree continues. */
  readonly size: number;
  readonly proven: AnchorFacts | undefined;
  /** Why not. */
  readonly reason: string | undefined;
  /** What of the trust file would help. */
  readonly hint: string | undefined;
}

/** Checks an anchor of a bundle (AUD-59). One whose block or contract the auditor does not trust proves nothing, and
 *  takes nothing from the rest; one of a tree that the checkpoint does not continue is a log that was split.
 *  @throws {TrustError} PROOF_NOT_PROVEN */
export function checkAnchor(
  { proof, consistency }: AnchoredTree,
  { origin, size, root }: Checkpoint,
  trust: Pick<Trust, 'chains'>,
  crypto: CryptoProvider,
): ReportedAnchor {
  if (proof.origin !== origin) throw notProven('anchor', 'an anchor is of another log');
  verifyConsistency(createTreeHasher(crypto.sha256), {
    oldSize: proof.size,
    oldRoot: decodeHex(proof.root),
    newSize: size,
    newRoot: root,
    proof: consistency.map(decodeBase64url),
  });
  return { kind: proof.kind, size: proof.size, ...provenOf(proof, trust) };
}

function provenOf(
  proof: AnchoredTree['proof'],
  { chains }: Pick<Trust, 'chains'>,
): Pick<ReportedAnchor, 'proven' | 'reason' | 'hint'> {
  try {
    const { kind, chain, number, time } = verifyAnchor(proof, chains);
    return { proven: { kind, chain, number, time }, reason: undefined, hint: undefined };
  } catch (error) {
    if (!isTrustError(error)) throw error;
    const { reason, hint } = error.data;
    return { proven: undefined, reason, hint };
  }
}
