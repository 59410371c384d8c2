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
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (one === '"') at = endOfString(text, at + 1);
    else if (one === '[' || one === '{') depth += 1;
    else if (one === ']' || one === '}') depth -= 1;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}

/** Where the string ends whose first character is at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\' && at - 1 - escapes >= from) escapes += 1;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

function noObject(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the provider sent what is no JSON object');
}
