import {
  BUNDLE_TYP,
  Bundle,
  BundleStatementClaims,
  createChecker,
  MAX_BUNDLE_BYTES,
} from '@talosprotocol/contracts';
import { type ParsedJws, parseJws, type Signer, signJws } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeHex } from '../encoding/hex.js';
import { canonicalize } from '../encoding/jcs.js';
import { type JsonObject, parseJson } from '../encoding/json.js';
import { decodeUtf8, encodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { parseCheckpoint } from '../log/checkpoint.js';
import { parseNote } from '../log/note.js';

/** What a bundle holds before it is signed as a whole. */
export type BundleContent = Omit<Bundle, 'statement'>;

/** A bundle, well-formed, not verified: anybody could have written it. */
export interface ParsedBundle {
  readonly bundle: Bundle;
  readonly statement: ParsedJws;
  readonly claims: BundleStatementClaims;
  /** hex; what the statement must name (AUD-18). */
  readonly contentHash: string;
}

const checkBundle = createChecker(Bundle);
const checkClaims = createChecker(BundleStatementClaims);

/** Signs a bundle and gives its exact bytes (AUD-16, AUD-18). `iat` is Unix seconds. The caller has made the proofs;
 *  nothing is verified here.
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
    hash: hashContent(content, crypto),
  };
  const bundle = { ...content, statement: signJws({ typ: BUNDLE_TYP, claims }, signer) };
  const wrong = checkBundle(bundle);
  if (wrong !== undefined) throw new TypeError(`a bundle: ${wrong}`);
  return encodeUtf8(canonicalize(bundle));
}

/** Reads a bundle: its bytes are the canonical JSON of their own parse, and the closed schema holds, so that there is
 *  one spelling of every bundle and every byte of it is covered by the statement (AUD-16).
 *  @throws {TrustError} MALFORMED */
export function parseBundle(bytes: Uint8Array, crypto: CryptoProvider): ParsedBundle {
  const value = parseJson(bytes, { maxBytes: MAX_BUNDLE_BYTES });
  if (canonicalize(value) !== decodeUtf8(bytes)) throw malformed('a bundle that is not canonical JSON');
  const wrong = checkBundle(value);
  if (wrong !== undefined) throw malformed(`a bundle: ${wrong}`);
  const bundle = value as unknown as Bundle;
  const statement = parseJws(bundle.statement, BUNDLE_TYP);
  const fault = checkClaims(statement.claims);
  if (fault !== undefined) throw malformed(`claims of a bundle's statement: ${fault}`);
  const { statement: _signed, ...content } = bundle;
  const claims = statement.claims as JsonObject as unknown as BundleStatementClaims;
  return { bundle, statement, claims, contentHash: hashContent(content, crypto) };
}

function hashContent(content: BundleContent, crypto: CryptoProvider): string {
  return crypto.sha256Hex(encodeUtf8(canonicalize(content)));
}
