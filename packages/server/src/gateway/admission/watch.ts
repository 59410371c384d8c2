import type { ActionRecord } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import type { DecisionFacts } from './drafts.js';
import type { Ended } from './ended.js';
import type { Refusal } from './hint.js';
import type { SurfaceName } from './ports.js';

/** Begins to watch a request. */
export type WatchCall = (arrival: WatchedArrival, surface: SurfaceName) => CallWatch;

/** A request as it arrived. */
export interface WatchedArrival {
  readonly requestId: string;
  readonly rawHeaders: readonly string[];
}

/** Watches one request, and changes nothing of it: what it is handed it hands back at once, and it never fails. */
export interface CallWatch {
  /** This is what is decided on now; of several (LLM-28) the one that is told last stands for the request. */
  decides(decision: WatchedDecision, call?: WatchedCall): void;
  /** Follows a dispatch to its end; several may go on at a time (LLM-35). */
  follows<D extends WatchedDispatch>(decided: DecidedDispatch, dispatch: Promise<D>): Promise<D>;
  /** Follows the request to its answer, and to the end of that. */
  closes<V extends WatchedVerdict>(verdict: Promise<V>): Promise<V>;
}

/** What is watched of a call. */
export interface WatchedCall {
  readonly arguments: JsonObject;
  /** Goes before that of the headers. */
  readonly traceparent?: string;
}

/** What is watched of a decision. */
export type WatchedDecision = Pick<DecisionFacts, 'action' | 'policy' | 'caller'>;

/** What is dispatched, and by which decision. */
export interface DecidedDispatch {
  readonly receipt: string;
  readonly action: ActionRecord;
}

/** A dispatch under way. */
export interface WatchedDispatch {
  /** Never rejects. */
  readonly end: Ended | Promise<Ended>;
  readonly begun?: Promise<void> | undefined;
  readonly fault?: string | undefined;
}

/** What became of a request. */
export interface WatchedVerdict {
  readonly kind: 'unauthenticated' | 'identified' | 'denied' | 'answered' | 'cancelled';
  readonly receipt?: string | undefined;
  readonly refusal?: Refusal;
}
