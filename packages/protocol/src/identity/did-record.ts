import type { CryptoProvider } from '../crypto/provider.js';
import { malformed, TrustError } from '../error.js';
import type { DidKeys } from './did-keys.js';
import { didWebUrl } from './did-web.js';
import { documentKeys, parseDidDocument } from './document.js';
import { webvhLogUrl, webvhWitnessUrl } from './webvh/did.js';
import { followWebvhLog, type VerifiedWebvhLog, type WebvhFiles } from './webvh/log.js';

/** What is fetched for a DID: the document of a `did:web`, the log or the witness proofs of a `did:webvh`. */
export type DidResource = 'document' | 'log' | 'witness';

/** Gets a resource over HTTPS. MUST refuse private addresses, redirects to another host, answers that are too large or
 *  other than 200, and take bounded time; rejects with anything. */
export type FetchDid = (url: string, resource: DidResource) => Promise<Uint8Array>;

/** What a fetched DID came out of, to be kept for audit. */
export interface DidRecord {
  readonly keys: DidKeys;
  /** Of a `did:web`: its document as received. */
  readonly document?: Uint8Array;
  /** Of a `did:webvh`: its files as received, and what they verified to. */
  readonly files?: WebvhFiles;
  readonly log?: VerifiedWebvhLog;
}

/** What fetching needs. */
export interface DidSource {
  readonly fetchDocument?: FetchDid;
  /** Verifies logs; without it no `did:webvh` resolves. */
  readonly crypto?: CryptoProvider;
  /** Unix seconds. */
  readonly now: () => number;
  /** Looks at a log that verified, before anything is read from it, also one that says that the DID ended. */
  readonly onLog: (log: VerifiedWebvhLog) => Promise<void>;
}

/** True for a DID that must be fetched, if it is well-formed.
 *  @throws {TrustError} MALFORMED: another method, or a bad DID of one of these two */
export function assertFetchable(did: string): void {
  if (did.startsWith('did:webvh:')) webvhLogUrl(did);
  else if (did.startsWith('did:web:')) didWebUrl(did);
  else throw malformed('a DID of a method that is not supported');
}

/** Fetches a DID and reads the keys it has now.
 *  @throws {TrustError} UNAVAILABLE: it could not be fetched; MALFORMED | SIGNATURE_INVALID | NOT_YET_VALID: what was
 *    fetched; REVOKED: the DID is deactivated */
export async function fetchDidRecord(did: string, source: DidSource): Promise<DidRecord> {
  if (did.startsWith('did:webvh:')) return fetchWebvh(did, source);
  const document = await fetchFrom(source, didWebUrl(did), 'document');
  return { keys: parseDidDocument(document, did), document };
}

async function fetchWebvh(did: string, source: DidSource): Promise<DidRecord> {
  const { crypto } = source;
  if (crypto === undefined) throw new TrustError('UNAVAILABLE', 'DID logs are not verified here');
  const log = await fetchFrom(source, webvhLogUrl(did), 'log');
  const ctx = { did, crypto, now: source.now() * 1000 };
  // Followed once, which is the costly part; witnesses are fetched only for a log that holds but for them.
  const followed = followWebvhLog(log, ctx);
  const witness = followed.needsWitness
    ? await fetchFrom(source, webvhWitnessUrl(did), 'witness')
    : undefined;
  const verified = followed.finish(witness);
  await source.onLog(verified);
  const files = witness === undefined ? { log } : { log, witness };
  return { keys: webvhKeys(did, verified), files, log: verified };
}

/** The keys that a `did:webvh` has now. A former DID of one that moved has none: it speaks by its new DID alone.
 *  @throws {TrustError} REVOKED: deactivated; MALFORMED: moved away, or a document without sound keys */
export function webvhKeys(did: string, { latest }: VerifiedWebvhLog): DidKeys {
  if (latest.parameters.deactivated) throw new TrustError('REVOKED', 'the DID is deactivated');
  return documentKeys(latest.document, did);
}

async function fetchFrom(
  { fetchDocument }: DidSource,
  url: string,
  resource: DidResource,
): Promise<Uint8Array> {
  if (fetchDocument === undefined) throw new TrustError('UNAVAILABLE', 'DIDs are not fetched here');
  try {
    return await fetchDocument(url, resource);
  } catch (cause) {
    throw new TrustError('UNAVAILABLE', `the ${resource} of a DID could not be fetched`, {}, cause);
  }
}
