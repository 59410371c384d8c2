import { TrustError } from '../error.js';
import type { DidKeys, KeyPurpose } from './did-keys.js';
import { documentKeys, parseDidDocument } from './document.js';
import { didKeyKeys } from './resolver.js';
import type { VerifiedWebvhLog } from './webvh/log.js';
import { findWebvhVersion } from './webvh/version.js';

/** A key that a DID had at some moment. It is no `DidKey`: what authorises takes keys valid now, and does not take this. */
export interface FormerKey {
  readonly kid: string;
  readonly formerPublicKey: Uint8Array;
  readonly purposes: readonly KeyPurpose[];
}

/** The keys of a DID as of a moment, for audit only (ID-6): who had which key when an event was logged. */
export interface FormerKeys {
  readonly did: string;
  /** The moment asked for, Unix milliseconds: the time of the log, never one that a signer claims. */
  readonly asOf: number;
  /** Of a `did:webvh`: the version in force then. */
  readonly versionId?: string;
  /** Empty if the DID was deactivated by then. */
  readonly formerKeys: readonly FormerKey[];
}

/** A document of a `did:web` as it was recorded. */
export interface RecordedDocument {
  /** When it was recorded, Unix milliseconds: it stands for the time from then until the next one. */
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What history there is of a DID. */
export interface DidHistory {
  readonly log?: VerifiedWebvhLog;
  /** In the order of time. */
  readonly documents?: readonly RecordedDocument[];
}

/** The keys that a DID had at `time` (Unix milliseconds): of a `did:key` its one key; of a `did:webvh` what its verified
 *  log says; of any other what was recorded. Authorization never goes by this: a stolen key that was retired cannot be
 *  given new life by an old date.
 *  @throws {TrustError} NOT_FOUND: no history reaches back to that moment; MALFORMED */
export function resolveAsOf(did: string, time: number, { log, documents = [] }: DidHistory): FormerKeys {
  if (did.startsWith('did:key:')) return former(didKeyKeys(did), time);
  if (log !== undefined) return ofVersion(did, time, log);
  const document = documents.findLast(({ at }) => at <= time);
  if (document === undefined) throw new TrustError('NOT_FOUND', 'no history of the DID reaches back so far');
  return former(parseDidDocument(document.bytes, did), time);
}

/** The key that `kid` named then, if it was meant for `purpose`; undefined otherwise. */
export function formerKeyFor(keys: FormerKeys, kid: string, purpose: KeyPurpose): Uint8Array | undefined {
  const key = keys.formerKeys.find((one) => one.kid === kid && one.purposes.includes(purpose));
  return key?.formerPublicKey;
}

function ofVersion(did: string, time: number, log: VerifiedWebvhLog): FormerKeys {
  const version = findWebvhVersion(log, { versionTime: time });
  if (version === undefined || version.did !== did)
    throw new TrustError('NOT_FOUND', 'the DID was not there at that time');
  const { versionId, document, parameters } = version;
  const keys = parameters.deactivated ? { did, keys: [] } : documentKeys(document, did);
  return { ...former(keys, time), versionId };
}

function former({ did, keys }: DidKeys, asOf: number): FormerKeys {
  const formerKeys = keys.map(({ kid, publicKey, purposes }) => ({
    kid,
    formerPublicKey: publicKey,
    purposes,
  }));
  return { did, asOf, formerKeys };
}
