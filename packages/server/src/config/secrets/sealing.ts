import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { encodeHex, TrustError } from '@talosprotocol/protocol';
import { createSecret, type Secret } from '../../platform/secret.js';
import type { Random } from '../../platform/system.js';

/** What a sealed value belongs to. It opens under these and no others, so that rows cannot be exchanged (SEC-3). */
export interface SealedPlace {
  /** `sec_<UUIDv7>` */
  readonly id: string;
  readonly name: string;
  readonly version: number;
}

/** A value as it is kept. */
export interface Sealed {
  /** Names the key-encryption key without telling it: 32 hex digits. */
  readonly kek: string;
  /** Nonce (12 bytes), ciphertext, tag (16 bytes). */
  readonly bytes: Uint8Array;
}

/** Encrypts secrets at rest with AES-256-GCM. */
export interface Sealing {
  /** Names the key that seals now. */
  readonly kek: string;
  seal(place: SealedPlace, value: string): Sealed;
  /** @throws {TrustError} UNAVAILABLE: sealed under another key, or not what was sealed for this place */
  open(place: SealedPlace, sealed: Sealed): Secret<string>;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/** Makes the sealing of one key-encryption key of 32 random bytes. Its name and the key that encrypts are derived from it
 *  apart, so that the name tells nothing of the key. */
export function createSealing(kek: Secret<Uint8Array>, random: Random): Sealing {
  const key = createSecret(derive(kek, 'talos-secret-key-v1', 32));
  const name = encodeHex(derive(kek, 'talos-secret-kek-id-v1', 16));
  return {
    kek: name,
    seal(place, value) {
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key.reveal(), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(associatedData(name, place));
      const ciphertext = [cipher.update(value, 'utf8'), cipher.final()];
      return { kek: name, bytes: Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]) };
    },
    open(place, { kek: other, bytes }) {
      if (other !== name) throw unreadable(place, 'it was encrypted with another key-encryption key');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw unreadable(place, 'it is damaged');
      const [nonce, rest] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
      const decipher = createDecipheriv(ALGORITHM, key.reveal(), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(associatedData(name, place));
      decipher.setAuthTag(rest.subarray(rest.length - TAG_BYTES));
      try {
        const plain = [decipher.update(rest.subarray(0, rest.length - TAG_BYTES)), decipher.final()];
        return createSecret(Buffer.concat(plain).toString('utf8'));
      } catch {
        throw unreadable(place, 'it is not what was encrypted');
      }
    },
  };
}

function derive(kek: Secret<Uint8Array>, purpose: string, bytes: number): Uint8Array {
  const ikm = kek.reveal();
  if (ikm.length !== 32) throw new RangeError('a key-encryption key has 32 bytes');
  return new Uint8Array(hkdfSync('sha256', ikm, new Uint8Array(), purpose, bytes));
}

/** No part holds a line feed, so that no two places have the same bytes. */
function associatedData(kek: string, { id, name, version }: SealedPlace): Uint8Array {
  return Buffer.from(`talos-secret-v1\n${kek}\n${id}\n${name}\n${version}`, 'utf8');
}

function unreadable({ name }: SealedPlace, reason: string): TrustError {
  return new TrustError('UNAVAILABLE', `the secret ${name} cannot be read: ${reason}`, {
    hint: 'start with the TALOS_KEK or the keys folder it was set under, or set it again: talos secrets set',
  });
}
