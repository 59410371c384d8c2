import type { CredentialRecord, DecisionEvent, Disclosure, OutcomeEvent } from '@talosprotocol/contracts';
import type { CallCost, ParsedManifest, SignedHeaders, VerifiedCapability } from '@talosprotocol/protocol';
import type { Secret } from '../../platform/secret.js';
import type { BudgetPolicy } from '../budgets/budget.js';
import type { DeclaredBudgets } from '../budgets/shelf.js';
import type { BudgetTake, BudgetWarning } from '../budgets/take.js';
import type { GuardPolicy } from '../guard/guard.js';
import type { CompiledRate } from '../limits/rules.js';
import type { AliasPolicy } from '../llm/alias.js';
import type { ProviderPolicy } from '../llm/provider.js';

/** What the gateway needs of other rooms. They implement it, `main` hands it in; the gateway imports none of them. */

/** The surfaces whose calls are decided here. */
export type SurfaceName = 'mcp' | 'llm';

/** A caller whose credential was verified, chain and possession. */
export interface Authenticated {
  readonly capability: VerifiedCapability;
  readonly credential: CredentialRecord;
  /** Of a session: its end, in Unix seconds. */
  readonly sessionEnds?: number;
  /** Of a proof of one request: when it was made, in Unix seconds. */
  readonly provenAt?: number;
  /** Passes while the credential is in force for calls of this kind. Synchronous and cheap: asked after every wait.
   *  @throws {TrustError} why it is not: REVOKED | EXPIRED | UNTRUSTED_ISSUER | SESSION_UNKNOWN; UNAVAILABLE while
   *    nobody knows, because the revocation feed has been silent for too long */
  assertLive(op: 'read' | 'write'): void;
  /** Calls `listener` once when the credential is revoked or its session is ended; at once if it is already. Not when
   *  its time runs out: see `watch`. The result unsubscribes. */
  onRevoked(listener: () => void): () => void;
}

/** The parts of a request that a session MAC covers (SES-6), as received. */
export interface SignedRequest {
  readonly method: string;
  /** The raw origin-form target of the request line. */
  readonly target: string;
  readonly headers: SignedHeaders;
  readonly body: Uint8Array;
}

/** A chain with a proof of its own for one request (SES-13), or with a message signature in the headers (SES-15). */
export type PresentedProof =
  | { readonly kind: 'proof'; readonly chain: string; readonly proof: string }
  | { readonly kind: 'signature'; readonly chain: string };

/** The parts of a request that such a proof covers, besides its body, as received. */
export interface ProvenRequest extends Omit<SignedRequest, 'body'> {
  /** The `Host` header. */
  readonly host: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** A proof that holds, save for the body. */
export interface ExaminedProof {
  /** What its chain grants: shown already, and of no use until the end. */
  readonly capability: VerifiedCapability;
  /** Checks the body and uses the nonce up, in one synchronous step. */
  finish(body: Uint8Array): Promise<Authenticated>;
}

/** Verifies credentials. Everything throws TrustError with the code of CAP-19, CAP-22, SES-6 to SES-9. */
export interface CredentialAuthority {
  /** Looks at a session credential before the body is read: syntax, sid and window. Marks nothing.
   *  @throws {TrustError} MALFORMED | SESSION_UNKNOWN | SESSION_ELSEWHERE | REPLAY */
  peekSession(authorization: string): void;
  /** Verifies the MAC and marks the sequence number, in one synchronous step. */
  authenticateSession(authorization: string, request: SignedRequest): Authenticated;
  /** Verifies a bearer key (`talos_...`, without the scheme). The implementor may cache by `cth`. */
  authenticateBearer(key: string): Promise<Authenticated>;
  /** Verifies all of a proof of one request that shows before its body (SES-14, SES-15). Uses nothing up. */
  examineProof(presented: PresentedProof, request: ProvenRequest): Promise<ExaminedProof>;
}

/** What a call came to: micro-units of the currency that was held, and tokens. What is not said is what was held. */
export interface CallSpent {
  readonly cost?: number;
  readonly tokens?: number;
}

/** What a call holds of limits of money and tokens. */
export interface CallHold {
  /** Of budgets that are used up to a mark. */
  readonly warnings: readonly BudgetWarning[];
  /** Counts what the call came to in place of what was held for it, once `after` has settled; once, a second time changes nothing. If
   *  `after` is rejected, what was held stays spent. */
  settle(spent: CallSpent, after?: Promise<unknown>): Promise<void>;
}

/** Debits `limits`. */
export interface CallLedger {
  /** Takes one call, and the money and tokens it may come to, from every limit of every link and the anchor, durably,
   *  before it resolves, and from budgets. The call is never given back. Gives what settles the rest; undefined if there is nothing to settle
   *  or to say.
   *  @throws {TrustError} BUDGET_EXCEEDED or RATE_LIMITED with link | POLICY_DENIED for a limit it cannot enforce |
   *    UNAVAILABLE */
  hold(
    capability: VerifiedCapability,
    cost: CallCost,
    budgets: readonly BudgetTake[],
  ): Promise<CallHold | undefined>;
}

/** Members that every event has (AUD-1). */
type Common = 'v' | 'id' | 'time' | 'type' | 'origin' | 'tenant' | 'emitter' | 'eseq' | 'prev' | 'principal';

/** Further members of a `decision` event (AUD-4), without `source`: the sink derives it from `address`. */
export type DecisionMembers = Omit<DecisionEvent, Common | 'source'>;

/** Further members of an `outcome` event (AUD-4). `lost` is written by the audit room at the next start. */
export type OutcomeMembers = Omit<OutcomeEvent, Common>;

interface DraftBase {
  /** `evt_<UUIDv7>`, made by the caller; the receipt is `rcp_` with the same UUID (ENC-4). */
  readonly id: string;
  readonly tenant: string;
  /** Null exactly when no chain verified. */
  readonly principal: { readonly sub: string; readonly prn?: string } | null;
  readonly disclosures: readonly Disclosure[];
}

/** An event before the sink adds `v`, `time`, `origin`, `emitter`, `eseq`, `prev`, `pseq` and `source`. */
export interface DecisionDraft extends DraftBase {
  readonly type: 'decision';
  readonly members: DecisionMembers;
  /** Unix milliseconds between which an allowed call can be verified (AUD-22), the last one excluded; recorded at
   *  another time it is refused with UNAVAILABLE. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** The client's address. Never recorded itself (AUD-5). */
  readonly address: string;
}

export interface OutcomeDraft extends DraftBase {
  readonly type: 'outcome';
  readonly members: OutcomeMembers;
}

export type GatewayDraft = DecisionDraft | OutcomeDraft;

/** Where an event stands in the log. */
export interface RecordedEvent {
  readonly id: string;
  readonly index: number;
}

/** Whom a denial is counted against: the proven subject, else the client's address. */
export type DenialSource = { readonly subject: string } | { readonly address: string };

/** Takes events. A draft handed in first gets the lower `eseq`. */
export interface AuditSink {
  /** @throws {TrustError} UNAVAILABLE when full or down, for both; DISK_FULL for writes below the reserve */
  assertAccepting(op: 'read' | 'write'): void;
  /** Resolves when the event is durable. @throws {TrustError} UNAVAILABLE | DISK_FULL: it was not recorded;
   *  UnsureError: it may have been */
  record(draft: GatewayDraft): Promise<RecordedEvent>;
  /** The same for denials, in a bounded queue of its own and up to a rate per source. Beyond that rate it resolves
   *  with undefined: the denial is counted in a `denials` summary, and has no receipt. */
  recordDenial(draft: DecisionDraft, source: DenialSource): Promise<RecordedEvent | undefined>;
}

/** How a tool server's process is run. Times in milliseconds. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the allow-listed variables of our own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute; `/` by default. */
  readonly cwd?: string;
}

