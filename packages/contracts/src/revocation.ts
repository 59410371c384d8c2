import { type Static, Type } from 'typebox';
import {
  ascii,
  Chain,
  CLOSED,
  CompactJws,
  Count,
  Did,
  Hash43,
  Positive,
  RevocationJws,
  Seconds,
  Time,
} from './primitive.js';

/** `typ` of a revocation (CAP-25). */
export const REVOCATION_TYP = 'talos-revoke+jwt';

/** `typ` of a revocation below a DID (REV-1). */
export const REVOCATION_BELOW_TYP = 'talos-revoke-below+jwt';

/** `typ` of an entry of the revocation feed (REV-6). */
export const FEED_ENTRY_TYP = 'talos-revocation-entry+jwt';

/** `typ` of a heartbeat of the revocation feed (REV-7). */
export const FEED_HEARTBEAT_TYP = 'talos-revocation-heartbeat+jwt';

/** `typ` of the statement over a snapshot (REV-11). */
export const FEED_SNAPSHOT_TYP = 'talos-revocation-snapshot+jwt';

/** `typ` of a status list token (draft-ietf-oauth-status-list, section 5.1). */
export const STATUS_LIST_TYP = 'statuslist+jwt';

const jti = ascii('^[A-Za-z0-9_-]{1,64}$', 64, 'id chosen by the issuer');

/** Payload of a revocation (CAP-25). */
export const RevocationClaims = Type.Object(
  { iss: Did, iat: Seconds, jti, lid: Hash43, chain: Chain },
  CLOSED,
);
export type RevocationClaims = Static<typeof RevocationClaims>;

/** What a DID is in the links a revocation below it reaches (REV-2): `subject`, what it handed on of what it holds;
 *  `issuer`, all that it issued, roots too. */
export const BelowRole = Type.Union([Type.Literal('subject'), Type.Literal('issuer')]);
export type BelowRole = Static<typeof BelowRole>;

/** Payload of a revocation below a DID (REV-1): `lid` is the point, the last link of `chain`; `below` the DID. */
export const RevocationBelowClaims = Type.Object(
  { iss: Did, iat: Seconds, jti, lid: Hash43, chain: Chain, below: Did, as: BelowRole },
  CLOSED,
);
export type RevocationBelowClaims = Static<typeof RevocationBelowClaims>;

/** A rule in force (REV-2): links that `below` issued, under the link `point`; everywhere if `point` is null. */
export const BelowRule = Type.Object(
  { below: Did, as: BelowRole, point: Type.Union([Hash43, Type.Null()]) },
  CLOSED,
);
export type BelowRule = Static<typeof BelowRule>;

/** Body of `POST /talos/v1/revocations`: a signed revocation from anyone; from an administrator a link's id, or a rule
 *  below a DID, which without `point` holds everywhere. */
export const RevokeRequest = Type.Union([
  Type.Object({ revocation: RevocationJws }, CLOSED),
  Type.Object({ lid: Hash43 }, CLOSED),
  Type.Object({ below: Did, as: BelowRole, point: Type.Optional(Hash43) }, CLOSED),
]);
export type RevokeRequest = Static<typeof RevokeRequest>;

/** Who asked for a revocation. */
export const RevokedBy = Type.Union([
  Type.Literal('issuer'),
  Type.Literal('ancestor'),
  Type.Literal('subject'),
  Type.Literal('administrator'),
]);
export type RevokedBy = Static<typeof RevokedBy>;

/** Its answer, given once the revocation is durable and in force (CAP-26): `lid` of a link, or the rule. */
export const RevokeAnswer = Type.Union([
  Type.Object({ lid: Hash43, by: RevokedBy, revoked: Time }, CLOSED),
  Type.Object({ rule: BelowRule, by: RevokedBy, revoked: Time }, CLOSED),
]);
export type RevokeAnswer = Static<typeof RevokeAnswer>;

/** What one entry of the feed puts in force (REV-6); `exp`: from then on it refuses nothing that has not expired. */
export const FeedItem = Type.Union([
  Type.Object({ lid: Hash43, exp: Type.Optional(Seconds) }, CLOSED),
  Type.Object({ rule: BelowRule, exp: Type.Optional(Seconds) }, CLOSED),
]);
export type FeedItem = Static<typeof FeedItem>;

