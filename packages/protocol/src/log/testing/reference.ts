import { portableCrypto } from '../../crypto/portable.js';
import { encodeUtf8 } from '../../encoding/utf8.js';
import {
  type CosignatureVerifier,
  type Cosigner,
  createCosignatureVerifier,
  createCosigner,
} from '../cosignature.js';
import { createTreeHasher } from '../hash.js';
import {
  createNoteSigner,
  createNoteVerifier,
  formatVerifierKey,
  type NoteSigner,
  type NoteVerifier,
} from '../note-key.js';

const { sha256 } = portableCrypto;

/** For tests: the tree hashes over a real SHA-256. */
export const hasher = createTreeHasher(sha256);

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
export interface SampleKey {
  readonly vkey: string;
  readonly signer: NoteSigner;
  readonly verifier: NoteVerifier;
}

/** Builds a key that signs and verifies for real. */
export function sampleKey(name: string, fill: number): SampleKey {
  const seed = new Uint8Array(32).fill(fill);
  const publicKey = portableCrypto.ed25519PublicKey(seed);
  const vkey = formatVerifierKey(sha256, name, publicKey);
  const sign = (message: Uint8Array): Uint8Array => portableCrypto.ed25519Sign(message, seed);
  return {
    vkey,
    signer: createNoteSigner(sha256, { name, publicKey, sign }),
    verifier: createNoteVerifier(portableCrypto, vkey),
  };
}

/** A witness from a fixed seed. */
export interface SampleWitness {
  readonly vkey: string;
  readonly cosigner: Cosigner;
  readonly verifier: CosignatureVerifier;
}

/** Builds a witness that cosigns for real. */
export function sampleWitness(name: string, fill: number): SampleWitness {
  const seed = new Uint8Array(32).fill(fill);
  const publicKey = portableCrypto.ed25519PublicKey(seed);
  const sign = (message: Uint8Array): Uint8Array => portableCrypto.ed25519Sign(message, seed);
  const cosigner = createCosigner(sha256, { name, publicKey, sign });
  return {
    vkey: cosigner.vkey,
    cosigner,
    verifier: createCosignatureVerifier(portableCrypto, cosigner.vkey),
  };
}
