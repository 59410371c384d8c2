import type { ModelUsage, Op, ProviderApi } from '@talosprotocol/contracts';
import type { JsonObject } from '@talosprotocol/protocol';
import type { Failure } from '../admission/call.js';
import type { CacheKind } from './bound.js';
import type { ProviderPolicy } from './provider.js';
import type { References } from './references.js';

/** What a request asks for, as far as its admission looks at it. */
export interface RequestShape {
  /** As the client names it. */
  readonly model: string;
  readonly stream: boolean;
  /** Most tokens of one answer: none where none are written; undefined if the client does not say. */
  readonly maxOutput: number | undefined;
  /** True if the model may write more than that, up to all it takes; absent: it may not. */
  readonly mayExceed?: boolean;
  /** How many answers are asked for. */
  readonly choices: number;
  readonly pictures: number;
  /** How many bytes of the request are those pictures, which are counted by their size instead; undefined: none. */
  readonly pictureBytes?: number;
  /** Documents that nobody reads here (LLM-37): a PDF, or what the provider is told to load as a document. */
  readonly documents: number;
  /** How many bytes of the request are those documents; undefined: none. */
  readonly documentBytes?: number;
  /** Hosted tools it brings into play, and `fetch` if the provider is told to load something (LLM-3). */
  readonly features: readonly string[];
  /** Tokens that the provider may put before the request for tools of its design that the client runs; undefined: none. */
  readonly toolTokens?: number;
  /** True if the client wants the count of tokens at the end of a stream. */
  readonly wantsUsage: boolean;
  /** What is written into a cache because the client marks it. */
  readonly cache: CacheKind;
}

/** What is changed of a request before it goes on. */
export interface Rewrite {
  /** As the provider knows it. */
  readonly model: string;
  /** Put in where the client names no maximum; undefined: nothing is put in. */
  readonly maxOutput: number | undefined;
  /** Where the provider's chat completions have it. */
  readonly maxField: ProviderPolicy['maxField'];
  /** True if its streams of chats say what they came to unasked, and to ask is an error; absent: they are asked. */
  readonly countsUnasked?: boolean;
}

/** One event of a stream. */
export interface StreamEvent {
  readonly event?: string | undefined;
  readonly data: string;
}

/** How the first word of a stream is waited for. */
export interface FirstWord {
  /** In milliseconds. */
  readonly withinMs: number;
  /** Calls once its client leaves, or has left; what it gives ends that. */
  whenLeft(tell: () => void): () => void;
}

/** Follows one stream. */
export interface StreamReader {
  /** Takes the next event; true if it is for the client, or what is for the client in its place. @throws {TrustError} UPSTREAM_FAILED: no event of this protocol */
  read(event: StreamEvent): boolean | StreamEvent;
  /** Pieces of text so far: each stands for at least one token. */
  pieces(): number;
  usage(): ModelUsage | undefined;
  /** The model as the provider names it, once it has. */
  model(): string | undefined;
  /** True once nothing is missing: the last event of the protocol has come, or all that it stands for. */
  isOver(): boolean;
  /** True if its provider said in the form of an answer that there is none; absent: that is an error of the stream. */
  readonly hasFailed?: () => boolean;
  /** The last event of the protocol, where a stream that is over ends without it; absent or undefined: it has come. */
  readonly missing?: () => StreamEvent | undefined;
  /** How its first word is waited for, before anybody is told that it is an answer; absent or undefined: it is not. */
  readonly firstWord?: FirstWord | undefined;
}

/** A failure as it is told to a client. */
export interface ToldFailure {
  readonly status: number;
  readonly failure: Failure;
  readonly requestId: string;
  readonly receipt: string | undefined;
}

/** One protocol of model providers: how its requests are read, and its answers told. */
export interface Dialect {
  readonly api: ProviderApi;
  /** Of the record. */
  readonly method: string;
  /** `read` of what only counts: it costs nothing, and no model runs (LLM-23). */
  readonly op: Op;
  /** Below the provider's base URL. */
  readonly path: string;
  /** The request without what says nothing in it, and does not go on (LLM-4). Absent: all of it goes on. */
  readonly meant?: (body: JsonObject) => JsonObject;
  /** Of what goes on. @throws {TrustError} MALFORMED: not of the protocol; POLICY_DENIED: a member that is not passed on */
  readRequest(body: JsonObject, fields: readonly string[]): RequestShape;
  rewrite(body: JsonObject, shape: RequestShape, change: Rewrite): JsonObject;
  /** Headers that show the provider its key. */
  keyHeaders(key: string | undefined): Readonly<Record<string, string>>;
  usageOf(answer: JsonObject): ModelUsage | undefined;
  /** Absent if its answers never come bit by bit. */
  readonly readStream?: (shape: RequestShape) => StreamReader;
  /** Absent if no request refers to what was answered before. */
  readonly references?: References;
  /** A failure in the form of the protocol: as a body, or as the last event of a stream. */
  error(told: ToldFailure): JsonObject;
  /** The status of a refusal where its clients look for another than that of its code; undefined: it has that. */
  readonly status?: (failure: Failure) => number | undefined;
  errorEvent(told: ToldFailure): StreamEvent;
}
