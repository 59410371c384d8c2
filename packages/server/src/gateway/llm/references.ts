import type { JsonObject } from '@talosprotocol/protocol';
import type { GivenItem } from './given-items.js';

/** A request that stands for itself. */
export interface Settled {
  readonly body: JsonObject;
  /** Bytes that were put in, as JSON. */
  readonly added: number;
}

/** How clients of a protocol refer to what they were answered before (LLM-36). */
export interface References {
  /** Ids that a request refers to, which nobody has read yet. */
  idsIn(body: JsonObject): readonly string[];
  /** A request with what it refers to put in, if that was given, and without what says nothing.
   *  @throws {TrustError} MALFORMED: more than `room` bytes are to be put in */
  settle(body: JsonObject, find: (id: string) => GivenItem | undefined, room: number): Settled;
  /** Items that can be referred to: of a whole answer, and of the data of an event of a stream. */
  ofAnswer(answer: JsonObject): readonly JsonObject[];
  ofEvent(data: string): readonly JsonObject[];
}
