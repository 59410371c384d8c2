import {
  createChecker,
  FEED_ENTRY_TYP,
  FEED_HEARTBEAT_TYP,
  FEED_SNAPSHOT_TYP,
  FeedEntryClaims,
  FeedHeartbeatClaims,
  type FeedItem,
  FeedSnapshotClaims,
} from '@talosprotocol/contracts';
import { parseJws, type Signer, signJws, verifyJwsSignature } from '../crypto/jws.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeBase64url } from '../encoding/base64url.js';
import { canonicalBytes } from '../encoding/jcs.js';
import type { JsonObject } from '../encoding/json.js';
import { encodeUtf8 } from '../encoding/utf8.js';
import { malformed, TrustError } from '../error.js';
import { type DidKeys, keyFor } from '../identity/did-keys.js';

/** Where a feed stands: its last number, 0 if it has no entry, and the SHA-256 of that entry's JWS. */
export interface FeedHead {
  readonly n: number;
  readonly hash: string | null;
}

/** An entry whose signature holds. `hash` is what the next entry names as `prev`. */
export interface FeedEntry {
  readonly claims: FeedEntryClaims;
  readonly hash: string;
}

/** A heartbeat whose signature holds: at `time` (Unix milliseconds) the feed stood at `n`. */
export type FeedHeartbeat = FeedHeartbeatClaims;

const checks = {
  entry: createChecker(FeedEntryClaims),
  heartbeat: createChecker(FeedHeartbeatClaims),
  snapshot: createChecker(FeedSnapshotClaims),
};

/** Signs the entry after `head` (REV-6). `iat` in Unix seconds. */
export function signFeedEntry(
  head: FeedHead,
  content: { iat: number; item: FeedItem },
  signer: Signer,
): string {
  const { iat, item } = content;
  const claims = { iss: signer.did, iat, n: head.n + 1, prev: head.hash, item };
  return signJws({ typ: FEED_ENTRY_TYP, claims: claims as JsonObject }, signer);
}

/** Reads an entry and checks that `keys` signed it for statements (REV-6). Its place is checked by a FeedReader.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID */
export function parseFeedEntry(jws: string, keys: DidKeys, crypto: CryptoProvider): FeedEntry {
  const claims = parseSigned<FeedEntryClaims>(jws, FEED_ENTRY_TYP, checks.entry, keys, crypto);
  if ((claims.n === 1) !== (claims.prev === null)) throw malformed('exactly the first entry has no prev');
  return { claims, hash: encodeBase64url(crypto.sha256(encodeUtf8(jws))) };
}

/** Signs a heartbeat (REV-7). */
export function signFeedHeartbeat(heartbeat: Omit<FeedHeartbeat, 'iss'>, signer: Signer): string {
  return signJws({ typ: FEED_HEARTBEAT_TYP, claims: { ...heartbeat, iss: signer.did } }, signer);
}

/** Reads a heartbeat and checks that `keys` signed it.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID */
export function parseFeedHeartbeat(jws: string, keys: DidKeys, crypto: CryptoProvider): FeedHeartbeat {
  const claims = parseSigned<FeedHeartbeatClaims>(jws, FEED_HEARTBEAT_TYP, checks.heartbeat, keys, crypto);
  checkHead(claims);
  return claims;
}

/** base64url of SHA-256 over the canonical JSON of the items of a snapshot, in their order. */
export function hashFeedItems(items: readonly FeedItem[], crypto: CryptoProvider): string {
  return encodeBase64url(crypto.sha256(canonicalBytes(items)));
}

/** Signs that `items` are all that is in force at `head` (REV-11). `time` in Unix milliseconds. */
export function signFeedSnapshot(
  snapshot: { readonly time: number; readonly head: FeedHead; readonly items: readonly FeedItem[] },
  signer: Signer,
  crypto: CryptoProvider,
): string {
  const { time, head, items } = snapshot;
  const claims = { iss: signer.did, time, ...head, items: hashFeedItems(items, crypto) };
  return signJws({ typ: FEED_SNAPSHOT_TYP, claims }, signer);
}

/** Reads the statement over a snapshot, and checks that `keys` signed it for exactly these items.
 *  @throws {TrustError} MALFORMED | SIGNATURE_INVALID */
export function parseFeedSnapshot(
  { statement, items }: { readonly statement: string; readonly items: readonly FeedItem[] },
  keys: DidKeys,
  crypto: CryptoProvider,
): FeedSnapshotClaims {
  const claims = parseSigned<FeedSnapshotClaims>(statement, FEED_SNAPSHOT_TYP, checks.snapshot, keys, crypto);
  checkHead(claims);
  if (claims.items === hashFeedItems(items, crypto)) return claims;
  throw new TrustError('SIGNATURE_INVALID', 'the snapshot has other items than were signed');
}

function parseSigned<T extends { readonly iss: string }>(
  jws: string,
  typ: string,
  check: (value: unknown) => string | undefined,
  keys: DidKeys,
  crypto: CryptoProvider,
): T {
  const parsed = parseJws(jws, typ);
  const fault = check(parsed.claims);
  if (fault !== undefined) throw malformed(`claims of a ${typ}: ${fault}`);
  const claims = parsed.claims as unknown as T;
  if (claims.iss !== keys.did) throw new TrustError('SIGNATURE_INVALID', 'the feed is of another platform');
  verifyJwsSignature(parsed, keyFor(keys, parsed.header.kid, 'assertionMethod'), crypto);
  return claims;
}

function checkHead({ n, hash }: FeedHead): void {
  if ((n === 0) !== (hash === null)) throw malformed('exactly an empty feed has no last entry');
}
