import { type JsonObject, parseJsonObject, type TrustError } from '@talosprotocol/protocol';

/** Most that the arguments of one call of a tool may be, in an answer, in bytes. */
export const MOST_INPUT = 1_048_576;

/** What a tool is called with is a text of JSON in one protocol, and an object in the other. Read strictly: a number that
 *  would be rounded, or a name that stands there twice, cannot be carried over. No text at all is no arguments.
 *  @throws what `fault` makes */
export function parseToolInput(text: string, maxBytes: number, fault: () => TrustError): JsonObject {
  if (text === '') return {};
  try {
    return parseJsonObject(text, { floats: true, maxBytes });
  } catch {
    // Without the words of the parser: they repeat what was said.
    throw fault();
  }
}

/** What a tool is called with, as it comes bit by bit. */
export interface ToolInput {
  add(text: string): void;
  /** At its end. @throws what `fault` makes, if it is no object of JSON, or one that is read in two ways */
  assertWhole(): void;
  isEmpty(): boolean;
}

/** Follows what is said to a tool, as far as it may be. */
export function createToolInput(fault: () => TrustError): ToolInput {
  const pieces: string[] = [];
  let length = 0;
  return {
    add(text) {
      length += text.length;
      if (length > MOST_INPUT) throw fault();
      pieces.push(text);
    },
    assertWhole: () => void parseToolInput(pieces.join(''), MOST_INPUT, fault),
    isEmpty: () => length === 0,
  };
}
