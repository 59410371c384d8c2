import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import { createTreeHasher } from '../hash.js';
import {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  type NoteCrypto,
  type NoteSigner,
  type NoteVerifier,
} from '../note-key.js';

/** For tests: the tree hashes over a real SHA-256. */
export const hasher = createTreeHasher(sha256);

/** For tests: real signatures. */
export const crypto: NoteCrypto = {
  sha256,
  ed25519Verify: (publicKey, message, signature) => ed25519.verify(signature, message, publicKey),
};

/** The root of RFC 6962 section 2.1, written down as it stands there and sharing no code with the tree. */
export function slowRoot(entries: readonly Uint8Array[]): Uint8Array {
  const [first] = entries;
  if (first === undefined) return sha256(new Uint8Array());
  if (entries.length === 1) return sha256(Uint8Array.of(0, ...first));
  const k = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  return sha256(Uint8Array.of(1, ...slowRoot(entries.slice(0, k)), ...slowRoot(entries.slice(k))));
}

/** Entries that all differ. */
export function sampleEntries(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => encodeUtf8(`entry ${i}`));
}

/** A named key from a fixed seed, both halves. */
export function sampleKey(
  name: string,
  seed: number,
): { vkey: string; signer: NoteSigner; verifier: NoteVerifier } {
  const secret = new Uint8Array(32).fill(seed);
  const publicKey = ed25519.getPublicKey(secret);
  const vkey = formatVerifierKey(sha256, name, publicKey);
  const sign = (message: Uint8Array): Uint8Array => ed25519.sign(message, secret);
  return {
    vkey,
    signer: createNoteSigner(sha256, { name, publicKey, sign }),
    verifier: createNoteVerifier(crypto, vkey),
  };
}
