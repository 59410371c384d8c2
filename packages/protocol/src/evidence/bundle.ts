import {
  BUNDLE_TYP,
  Bundle,
  BundleStatementClaims,
  createChecker,
  createTaggedChecker,
  MAX_BUNDLE_BYTES,
  RangeBundle,
} from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeHex } from '../encoding/hex.js';
import { canonicalBytes, canonicalize } from '../encoding/jcs.js';
import { type JsonObject, parseJson } from '../encoding/json.js';
import { decodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { parseCheckpoint } from '../log/checkpoint.js';
import { parseNote } from '../log/note.js';
import { assertKnownVersions } from './event-version.js';

/** A bundle of either form. */
export type AnyBundle = Bundle | RangeBundle;

/** What a bundle holds before it is signed as a whole. */
export type BundleContent = Omit<Bundle, 'statement'> | Omit<RangeBundle, 'statement'>;

/** A bundle, well-formed, not verified: anybody could have written it. */
export interface ParsedBundle {
  readonly bundle: AnyBundle;
  readonly statement: ParsedJws;
  readonly claims: BundleStatementClaims;
  /** hex; what the statement must name (AUD-18). */
  readonly contentHash: string;
}

const checkBundle = createTaggedChecker('format', {
  'talos-bundle-v1': RangeBundle,
  'talos-bundle-v2': Bundle,
});
const checkClaims = createChecker(BundleStatementClaims);

/** Signs a bundle and gives its exact bytes (AUD-16, AUD-18, AUD-50). `iat` is Unix seconds. The caller has made the
 *  proofs; nothing is verified here.
 *  @throws {TypeError} content that no verifier would read */
export function signBundle(
  content: BundleContent,
  iat: number,
  signer: Signer,
  crypto: CryptoProvider,
): Uint8Array {
  const { origin, size, root } = parseCheckpoint(parseNote(content.checkpoint).text);
  const claims = {
    iss: signer.did,
    iat,
    origin,
    size,
    root: encodeHex(root),
    from: content.range.from,
    to: content.range.to,
    hash: crypto.sha256Hex(canonicalBytes(content)),
  };
  const bundle = { ...content, statement: signJws({ typ: BUNDLE_TYP, claims }, signer) };
  const wrong = checkBundle(bundle);
  if (wrong !== undefined) throw new TypeError(`a bundle: ${wrong}`);
  return canonicalBytes(bundle);
}

/** Reads a bundle: its bytes are the canonical JSON of their own parse, and the closed schema of its form holds, so
 *  that there is one spelling of every bundle and every byte of it is covered by the statement (AUD-16, AUD-50).
 *  @throws {TrustError} MALFORMED */
export function parseBundle(bytes: Uint8Array, crypto: CryptoProvider): ParsedBundle {
  const value = parseJson(bytes, { maxBytes: MAX_BUNDLE_BYTES });
  if (canonicalize(value) !== decodeUtf8(bytes)) throw malformed('a bundle that is not canonical JSON');
  assertKnownVersions(value);
  const wrong = checkBundle(value);
  if (wrong !== undefined) throw malformed(`a bundle: ${wrong}`);
  const bundle = value as unknown as AnyBundle;
  const statement = parseJws(bundle.statement, BUNDLE_TYP);
  const fault = checkClaims(statement.claims);
  if (fault !== undefined) throw malformed(`claims of a bundle's statement: ${fault}`);
  const claims = statement.claims as JsonObject as unknown as BundleStatementClaims;
  return { bundle, statement, claims, contentHash: hashContent(bytes, bundle.statement, crypto) };
}

/** Of all members the statement is the last in canonical order, so that what it covers is what stands before it. */
function hashContent(bytes: Uint8Array, statement: string, crypto: CryptoProvider): string {
  const end = bytes.length - `,"statement":"${statement}"}`.length;
  // A copy: `slice` of a Buffer would be a view, and what is written to it would change the file of the caller.
  const content = new Uint8Array(end + 1);
  content.set(bytes.subarray(0, end));
  content[end] = CLOSE;
  return crypto.sha256Hex(content);
}

const CLOSE = 0x7d;
