import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { isUuidv7 } from '../encoding/uuid.js';
import { isTrustError, malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';
import { SIGNED_HEADERS } from '../session/headers.js';
import { componentName, fieldLines, type HttpRequestMessage } from './component.js';
import { type ContentDigest, parseContentDigest, verifyContentDigest } from './content-digest.js';
import {
  type MessageSignature,
  parseMessageSignatures,
  type SignatureParameters,
} from './message-signature.js';
import { formatSignatureBase } from './signature-base.js';
import type { InnerList } from './structured-field.js';

/** `tag` of a signature that proves possession of a capability's key (SES-15). */
export const POSSESSION_TAG = 'talos-pop';

/** Longest time in seconds from `created` to `expires`, and that `created` may be ahead. */
export const POSSESSION_SECONDS = 60;

/** A request without its scheme, which a gateway behind a proxy does not see. */
export type SchemelessRequest = Omit<HttpRequestMessage, 'scheme'>;

/** The signature of a request that is to prove possession, taken apart and not verified. */
export interface ParsedPossession {
  readonly signature: MessageSignature & { readonly parameters: Required<Omit<SignatureParameters, 'alg'>> };
  readonly digest: ContentDigest;
  /** The logical call (SES-10). */
  readonly rid?: string;
}

/** What a verified signature gives; the body is still to be checked. */
export interface VerifiedPossession extends ParsedPossession {
  /** hex(SHA-256(signature base || signature)), for the record. */
  readonly hash: string;
}

const REQUIRED = ['@method', '@target-uri', 'content-digest', 'talos-capability'];
const WHERE_PRESENT = ['talos-rid', ...SIGNED_HEADERS];
const ALLOWED: ReadonlySet<string> = new Set([
  ...REQUIRED,
  ...WHERE_PRESENT,
  ...['@authority', '@path', '@query', '@request-target', '@scheme', 'content-length'],
]);
const PARAMETERS: ReadonlySet<string> = new Set(['created', 'expires', 'nonce', 'keyid', 'tag', 'alg']);

/** Finds and reads the one signature of a request with our `tag` (SES-15); nothing is verified.
 *  @throws {TrustError} MALFORMED; PROOF_INVALID: there is none, or it lacks a parameter */
export function parsePossession(headers: readonly string[]): ParsedPossession {
  const input = onlyLine('signature-input', headers);
  const signature = onlyLine('signature', headers);
  const digest = onlyLine('content-digest', headers);
  if (input === undefined || signature === undefined || digest === undefined)
    throw invalid('signature', 'a capability needs a proof or a signature with content-digest');
  const ours = parseMessageSignatures(input, signature).filter(
    ({ parameters }) => parameters.tag === POSSESSION_TAG,
  );
  const [one] = ours;
  if (one === undefined || ours.length > 1)
    throw invalid('tag', `exactly one signature has the tag ${POSSESSION_TAG}`);
  const rid = onlyLine('talos-rid', headers);
  if (rid !== undefined && !isUuidv7(rid)) throw malformed('a talos-rid that is not a UUIDv7');
  return {
    signature: withParameters(one),
    digest: parseContentDigest(digest),
    ...(rid === undefined ? {} : { rid }),
  };
}

/** Checks all of a signature that shows before the body is there: its times, what it covers, and itself, by an
 *  `authentication` key of the holder. The request is not proven before `verifySignedBody`.
 *  @throws {TrustError} PROOF_INVALID with the part as caveat; MALFORMED: a component that is not known */
export function verifyPossession(
  parsed: ParsedPossession,
  request: SchemelessRequest,
  ctx: { readonly now: number; readonly crypto: CryptoProvider; readonly holder: DidKeys },
): VerifiedPossession {
  const { input, parameters, signature } = parsed.signature;
  checkTimes(parameters, ctx.now);
  checkCovered(input, request);
  const key = holderKey(ctx.holder, parameters.keyid);
  for (const scheme of ['https', 'http'] as const) {
    const base = encodeUtf8(formatSignatureBase(input, { ...request, scheme }));
    if (!ctx.crypto.ed25519Verify(signature, base, key)) continue;
    return { ...parsed, hash: ctx.crypto.sha256Hex(join(base, signature)) };
  }
  throw invalid('signature', 'the signature does not verify');
}

function join(base: Uint8Array, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(base.length + signature.length);
  bytes.set(base);
  bytes.set(signature, base.length);
  return bytes;
}

/** Checks the body of a request whose signature was verified, and uses its nonce up: last, so that nobody else can.
 *  @throws {TrustError} PROOF_INVALID; whatever `consumeNonce` throws */
export function verifySignedBody(
  { digest, signature }: VerifiedPossession,
  body: Uint8Array,
  ctx: { readonly crypto: CryptoProvider; readonly consumeNonce: (nonce: string) => void },
): void {
  verifyContentDigest(digest, body, ctx.crypto);
  ctx.consumeNonce(signature.parameters.nonce);
}

function withParameters(one: MessageSignature): ParsedPossession['signature'] {
  const unknown = [...one.input.params.keys()].some((name) => !PARAMETERS.has(name));
  if (unknown) throw malformed('a signature parameter that is not known');
  const { created, expires, nonce, keyid, tag, alg = 'ed25519' } = one.parameters;
  if (alg !== 'ed25519') throw invalid('alg', 'possession is proven with ed25519');
  if (created === undefined || expires === undefined)
    throw invalid('expires', 'created and expires are required');
  if (nonce === undefined || keyid === undefined || tag === undefined)
    throw invalid('nonce', 'nonce, keyid and tag are required');
  return { ...one, parameters: { created, expires, nonce, keyid, tag } };
}

function checkTimes({ created, expires }: ParsedPossession['signature']['parameters'], now: number): void {
  const life = expires - created;
  if (life <= 0 || life > POSSESSION_SECONDS) throw invalid('expires', 'expires is 1 to 60 s after created');
  if (created - now > POSSESSION_SECONDS) throw invalid('created', 'created is more than 60 s ahead', CLOCK);
  if (now >= expires) throw invalid('expires', 'the signature has expired', CLOCK);
}

const CLOCK = 'Sign each request anew, and set the clock of this machine.';

function checkCovered({ items }: InnerList, { headers }: SchemelessRequest): void {
  if (items.some(({ params }) => params.size > 0)) throw malformed('a signed component with parameters');
  const names = new Set(items.map(componentName));
  if ([...names].some((name) => !ALLOWED.has(name))) throw malformed('a signed component that is not known');
  const present = WHERE_PRESENT.filter((name) => onlyLine(name, headers) !== undefined);
  const missing = [...REQUIRED, ...present].find((name) => !names.has(name));
  if (missing !== undefined) throw invalid(missing, `the signature does not cover ${missing}`);
}

/** The value of a header that is given at most once. */
function onlyLine(name: string, headers: readonly string[]): string | undefined {
  const lines = fieldLines(name, headers);
  if (lines.length > 1) throw malformed(`a request with the header ${name} twice`);
  return lines[0];
}

/** One code whatever is wrong with the key: it proves nothing. */
function holderKey(holder: DidKeys, keyid: string): Uint8Array {
  try {
    return keyFor(holder, keyid === holder.did ? undefined : keyid, 'authentication');
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw invalid('keyid', "the keyid names no key of the capability's holder");
  }
}

function invalid(caveat: string, why: string, hint?: string): TrustError {
  return new TrustError('PROOF_INVALID', why, { caveat, hint: hint ?? `Sign the request again: ${why}.` });
}
