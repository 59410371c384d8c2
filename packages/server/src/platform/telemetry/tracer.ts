import type { SpanAttributes } from './attributes.js';
import type { TraceParent } from './traceparent.js';

/** Tells whoever watches from outside what a process does. A room has none where nobody watches: then nothing is made. */
export interface Tracer {
  /** Begins the span of a call that somebody makes of us (kind `server`). Times are Unix milliseconds. */
  start(name: string, start: SpanStart & { readonly parent?: TraceParent | undefined }): Span;
}

export interface SpanStart {
  readonly at: number;
  readonly attributes: SpanAttributes;
}

/** Something that goes on. It leaves the process once it has ended, and not before. */
export interface Span {
  set(attributes: SpanAttributes): void;
  rename(name: string): void;
  /** It ended in an error of this type (`error.type`). */
  fail(type: string): void;
  end(at: number): void;
  /** Begins the span of a call that we make of somebody for this one (kind `client`). */
  child(name: string, start: SpanStart): Span;
}
