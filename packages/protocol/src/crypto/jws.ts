import { CAPABILITY_TYP } from '@talosprotocol/contracts';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { canonicalize } from '../encoding/jcs.js';
import { type JsonObject, parseJsonObject } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { type Codec, portableCodec } from './codec.js';
import type { CryptoProvider } from './provider.js';

/** Who signs. The key behind `sign` may live elsewhere. */
export interface Signer {
  /** The DID this key speaks for. */
  readonly did: string;
  /** DID URL of the key under `did`; absent for `did:key`, where the DID is the key. */
  readonly kid?: string;
  /** 32-byte Ed25519 public key. */
  readonly publicKey: Uint8Array;
  /** A 64-byte Ed25519 signature. */
  sign(message: Uint8Array): Uint8Array;
}

/** A JWS header as Talos writes and accepts it: these members and no other. */
export interface JwsHeader {
  readonly alg: 'EdDSA';
  readonly typ: string;
  readonly kid?: string;
}

/** A well-formed JWS whose signature is not checked yet. */
export interface ParsedJws {
  readonly header: JwsHeader;
  readonly claims: JsonObject;
  /** The bytes that were signed, as received. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** Bounds of one JWS, and what it is read with. */
export interface JwsLimits {
  /** Length of the compact form; default 16 KiB. */
  readonly maxBytes?: number;
  /** Default: the portable one. Changes the speed, never the answer. */
  readonly codec?: Codec;
}

/** A JWS taken apart whose signing input is still text. */
export interface ReadJws extends Omit<ParsedJws, 'signingInput'> {
  /** The text before the last dot, which is ASCII. */
  readonly signedText: string;
}

const MAX_KID = 1024;

/** Signs claims as a compact JWS (RFC 7515 section 7.1, RFC 8037) with header and payload in canonical JSON.
 *  `kid` defaults to the signer's.
 *  @throws {TrustError} MALFORMED: claims that are not JSON, or that `parseJws` would refuse, such as a float */
export function signJws(
  content: { readonly typ: string; readonly kid?: string; readonly claims: JsonObject },
  signer: Signer,
): string {
  const kid = content.kid ?? signer.kid;
  const header = { alg: 'EdDSA', typ: content.typ, ...(kid === undefined ? {} : { kid }) };
  const signingInput = `${encodePart(header)}.${encodePart(content.claims)}`;
  return `${signingInput}.${encodeBase64url(signer.sign(encodeUtf8(signingInput)))}`;
}

/** Takes a compact JWS apart. The header must be exactly `{alg: "EdDSA", typ, kid?}` with the `typ` given; both
 *  parts are strict JSON without floats, in any member order, as other JOSE libraries write them; the signature
 *  is 64 bytes. Nothing is verified: call `verifyJwsSignature` next.
 *  @throws {TrustError} MALFORMED */
export function parseJws(compact: string, typ: string, limits: JwsLimits = {}): ParsedJws {
  const { header, claims, signedText, signature } = readJws(compact, typ, limits);
  return { header, claims, signingInput: encodeUtf8(signedText), signature };
}

/** As parseJws, for callers that keep what they read longer than they need the signed bytes.
 *  @throws {TrustError} MALFORMED */
export function readJws(compact: string, typ: string, limits: JwsLimits = {}): ReadJws {
  const { maxBytes = 16_384, codec = portableCodec } = limits;
  if (compact.length > maxBytes) throw malformed(`a JWS of more than ${maxBytes} bytes`);
  const first = compact.indexOf('.');
  const last = compact.lastIndexOf('.');
  if (first < 0 || last === first || compact.indexOf('.', first + 1) !== last) {
    throw malformed('a JWS without exactly three parts');
  }
  const header = readHeader(compact.slice(0, first), typ, codec);
  const claims = parseJsonObject(codec.decodeBase64url(compact.slice(first + 1, last)));
  const signature = decodeBase64url(compact.slice(last + 1));
  if (signature.length !== 64) throw malformed('a JWS signature that is not 64 bytes');
  return { header, claims, signedText: compact.slice(0, last), signature };
}

/** Checks the signature over the bytes received, under the one Ed25519 rule.
 *  @throws {TrustError} SIGNATURE_INVALID */
export function verifyJwsSignature(parsed: ParsedJws, publicKey: Uint8Array, crypto: CryptoProvider): void {
  if (crypto.ed25519Verify(parsed.signature, parsed.signingInput, publicKey)) return;
  throw new TrustError('SIGNATURE_INVALID', `the signature of a ${parsed.header.typ} does not verify`);
}

/** The header of a link as our own issuers write it for a `did:key`. */
const USUAL_HEADER = encodeBase64url(encodeUtf8(`{"alg":"EdDSA","typ":"${CAPABILITY_TYP}"}`));

/** Nearly all headers of links are one text, which need not be taken apart again. */
function readHeader(part: string, typ: string, codec: Codec): JwsHeader {
  if (part === USUAL_HEADER && typ === CAPABILITY_TYP) return { alg: 'EdDSA', typ };
  return parseHeader(parseJsonObject(codec.decodeBase64url(part)), typ);
}

function parseHeader(header: JsonObject, typ: string): JwsHeader {
  const { alg, typ: claimed, kid } = header;
  if (alg !== 'EdDSA') throw malformed('a JWS whose alg is not EdDSA');
  if (claimed !== typ) throw malformed(`a JWS whose typ is not ${typ}`);
  const hasKid = Object.hasOwn(header, 'kid');
  if (Object.keys(header).length > (hasKid ? 3 : 2)) throw malformed('a JWS header with an unknown member');
  if (!hasKid) return { alg, typ };
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID)
    throw malformed('a JWS kid out of bounds');
  return { alg, typ, kid };
}

function encodePart(part: unknown): string {
  const text = canonicalize(part);
  parseJsonObject(text);
  return encodeBase64url(encodeUtf8(text));
}
