import type { IncomingMessage } from 'node:http';
import type {
  CredentialRecord,
  Disclosure,
  EventOf,
  EventType,
  Principal,
  RequestRecord,
} from '@talosprotocol/contracts';
import type { Anchors, ParsedManifest, SignedHeaders, VerifiedCapability } from '@talosprotocol/protocol';

/** What the kernel needs of other rooms, and what it offers them. `main` joins the two. */

/** The policy in force; immutable. */
export interface KernelPolicy {
  /** hex (AUD-9) */
  readonly hash: string;
  /** Of events about callers who proved nothing, and of what an administrator does. */
  readonly defaultTenant: string;
  readonly anchors: Anchors;
  /** The manifest of a tool; undefined if the policy has none. */
  manifestOf(server: string, tool: string): ParsedManifest | undefined;
}

/** Members that every event has (AUD-1). */
type Common = 'v' | 'id' | 'time' | 'type' | 'origin' | 'tenant' | 'emitter' | 'eseq' | 'prev' | 'principal';

/** An event before the sink adds `v`, `time`, `origin`, `emitter`, `eseq`, `prev`, `pseq` and, out of `address`,
 *  `source`. */
export interface DraftOf<T extends EventType> {
  /** `evt_<UUIDv7>` */
  readonly id: string;
  readonly type: T;
  readonly tenant: string;
  readonly principal: { readonly sub: string; readonly prn?: string } | null;
  readonly disclosures: readonly Disclosure[];
  readonly members: Omit<EventOf<T>, Common | 'source'>;
  /** Unix milliseconds between which a verifier accepts what it tells (AUD-22), the last one excluded; at another time
   *  it is refused with UNAVAILABLE. */
  readonly notBefore?: number;
  readonly notAfter?: number;
}

export type KernelDraft =
  | DraftOf<'identity.registered'>
  | DraftOf<'identity.rotated'>
  | DraftOf<'identity.deactivated'>
  | DraftOf<'chain'>
  | DraftOf<'capability.issued'>
  | DraftOf<'session.opened'>
  | DraftOf<'revocation'>
  | DraftOf<'revocation.below'>
  | DraftOf<'rbac.changed'>
  | DraftOf<'budget.reached'>;

/** A refusal; the client's address itself is never recorded (AUD-5). */
export type DenialDraft = DraftOf<'decision'> & { readonly address: string };

/** Where an event stands in the log. */
export interface RecordedEvent {
  readonly id: string;
  readonly index: number;
}

/** Takes events. A draft handed in first gets the lower `eseq`. */
export interface AuditSink {
  /** For what is new and could wait: identities, capabilities. Sessions and revocations go on while there is any room.
   *  @throws {TrustError} DISK_FULL below the reserve; UNAVAILABLE when full or down */
  assertAccepting(op: 'write'): void;
  /** Resolves when the event is durable; with undefined for a chain that was logged before.
   *  @throws {TrustError} UNAVAILABLE | DISK_FULL */
  record(draft: KernelDraft): Promise<RecordedEvent | undefined>;
  /** The same for denials, up to a rate per source; beyond it resolves with undefined: then it was only counted. */
  recordDenial(draft: DenialDraft, source: { readonly address: string }): Promise<RecordedEvent | undefined>;
}

/** Finds what was decided about a request. */
export interface DecisionLookup {
  /** Undefined if no decision of that request is in the log. */
  findRequest(requestId: string): Promise<RequestRecord | undefined>;
}

/** Checks the caller of a route that is open to others as well, and says who it is.
 *  @throws {TrustError} UNAUTHENTICATED | FORBIDDEN | UNAVAILABLE */
export type Authorize = (request: IncomingMessage, permission: string) => Promise<Principal>;

/** First stage against floods: one bucket per client address. */
export interface RateLimiter {
  /** @throws {TrustError} RATE_LIMITED */
  take(address: string): void;
}

/** A caller whose chain and possession were verified. */
export interface Authenticated {
  readonly capability: VerifiedCapability;
  readonly credential: CredentialRecord;
  /** Of a session: its end, in Unix seconds. */
  readonly sessionEnds?: number;
  /** Of a proof of one request: when it was made, in Unix seconds. */
  readonly provenAt?: number;
  /** @throws {TrustError} once a link is revoked (REVOKED) or expired (EXPIRED), the anchor was changed
   *    (UNTRUSTED_ISSUER) or the session ended (SESSION_UNKNOWN); UNAVAILABLE while the revocation feed is silent for
   *    too long for calls of this kind: that is no word against the credential */
  assertLive(op: 'read' | 'write'): void;
  /** Calls `listener` once when the credential is revoked or its session is ended; at once if it is dead already. Its
   *  expiry calls nobody: the end was known from the start, and `assertLive` sees it. */
  onRevoked(listener: () => void): () => void;
}

/** The parts of a request that a session MAC covers (SES-6), as received. */
export interface SignedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: SignedHeaders;
  readonly body: Uint8Array;
}

/** A chain with a proof of its own for one request (SES-13), or with a message signature in the headers (SES-15). */
export type PresentedProof =
  | { readonly kind: 'proof'; readonly chain: string; readonly proof: string }
  | { readonly kind: 'signature'; readonly chain: string };

/** The parts of a request that such a proof covers, besides its body, as received. */
export interface ProvenRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: SignedHeaders;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** A proof that holds, save for the body. */
export interface ExaminedProof {
  /** What its chain grants: shown already, and of no use until the end. */
  readonly capability: VerifiedCapability;
  /** Checks the body and uses the nonce up, in one synchronous step. @throws {TrustError} PROOF_INVALID, and as
   *    `assertLive`; UNAVAILABLE */
  finish(body: Uint8Array): Promise<Authenticated>;
}
