import type { JsonObject } from '@talosprotocol/protocol';
import type { RequestShape, StreamEvent } from '../dialect.js';

/** What a translation knows besides what it translates. */
export interface TranslationContext {
  /** The client's request, as its own protocol reads it. */
  readonly asked: RequestShape;
  /** As its provider knows it. */
  readonly model: string;
  /** Where a maximum must be said and the client says none. */
  readonly maxOutputTokens: number;
  /** When it was asked, in Unix seconds. */
  readonly at: number;
}

/** Takes the events of a provider's stream one by one, and gives those that the client gets. */
export type TellEvent = (event: StreamEvent) => readonly StreamEvent[];

/** Carries calls over from the protocol of a client into that of a provider, and answers back: all of it or nothing. */
export interface Translation {
  /** @throws {TrustError} POLICY_DENIED: a member that the provider's protocol cannot say */
  request(body: JsonObject, context: TranslationContext): JsonObject;
  /** Takes the text of the provider's answer. @throws {TrustError} UPSTREAM_FAILED: what the client's protocol cannot say */
  answer(text: string, context: TranslationContext): JsonObject;
  /** A teller throws UPSTREAM_FAILED at what the client's protocol cannot say, and where events are not in their order. */
  stream(context: TranslationContext): TellEvent;
}
