import type { ActionRecord, GuardVerdict, Op, ProblemCode } from '@talosprotocol/contracts';
import type { Authorizer, CallCost, CheckedItem, JsonObject } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import type { BudgetWarning } from '../budgets/take.js';
import type { RateGate } from '../limits/gate.js';
import type { RateReport } from '../limits/report.js';
import type { CallJournal } from '../store.js';
import type { Drafts, HashedRequest } from './drafts.js';
import type { Ended } from './ended.js';
import type { Refusal } from './hint.js';
import type { OutcomeQueue } from './outcomes.js';
import type {
  AuditSink,
  Authenticated,
  CallLedger,
  CredentialAuthority,
  PolicyView,
  RateLimiter,
  SignedRequest,
  SurfaceName,
} from './ports.js';
import type { WatchCall } from './watch.js';

/** A request as it arrived on some surface. */
export interface Arrival {
  readonly requestId: string;
  readonly address: string;
  readonly rawHeaders: readonly string[];
  readonly method: string;
  readonly target: string;
}

/** How a surface reads its requests `M`, what each of them asks for, and what its answers `A` are. */
export interface Surface<M, A> {
  readonly name: SurfaceName;
  /** What is recorded of a caller who is refused before the request is read. */
  readonly action: ActionRecord;
  /** Headers besides `Authorization` in which a bearer key may stand alone. */
  readonly keyHeaders?: ReadonlySet<string>;
  /** Reads and parses the body. What it throws is the surface's own: nothing was decided. Of a caller whose credential
   *  is refused already it reads little, only to answer to the request's id: TOO_LARGE beyond that. `principal` is there
   *  where a credential shows without the body whose it is. */
  read(
    signed: SignedRequest['headers'],
    isRefused: boolean,
    principal: string | undefined,
  ): Promise<{ readonly body: Uint8Array; readonly message: M }>;
  /** The action a message names, for the record. */
  actionOf(message: M): ActionRecord;
  /** The call a message makes; undefined if it reaches nothing and needs no decision. */
  callOf(message: M, caller: Authenticated): Call<A> | undefined;
}

/** One call that needs a decision. `A` is what its caller is answered. */
export interface Call<A> {
  readonly action: ActionRecord;
  readonly op: Op;
  /** True if its decision is on record before it is dispatched, else before its answer (AUD-7). */
  readonly recordedFirst: boolean;
  /** What a dispatch takes from `limits` besides one call (CAP-21), at most. */
  readonly cost: CallCost;
  /** As the client sent it. */
  readonly request: HashedRequest;
  /** What changes its meaning and is none of its bytes: a write that comes again under its `rid` must have the same, in the
   *  same order. Absent or empty: nothing. */
  readonly besides?: readonly string[];
  readonly arguments: JsonObject;
  /** The items it is decided on. @throws {TrustError} to refuse */
  items(): readonly CheckedItem[];
  /** The call with real paths, which takes a look at the world: asked for once the call is allowed as it was made.
   *  Undefined if they are the paths it names. @throws {TrustError} to refuse */
  real(): Promise<RealCall | undefined> | undefined;
  /** Finds what will be called and keeps it ready. @throws {TrustError} to refuse */
  prepare(signal: AbortSignal): Promise<Prepared<A>>;
  /** What guards said of it so far; absent or undefined if none looked. */
  readonly verdicts?: () => readonly GuardVerdict[] | undefined;
  /** The same call of another target, where this one has no answer and somebody still waits for one: decided, held and recorded as a call of its own. */
  readonly instead?: (() => Call<A> | undefined) | undefined;
  /** How `instead` is made beside this one, where it is late; absent: never. */
  readonly hedge?: Hedge | undefined;
  /** The answer for a failure after the decision. */
  failure(failure: Failure, receipt: string): A;
  /** An answer as it is kept under its `rid`, and hashed for the record, and back. Of an answer that goes out bit by bit
   *  asked for once it ended. */
  readonly kept: {
    of(answer: A, hash: (value: unknown) => string): KeptForm;
    answer(kept: JsonObject): A;
  };
  /** Aborts when the client does not want the answer any more. */
  readonly cancelled: AbortSignal | undefined;
  /** Of a protocol that carries one beside the headers: where a client's own trace goes on, as it says. */
  readonly traceparent?: string;
}