/** Payload of an entry of the feed (REV-6): `prev` is the SHA-256 of the JWS of entry `n` - 1, null in the first. */
export const FeedEntryClaims = Type.Object(
  { iss: Did, iat: Seconds, n: Positive, prev: Type.Union([Hash43, Type.Null()]), item: FeedItem },
  CLOSED,
);
export type FeedEntryClaims = Static<typeof FeedEntryClaims>;

/** Where a feed stands: its last number (0 if it is empty) and the SHA-256 of the JWS of that entry. */
const head = { n: Count, hash: Type.Union([Hash43, Type.Null()]) };

/** Payload of a heartbeat (REV-7): `time` in Unix milliseconds; (`epoch`, `beat`) grows with each one. */
export const FeedHeartbeatClaims = Type.Object(
  { iss: Did, time: Count, epoch: Positive, beat: Positive, ...head },
  CLOSED,
);
export type FeedHeartbeatClaims = Static<typeof FeedHeartbeatClaims>;

/** Payload of the statement over a snapshot (REV-11): `items` is the SHA-256 of the canonical JSON of its items. */
export const FeedSnapshotClaims = Type.Object({ iss: Did, time: Count, ...head, items: Hash43 }, CLOSED);
export type FeedSnapshotClaims = Static<typeof FeedSnapshotClaims>;

/** Most entries in one answer of the feed, and most items of a snapshot. */
export const FEED_LIMITS = { page: 256, items: 100_000 } as const;

const heartbeat = Type.Union([CompactJws, Type.Null()]);

/** Answer of `GET /talos/v1/revocations/feed` (REV-10): entries after the number asked for, in order; the newest heartbeat. */
export const FeedPage = Type.Object(
  { entries: Type.Array(CompactJws, { maxItems: FEED_LIMITS.page }), heartbeat },
  CLOSED,
);
export type FeedPage = Static<typeof FeedPage>;

/** Answer of `GET /talos/v1/revocations/snapshot` (REV-11): everything in force. */
export const FeedSnapshot = Type.Object(
  { statement: CompactJws, items: Type.Array(FeedItem, { maxItems: FEED_LIMITS.items }), heartbeat },
  CLOSED,
);
export type FeedSnapshot = Static<typeof FeedSnapshot>;

/** Bits of one status (draft-ietf-oauth-status-list, section 4.1). */
export const StatusBits = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(4), Type.Literal(8)]);
export type StatusBits = Static<typeof StatusBits>;

/** A compressed status list (draft-ietf-oauth-status-list, section 4.2). */
export const StatusListClaim = Type.Object(
  { bits: StatusBits, lst: ascii('^[A-Za-z0-9_-]{2,1398104}$', 1_398_104, 'DEFLATE in zlib, base64url') },
  CLOSED,
);
export type StatusListClaim = Static<typeof StatusListClaim>;

/** Payload of our status list tokens (REV-13). */
export const StatusListClaims = Type.Object(
  {
    iss: Did,
    sub: ascii('^https?://[!-~]{1,1016}$', 1024, 'URI of the list'),
    iat: Seconds,
    exp: Seconds,
    ttl: Positive,
    status_list: StatusListClaim,
  },
  CLOSED,
);
export type StatusListClaims = Static<typeof StatusListClaims>;

/** Answer of `GET /talos/v1/capabilities/{lid}/status` (REV-14): whether this node refuses the link, and, for a link of
 *  this platform's organisation, its place in a status list. */
export const CapabilityStatus = Type.Object(
  {
    lid: Hash43,
    state: Type.Union([Type.Literal('valid'), Type.Literal('revoked'), Type.Literal('unknown')]),
    revoked: Type.Optional(Time),
    by: Type.Optional(RevokedBy),
    status_list: Type.Optional(Type.Object({ idx: Count, uri: Type.String({ maxLength: 1024 }) }, CLOSED)),
  },
  CLOSED,
);
export type CapabilityStatus = Static<typeof CapabilityStatus>;
