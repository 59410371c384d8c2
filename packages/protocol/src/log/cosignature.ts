import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import type { Sha256 } from './hash.js';
import type { NoteSignature } from './note.js';
import {
  assertNoteKey,
  formatKey,
  keyIdOf,
  type NoteCrypto,
  type NoteVerifier,
  PUBLIC_KEY_BYTES,
  parseVerifierKey,
} from './note-key.js';
import { isTreeSize } from './tree-size.js';

/** Checks the cosignatures of one witness, made with Ed25519 (C2SP tlog-cosignature, type 0x04): `verify` takes the text
 *  of the checkpoint and the timestamped signature. A time beyond 2^53 - 1 is refused. */
export interface CosignatureVerifier extends NoteVerifier {
  readonly publicKey: Uint8Array;
}

/** Makes the cosignatures of one witness. */
export interface Cosigner {
  readonly name: string;
  readonly keyId: number;
  /** As those keep it who trust this witness. */
  readonly vkey: string;
  /** States that at `time` (Unix seconds) this checkpoint was the largest the witness had seen of its log, and that it
   *  had checked it to be consistent with all it had seen before. `text` is that of a checkpoint, without signatures.
   *  @throws {TypeError} a time that is not possible */
  cosign(text: string, time: number): NoteSignature;
}

/** The signature type of timestamped Ed25519 cosignatures (C2SP tlog-cosignature). */
const COSIGNATURE = 4;

const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** Builds a witness's signer from the public half of an Ed25519 key and a function that signs with the private half. The
 *  key MUST be used for nothing else: what is signed does not name the witness.
 *  @throws {TypeError} the name is not a key name or the public key has not 32 bytes */
export function createCosigner(
  sha256: Sha256,
  key: { readonly name: string; readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array },
): Cosigner {
  const parts = assertNoteKey(key.name, COSIGNATURE, key.publicKey);
  const keyId = keyIdOf(sha256, ...parts);
  return {
    name: key.name,
    keyId,
    vkey: formatKey(sha256, ...parts),
    cosign: (text, time) => {
      if (!isTreeSize(time)) throw new TypeError('a time is an integer from 0 to 2^53 - 1');
      const signature = new Uint8Array(TIME_BYTES + SIGNATURE_BYTES);
      new DataView(signature.buffer).setBigUint64(0, BigInt(time));
      signature.set(key.sign(cosignedMessage(time, encodeUtf8(text))), TIME_BYTES);
      return { name: key.name, keyId, signature };
    },
  };
}

/** Builds the verifier of a witness's key.
 *  @throws {TrustError} MALFORMED, also for a key of another signature type */
export function createCosignatureVerifier(crypto: NoteCrypto, vkey: string): CosignatureVerifier {
  const { name, keyId, type, publicKey } = parseVerifierKey(crypto.sha256, vkey);
  if (type !== COSIGNATURE || publicKey.length !== PUBLIC_KEY_BYTES) {
    throw malformed('a verifier key that is not that of a witness with Ed25519');
  }
  const verify = (message: Uint8Array, signature: Uint8Array): boolean => {
    const time = cosignatureTime(signature);
    if (time === undefined) return false;
    return crypto.ed25519Verify(signature.subarray(TIME_BYTES), cosignedMessage(time, message), publicKey);
  };
  return { name, keyId, publicKey, verify };
}

/** The time a cosignature states, in Unix seconds; undefined if it is none or the time is beyond 2^53 - 1. Nothing is
 *  verified. */
export function cosignatureTime(signature: Uint8Array): number | undefined {
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
  return isTreeSize(time) ? time : undefined;
}

function cosignedMessage(time: number, checkpoint: Uint8Array): Uint8Array {
  const head = encodeUtf8(`cosignature/v1\ntime ${time}\n`);
  const message = new Uint8Array(head.length + checkpoint.length);
  message.set(head);
  message.set(checkpoint, head.length);
  return message;
}