/** Says of one request when a call is made of another target as well, and counts what comes of it (LLM-35). */
export interface Hedge {
  /** How long a target may take to answer, or to begin to, in milliseconds. */
  readonly afterMs: number;
  /** A call that may be late is made. */
  begins(): void;
  /** Takes the one that the request has, of those that there are for all; false if none is left. */
  take(): boolean;
  /** True once the request has taken it. */
  isTaken(): boolean;
  /** Whose answer the caller gets. To be told once for each that was taken. */
  ended(by: 'first' | 'second' | 'none'): void;
}

/** An answer as it is kept. */
export interface KeptForm {
  /** Absent if it was too large. */
  readonly form?: JsonObject;
  /** hex (AUD-8) */
  readonly hash: string;
}

/** What a call comes to on this host, where symbolic links lead elsewhere (CAP-18). */
export interface RealCall {
  readonly arguments: JsonObject;
  items(): readonly CheckedItem[];
}

/** Why an allowed call has no answer of its upstream. */
export type Failure = Omit<Refusal, 'code'> & { readonly code: ProblemCode };

/** A call that can be made now. */
export interface Prepared<A> {
  /** Of a tool (DEC-8). */
  readonly pin?: string;
  /** Of a model: the price table it is held by (AUD-126). */
  readonly prices?: string;
  readonly forwarded: HashedRequest;
  dispatch(signal: AbortSignal): Promise<Dispatched<A>>;
  release(): void;
}

/** What an upstream answers. It may go on for long: `answer` is what is known when it begins. */
export interface Dispatched<A> {
  readonly answer: A;
  /** Settles, and never rejects, when nothing more of it comes. Absent if the answer is all there is. */
  readonly ended?: Promise<Ended>;
  /** Settles, and never rejects, when the first of it has come. Absent if it comes at once, and never settles if it does not. */
  readonly begun?: Promise<void>;
  /** Of what the upstream answered as a failure of its own: which one, in a word. Absent: it did not. */
  readonly fault?: string;
  /** True if what the caller is answered is that there is no answer. */
  readonly isFailure?: boolean;
  /** True if nothing of an answer came, and another target may have one. */
  readonly isForAnother?: boolean;
  /** Nobody gets the answer after all: nothing more of it is to come. */
  abandon?(): void;
  /** Nobody gets the answer, and what is still to come is read for its count, within a bound. Absent if nothing is. */
  readOn?(): void;
}

/** What admission found. */
export type Verdict<M, A> =
  /** The credential was refused; `message` is absent if that was before the body was read. */
  | {
      readonly kind: 'unauthenticated';
      readonly refusal: Refusal;
      readonly receipt?: string;
      readonly message?: M;
    }
  /** Verified, and nothing to decide. */
  | { readonly kind: 'identified'; readonly caller: Authenticated; readonly message: M }
  | {
      readonly kind: 'denied';
      readonly refusal: Refusal;
      readonly receipt?: string | undefined;
      readonly rates?: RateReport | undefined;
      readonly message: M;
    }
  | {
      readonly kind: 'answered';
      readonly answer: A;
      readonly receipt: string;
      readonly rates?: RateReport | undefined;
      /** Budgets that are used up to a mark. */
      readonly warnings?: readonly BudgetWarning[] | undefined;
      readonly message: M;
    }
  | { readonly kind: 'cancelled'; readonly receipt: string; readonly message: M };

export interface AdmissionDeps {
  readonly gateway: string;
  readonly authority: CredentialAuthority;
  readonly authorizer: Authorizer;
  readonly ledger: CallLedger;
  readonly sink: AuditSink;
  readonly policy: PolicyView;
  readonly limiter: RateLimiter;
  readonly rates: RateGate;
  readonly journal: CallJournal;
  readonly outcomes: OutcomeQueue;
  readonly drafts: Drafts;
  readonly watch: WatchCall;
  readonly clock: Clock;
  readonly log: Log;
}

/** The one way to anything behind the gateway, for every surface. */
export type Admission = <M, A>(arrival: Arrival, surface: Surface<M, A>) => Promise<Verdict<M, A>>;
