import { isJsonObject, type JsonObject, TrustError } from '@talosprotocol/protocol';

/** Reads what a provider says. Nothing is decided or hashed by it but the provider's own counts, so that it need not be of the strict
 *  form that requests have: servers cut a character in two halves over two events, or write a number that JSON's own does not hold.
 *  @throws {TrustError} UPSTREAM_FAILED: no JSON object, or one that is nested deeper than any reader should have to go. Without the words of the parser, which repeat what it read. */
export function parseProviderObject(text: string): JsonObject {
  if (isDeep(text)) throw noObject();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noObject();
  }
  if (value === null || typeof value !== 'object' || !isJsonObject(value as JsonObject)) throw noObject();
  return value as JsonObject;
}

const MOST_DEPTH = 256;

function isDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MOST_DEPTH) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function noObject(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the provider sent what is no JSON object');
}
