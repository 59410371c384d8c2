import {
  createCompactTree,
  createCosigner,
  createNoteSigner,
  createNoteVerifier,
  createTreeHasher,
  encodeUtf8,
  formatAddCheckpoint,
  formatVerifierKey,
  type HashReader,
  makeProof,
  planConsistency,
  rootAt,
  signCheckpoint,
} from '@talosprotocol/protocol';
import { createNodeCrypto } from '@talosprotocol/protocol/node';

export const crypto = createNodeCrypto();
export const hasher = createTreeHasher(crypto.sha256);

const keyOf = (fill: number) => {
  const seed = new Uint8Array(32).fill(fill);
  return {
    publicKey: crypto.ed25519PublicKey(seed),
    sign: (message: Uint8Array) => crypto.ed25519Sign(message, seed),
  };
};

/** A witness's key, from a fixed seed. */
export const cosignerOf = (fill: number, name = 'witness.example/w1') =>
  createCosigner(crypto.sha256, { name, ...keyOf(fill) });

/** A log that may show whatever history it likes, with a key from a fixed seed. */
export interface ForkingLog {
  readonly origin: string;
  readonly vkey: string;
  readonly trusted: {
    readonly origin: string;
    readonly keys: readonly ReturnType<typeof createNoteVerifier>[];
  };
  /** The checkpoint over the first `size` entries of a history. */
  checkpoint(size: number, history?: string): string;
  /** What it asks a witness, with a proof of the history it states. */
  request(oldSize: number, size: number, history?: string): string;
  proof(oldSize: number, size: number, history?: string): readonly Uint8Array[];
}

/** Histories are the same up to entry 2; from there each has its own entries. */
export function forkingLog(origin: string, fill = 1): ForkingLog {
  const { publicKey, sign } = keyOf(fill);
  const vkey = formatVerifierKey(crypto.sha256, origin, publicKey);
  const signer = createNoteSigner(crypto.sha256, { name: origin, publicKey, sign });
  const leaf = (index: number, history: string) =>
    hasher.leaf(encodeUtf8(`entry ${index} ${index < 2 ? '' : history}`));
  const reader =
    (history: string): HashReader =>
    ({ level, index }) => {
      const tree = createCompactTree(hasher);
      for (let at = index * 2 ** level; at < (index + 1) * 2 ** level; at += 1)
        tree.append(leaf(at, history));
      return tree.root();
    };
  const checkpoint: ForkingLog['checkpoint'] = (size, history = 'true') =>
    signCheckpoint({ origin, size, root: rootAt(hasher, reader(history), size), extensions: [] }, [signer]);
  const proof: ForkingLog['proof'] = (oldSize, size, history = 'true') =>
    oldSize === 0 || oldSize === size
      ? []
      : makeProof(hasher, reader(history), planConsistency(oldSize, size));
  return {
    origin,
    vkey,
    trusted: { origin, keys: [createNoteVerifier(crypto, vkey)] },
    checkpoint,
    proof,
    request: (oldSize, size, history) =>
      formatAddCheckpoint({
        oldSize,
        proof: proof(oldSize, size, history),
        checkpoint: checkpoint(size, history),
      }),
  };
}
