import type { Bundle } from '@talosprotocol/contracts';
import { equalBytes } from '../crypto/equal.js';
import { decodeBase64url } from '../encoding/base64url.js';
import type { Checkpoint } from '../log/checkpoint.js';
import { type CompactTree, createCompactTree } from '../log/compact-tree.js';
import type { TreeHasher } from '../log/hash.js';
import { planCover } from '../log/range.js';
import { notProven } from './not-proven.js';

/** Leads from the entries of a bundle to the root: each leaf at its index, and between them the subtrees that the
 *  bundle gives by their hashes (AUD-51). */
export interface Cover {
  /** The next entry. @throws {TrustError} PROOF_NOT_PROVEN: not as many hashes as there are subtrees before it */
  add(index: number, before: readonly string[], leafHash: Uint8Array): void;
  /** After the last entry. @throws {TrustError} PROOF_NOT_PROVEN: all this together is another tree */
  close(rest: Bundle['rest'], checkpoint: Checkpoint): void;
}

/** Starts at the log's first leaf. Indexes must be given in order. */
export function createCover(hasher: TreeHasher): Cover {
  const tree = createCompactTree(hasher);
  return {
    add: (index, before, leafHash) => {
      graft(tree, index, before);
      tree.append(leafHash);
    },
    close: (rest, { size, root }) => {
      graft(tree, size, rest);
      if (!equalBytes(tree.root(), root))
        throw notProven('tree', 'the entries and hashes lead to another root than the checkpoint signs');
    },
  };
}

function graft(tree: CompactTree, end: number, hashes: readonly string[]): void {
  const nodes = planCover(tree.size, end);
  if (nodes.length !== hashes.length)
    throw notProven('tree', `${hashes.length} hashes stand for ${nodes.length} subtrees before entry ${end}`);
  for (const [i, { level }] of nodes.entries()) tree.graft(level, decodeBase64url(hashes[i] as string));
}
