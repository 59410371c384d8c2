import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** A message of a provider without probabilities of its tokens, which say again what is taken out of a text or put back: the same one if it
 *  has none. */
export function withoutLogprobs(message: JsonObject): JsonObject {
  const changed: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(message)) {
    const after = name === 'logprobs' ? withoutTokens(value) : PLACES.has(name) ? below(value) : value;
    if (after !== value) changed[name] = after;
  }
  return Object.keys(changed).length === 0 ? message : { ...message, ...changed };
}

/** Where the protocols have them, one below the other. */
const PLACES: ReadonlySet<string> = new Set(['choices', 'output', 'content', 'response', 'item', 'part']);

/** Of chat completions an object, of responses a list. */
function withoutTokens(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.length === 0 ? value : [];
  return null;
}

function below(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    const list = value.map(below);
    return list.some((one, index) => one !== value[index]) ? list : value;
  }
  return isJsonObject(value) ? withoutLogprobs(value) : value;
}
