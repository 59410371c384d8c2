import { sha512 } from '@noble/hashes/sha2.js';
import { equalBytes } from '../crypto/equal.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { malformed, TrustError } from '../error.js';
import { isInnerList } from './structured-field.js';
import { parseFieldDictionary } from './structured-field-parser.js';

/** A `Content-Digest` taken apart: the digests of algorithms that are known here. */
export interface ContentDigest {
  readonly 'sha-256'?: Uint8Array;
  readonly 'sha-512'?: Uint8Array;
}

const SIZES = { 'sha-256': 32, 'sha-512': 64 } as const;

/** Reads the field `Content-Digest` (RFC 9530 section 2): at least one of sha-256 and sha-512, others are left out.
 *  @throws {TrustError} MALFORMED */
export function parseContentDigest(field: string): ContentDigest {
  const members = parseFieldDictionary(field, { unique: true });
  const known = Object.entries(SIZES).flatMap(([name, size]) => {
    const member = members.get(name);
    if (member === undefined) return [];
    if (isInnerList(member) || member.item.type !== 'binary' || member.item.value.length !== size)
      throw malformed(`a content digest whose ${name} is none`);
    return [[name, member.item.value] as const];
  });
  if (known.length === 0) throw malformed('a content digest with neither sha-256 nor sha-512');
  return Object.fromEntries(known);
}

/** Checks each digest against the raw body.
 *  @throws {TrustError} PROOF_INVALID */
export function verifyContentDigest(digest: ContentDigest, body: Uint8Array, crypto: CryptoProvider): void {
  const { 'sha-256': short, 'sha-512': long } = digest;
  const holds =
    (short === undefined || equalBytes(short, crypto.sha256(body))) &&
    (long === undefined || equalBytes(long, sha512(body)));
  if (holds) return;
  throw new TrustError('PROOF_INVALID', 'content-digest is not the digest of this body', {
    caveat: 'content-digest',
    hint: 'The body is not the one whose digest was sent: make content-digest over the bytes that are sent, and sign again.',
  });
}
