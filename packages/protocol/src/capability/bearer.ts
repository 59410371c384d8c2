import { CHAIN_LIMITS } from '@talosprotocol/contracts';
import { equalBytes } from '../crypto/equal.js';
import type { Signer } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { createSigner } from '../identity/signer.js';
import { type AttenuateOptions, attenuate } from './attenuate.js';
import { type ParsedChain, parseChain } from './chain.js';
import { type IssueDeps, type IssueOptions, issueCapability } from './issue.js';
import type { VerifiedCapability } from './verified.js';
import { type VerifyContext, verifyCapability } from './verify.js';

/** A bearer key taken apart, not verified. The seed is in no property, so that printing one shows no secret. */
export interface BearerKey {
  readonly chain: ParsedChain;
  /** Derives the key pair of the seed. */
  createSigner(): Signer;
}

const PREFIX = 'talos_';
const SEED_BYTES = 32;
const SEED_DIGITS = 43;
const MAX_LENGTH = PREFIX.length + CHAIN_LIMITS.bytes + 1 + SEED_DIGITS;

/** Writes a bearer key (CAP-22). The result is a secret: never log or store it.
 *  @throws {RangeError} a seed that is not 32 bytes */
export function formatBearerKey(chain: string, seed: Uint8Array): string {
  if (seed.length !== SEED_BYTES) throw new RangeError('a seed is 32 bytes');
  return `${PREFIX}${chain}~${encodeBase64url(seed)}`;
}

/** Splits a bearer key into the text of its chain and its seed, which is a secret; neither is looked at.
 *  @throws {TrustError} MALFORMED; no message repeats any of the key */
export function splitBearerKey(key: string): { readonly chain: string; readonly seed: string } {
  if (!key.startsWith(PREFIX) || key.length > MAX_LENGTH) throw malformed('text that is not a bearer key');
  const end = key.lastIndexOf('~');
  if (end < 0 || key.length - end - 1 !== SEED_DIGITS) throw malformed('a bearer key without a seed');
  return { chain: key.slice(PREFIX.length, end), seed: key.slice(end + 1) };
}

/** Reads a bearer key (CAP-22) and the syntax of its chain.
 *  @throws {TrustError} MALFORMED; no message repeats any of the key */
export function parseBearerKey(key: string, crypto: CryptoProvider): BearerKey {
  const { chain, seed: digits } = splitBearerKey(key);
  const seed = decodeBase64url(digits);
  return {
    chain: parseChain(chain, crypto),
    createSigner: () => createSigner(seed, crypto),
  };
}

/** Verifies a bearer key as presented (CAP-22): its chain first, then that the leaf may be presented this way and
 *  that the seed is that of its `sub`.
 *  @throws {TrustError} PROOF_INVALID, and as verifyCapability */
export async function verifyBearer(key: string, context: VerifyContext): Promise<VerifiedCapability> {
  const parsed = parseBearerKey(key, context.crypto);
  const capability = await verifyCapability(parsed.chain, context);
  const link = capability.links.length;
  if (capability.leaf.claims.bearer !== true) {
    const hint = 'This capability is no bearer key; open a session and prove possession of its key.';
    throw new TrustError('PROOF_INVALID', 'the leaf is not a bearer link', { link, hint });
  }
  const did = encodeUtf8(parsed.createSigner().did);
  if (!equalBytes(did, encodeUtf8(capability.holder))) {
    throw new TrustError('PROOF_INVALID', 'the seed is not that of the leaf', { link });
  }
  return capability;
}

/** Issues a root link as a bearer key: to a fresh key that exists in the result only.
 *  @throws {TrustError} as issueCapability */
export function issueBearer(
  options: Omit<IssueOptions, 'sub' | 'bearer'>,
  signer: Signer,
  deps: IssueDeps,
): string {
  return withFreshKey(deps, (sub) => issueCapability({ ...options, sub, bearer: true }, signer, deps));
}

/** Narrows a chain to a bearer key, in the name of the chain's holder.
 *  @throws {TrustError} as attenuate */
export function attenuateToBearer(
  chain: string | ParsedChain,
  options: Omit<AttenuateOptions, 'sub' | 'bearer'>,
  signer: Signer,
  deps: IssueDeps,
): string {
  return withFreshKey(deps, (sub) => attenuate(chain, { ...options, sub, bearer: true }, signer, deps));
}

/** Narrows a bearer key offline to another one (CAP-23): new seed, new link signed with the old seed.
 *  @throws {TrustError} as attenuate; DELEGATION_INVALID also for a key whose seed is not that of its leaf
 *  @example attenuateBearer(key, { grants, exp: now + 900, aud: 'same' }, deps) */
export function attenuateBearer(
  key: string,
  options: Omit<AttenuateOptions, 'sub' | 'bearer'>,
  deps: IssueDeps,
): string {
  const { chain, createSigner } = parseBearerKey(key, deps.crypto);
  return attenuateToBearer(chain, options, createSigner(), deps);
}

function withFreshKey(deps: IssueDeps, issue: (sub: string) => ParsedChain): string {
  const seed = deps.randomBytes(SEED_BYTES);
  return formatBearerKey(issue(createSigner(seed, deps.crypto).did).chain, seed);
}