/** Limits of one tool server, with the defaults of `upstream/limits.ts` where absent. */
export interface ServerLimits {
  readonly startTimeoutMs?: number;
  readonly callTimeoutMs?: number;
  readonly idleMs?: number;
  readonly lifetimeMs?: number;
  readonly maxConcurrent?: number;
  readonly maxQueued?: number;
  readonly maxMessageBytes?: number;
}

/** What the operator said about one tool. */
export interface ToolPolicy {
  readonly manifest: ParsedManifest;
  /** hex (DEC-8) */
  readonly pin: string;
}

/** One tool server of the config. */
export interface ServerPolicy {
  /** The operator's name for it; never holds `__`. */
  readonly name: string;
  readonly run: ServerCommand;
  readonly limits?: ServerLimits;
  readonly tools: ReadonlyMap<string, ToolPolicy>;
}

/** The policy in force; immutable. Made by `compilePolicy` of this room. */
export interface Policy {
  /** hex (AUD-9) */
  readonly hash: string;
  /** Of events about callers who proved nothing, and of administrators' looks at tool servers. */
  readonly defaultTenant: string;
  readonly servers: ReadonlyMap<string, ServerPolicy>;
  readonly providers: ReadonlyMap<string, ProviderPolicy>;
  /** Names of models that stand for several. */
  readonly aliases: ReadonlyMap<string, AliasPolicy>;
  readonly limits: {
    readonly bodyBytes: number;
    /** Of requests to models, whose pictures are in them. */
    readonly modelBodyBytes: number;
    readonly answerBytes: number;
    readonly bodyMs: number;
    readonly perAddressPerMinute: number;
    readonly maxConcurrentCalls: number;
  };
  readonly rates: readonly CompiledRate[];
  /** What is looked at in calls of models. */
  readonly guards: readonly GuardPolicy[];
  /** How much may be spent by whom; those that are off are not here. */
  readonly budgets: readonly BudgetPolicy[];
  /** The same as the document has them, for whoever looks at them; those that are off too. */
  readonly declaredBudgets: DeclaredBudgets;
}

/** Gives the policy in force now. */
export type PolicyView = () => Policy;

/** What the platform keeps for its users. */
export interface SecretSource {
  /** The value of a secret; undefined if there is none of that name.
   *  @throws {TrustError} UNAVAILABLE: it cannot be opened, or the database cannot be asked */
  reveal(name: string): Promise<Secret<string> | undefined>;
}

/** First stage against floods: one bucket per client address. */
export interface RateLimiter {
  /** @throws {TrustError} RATE_LIMITED */
  take(address: string): void;
}
