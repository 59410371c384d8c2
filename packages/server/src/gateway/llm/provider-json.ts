import { isJsonObject, type JsonObject, TrustError } from '@talosprotocol/protocol';

/** Reads what a provider says. Nothing is decided or hashed by it but the provider's own counts, so that it need not be of the strict
 *  form that requests have: servers cut a character in two halves over two events, or write a number that JSON's own does not hold.
 *  @throws {TrustError} UPSTREAM_FAILED: no JSON object. Without the words of the parser, which repeat what it read. */
export function parseProviderObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noObject();
  }
  if (value === null || typeof value !== 'object' || !isJsonObject(value as JsonObject)) throw noObject();
  return value as JsonObject;
}

function noObject(): TrustError {
  return new TrustError('UPSTREAM_FAILED', 'the provider sent what is no JSON object');
}
