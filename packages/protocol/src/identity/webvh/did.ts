import { malformed } from '../../error.js';
import { parseAuthority } from '../did-web.js';

const PREFIX = 'did:webvh:';
const MAX_DID = 1024;
/** base58btc of a SHA-256 multihash: always 46 digits, always `Qm`. */
const SCID = /^Qm[1-9A-HJ-NP-Za-km-z]{44}$/;
const SEGMENT = /^(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+$/;
/** Escapes that hide something: controls, `/`, `\`, `%`, and what needs no escape (letters, digits, `-._~`). */
const HIDING = /%(?:[01][0-9A-F]|2[5DEF]|3[0-9]|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AEF])/;

/** The parts of a `did:webvh`. */
export interface WebvhDid {
  /** Self-certifying identifier: hash of the first entry of its log. */
  readonly scid: string;
  /** Host, with its port if there is one: `example.com:8443`. */
  readonly authority: string;
  /** The path of its files, `.well-known` where the DID has none. */
  readonly path: string;
}

/** Takes a `did:webvh` apart (did:webvh 1.0, Method-Specific Identifier). Stricter than the method, as for
 *  `did:web`: the host is a lower-case DNS name of at least two labels in ASCII (an international name in its
 *  `xn--` form) and never an IP address in any notation, the port comes after `%3A` and is not 443, escapes in a path
 *  are in upper case and hide neither a separator nor a dot. Nothing is said of what the name resolves to.
 *  @throws {TrustError} MALFORMED */
export function parseWebvhDid(did: string): WebvhDid {
  if (!did.startsWith(PREFIX) || did.length > MAX_DID) throw malformed('a DID that is not a did:webvh');
  const [scid = '', authority = '', ...segments] = did.slice(PREFIX.length).split(':');
  if (!isScid(scid)) throw malformed('a did:webvh without a SCID');
  const path = segments.length === 0 ? '.well-known' : segments.map(parseSegment).join('/');
  return { scid, authority: parseAuthority(authority), path };
}

/** The URL of a `did:webvh`'s log, `did.jsonl` (did:webvh 1.0, The DID to HTTPS Transformation).
 *  @throws {TrustError} MALFORMED */
export function webvhLogUrl(did: string): string {
  return `${folderUrl(did)}/did.jsonl`;
}

/** The URL of the witnesses' proofs, `did-witness.json` beside the log.
 *  @throws {TrustError} MALFORMED */
export function webvhWitnessUrl(did: string): string {
  return `${folderUrl(did)}/did-witness.json`;
}

/** True for text that can be a SCID. */
export function isScid(text: string): boolean {
  return SCID.test(text);
}

function folderUrl(did: string): string {
  const { authority, path } = parseWebvhDid(did);
  return `https://${authority}/${path}`;
}

function parseSegment(segment: string): string {
  if (!SEGMENT.test(segment) || HIDING.test(segment) || segment === '.' || segment === '..') {
    throw malformed('a did:webvh with a bad path segment');
  }
  return segment;
}
