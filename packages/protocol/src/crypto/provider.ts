import type { Codec } from './codec.js';

/** Where one message after another is laid out whose MAC is to be checked. */
export interface MacRoom {
  /** The message begins at byte 0; what is behind it is the owner's as well. */
  readonly message: Uint8Array;
  /** True if `mac`, 16 to 32 bytes, is how HMAC-SHA256 (RFC 2104) of the first `length` bytes begins, compared in
   *  constant time. The key is the 32 bytes of the eight words at `at` of `keys`, as they lie in memory; it does
   *  not stay in the room. */
  isMac(mac: Uint8Array, keys: Uint32Array, at: number, length: number): boolean;
}

/** The crypto port. Everything in this package that needs cryptography gets one of these passed in: the portable
 *  one runs anywhere, the one of `@talosprotocol/protocol/node` is many times faster on servers. All providers
 *  give the same answer to every input; the Ed25519 rule they share is in ed25519.ts.
 *  Secrets, seeds and keys of the wrong length are the caller's bug and throw RangeError. */
export interface CryptoProvider {
  /** For logs and benchmarks, such as `node` or `portable`. */
  readonly name: string;
  /** SHA-256 (FIPS 180-4), 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** SHA-256 as lowercase hex, the form of hashes in records. */
  sha256Hex(data: Uint8Array): string;
  /** SHA-256 of a text known to be ASCII, as base64url: the form of link ids and chain hashes (CAP-5). */
  sha256Ascii(text: string): string;
  /** How this host reads and writes the encodings of a JWS. */
  readonly codec: Codec;
  /** HMAC-SHA256 (RFC 2104), 32 bytes. Compare with `equalBytes`. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Makes room for a message of at most `size` bytes, to check the MACs of many small messages without making
   *  anything for each. */
  createMacRoom(size: number): MacRoom;
  /** HKDF-SHA256 (RFC 5869), extract and expand.
   *  @throws {RangeError} `length` outside 1 to 8160, or `info` over 1024 bytes */
  hkdfSha256(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** The public key of a 32-byte Ed25519 seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** A 64-byte Ed25519 signature (RFC 8032 section 5.1.6). */
  ed25519Sign(message: Uint8Array, seed: Uint8Array): Uint8Array;
  /** True if the signature holds under the one acceptance rule; false for anything else, also for a key or
   *  signature of the wrong length. Never throws. */
  ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  /** The public key of a 32-byte X25519 secret. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /** The shared secret of RFC 7748 section 6.1. A public key of small order, whose result would be all zero and
   *  known to everyone, is an error; so is one that is not 32 bytes.
   *  @throws {TrustError} MALFORMED */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array;
}
