import type { GuardPlace } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';

/** A text in a request or an answer. */
export interface PlacedText {
  readonly text: string;
  readonly place: GuardPlace;
  /** `json`: JSON in itself. `fixed`: nothing may stand in its place (a name of a member, a number). */
  readonly form: 'text' | 'json' | 'fixed';
  /** True of the words of an answer, and not of what it calls a tool with. */
  readonly isSpoken: boolean;
  /** Where the same is found too, as it is written. */
  readonly within?: string;
}

/** Goes through every text of a message, in its order, and gives the message with what `replace` puts in their places; the
 *  same one if nothing changes. What a protocol fixes (roles, types, ids of its making) and pictures are no texts. */
export function rewriteTexts(
  message: JsonObject,
  place: GuardPlace,
  replace: (text: PlacedText) => string,
): JsonObject {
  return walkObject(message, { place, isFree: false }, replace);
}

type Replace = (text: PlacedText) => string;

interface Where {
  readonly place: GuardPlace;
  /** True below what the caller names as it likes: arguments of tools and their schemas. */
  readonly isFree: boolean;
}

/** Not words of anybody. */
const FIXED: ReadonlySet<string> = new Set([
  ...['role', 'type', 'model', 'object', 'id', 'status', 'detail', 'format', 'media_type', 'service_tier'],
  ...['finish_reason', 'stop_reason', 'signature', 'encrypted_content', 'system_fingerprint', 'obfuscation'],
]);
/** What has names of its own below it. */
const FREE: ReadonlySet<string> = new Set([
  ...['input', 'arguments', 'parameters', 'input_schema', 'schema', 'json_schema', 'metadata'],
]);
const PICTURES: ReadonlySet<string> = new Set(['url', 'image_url']);
/** Names of JSON Schema. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...['type', 'properties', 'required', 'description', 'items', 'enum', 'additionalProperties', 'title'],
  ...['default', 'format', 'pattern', 'minimum', 'maximum', 'anyOf', 'oneOf', 'allOf', 'const', 'examples'],
  ...['$schema', '$ref', '$defs', 'definitions', 'minLength', 'maxLength', 'minItems', 'maxItems', 'strict'],
]);
/** Blocks whose words are somebody else's: a tool's, or a document's. */
const OTHERS = /^(?:tool_result|document|search_result|.{1,64}_(?:output|tool_result))$/;

function walkObject(object: JsonObject, where: Where, replace: Replace): JsonObject {
  const inner = { ...where, place: placeOf(object, where) };
  const isPicture = !where.isFree && object['type'] === 'base64';
  let changed: Record<string, JsonValue> | undefined;
  for (const [name, value] of Object.entries(object)) {
    if (inner.isFree && !KEYWORDS.has(name)) replace(fixed(name, inner));
    // Bytes of a picture or of a file: nothing is read in them.
    if (isPicture && name === 'data') continue;
    const after = walkMember(name, value, inner, replace);
    if (after !== value) {
      changed ??= { ...object };
      changed[name] = after;
    }
  }
  return changed ?? object;
}

function placeOf(object: JsonObject, { place, isFree }: Where): GuardPlace {
  if (place !== 'prompt' || isFree) return place;
  const { role, type } = object;
  const isOthers = role === 'tool' || role === 'function' || (typeof type === 'string' && OTHERS.test(type));
  return isOthers ? 'tool-result' : place;
}

function walkMember(name: string, value: JsonValue, where: Where, replace: Replace): JsonValue {
  if (typeof value !== 'string') {
    // A list of texts below `input` is that of embeddings, or of responses: their texts, not their arguments.
    const isFree = where.isFree || (FREE.has(name) && isJsonObject(value));
    return walk(value, { ...where, isFree }, { replace, isSpoken: false, isContent: isContent(name) });
  }
  if (!where.isFree && FIXED.has(name)) return value;
  if (PICTURES.has(name) && value.startsWith('data:image/')) return value;
  if (name === 'arguments' && !where.isFree) return jsonText(value, where, replace);
  const isSpoken = where.place === 'answer' && !where.isFree && isContent(name);
  return replace({ text: value, place: where.place, form: 'text', isSpoken });
}

const isContent = (name: string): boolean => name === 'content' || name === 'text';

interface Step {
  readonly replace: Replace;
  readonly isSpoken: boolean;
  readonly isContent: boolean;
}

function walk(value: JsonValue, where: Where, step: Step): JsonValue {
  if (typeof value === 'string')
    return step.replace({ text: value, place: where.place, form: 'text', isSpoken: step.isSpoken });
  if (Array.isArray(value)) return walkList(value, where, step);
  if (isJsonObject(value)) return walkObject(value, where, step.replace);
  // A number may be that of a card; of a price or a vector it is none.
  if (where.isFree && typeof value === 'number' && Math.abs(value) >= 1e6)
    step.replace(fixed(String(value), where));
  return value;
}

function walkList(list: readonly JsonValue[], where: Where, step: Step): JsonValue {
  let changed: JsonValue[] | undefined;
  list.forEach((value, index) => {
    const after = walk(value, where, step);
    if (after === value) return;
    changed ??= [...list];
    changed[index] = after;
  });
  return changed ?? (list as JsonValue);
}

const fixed = (text: string, { place }: Where): PlacedText => ({
  text,
  place,
  form: 'fixed',
  isSpoken: false,
});

/** Arguments of a tool, as text: what is written in escapes is looked at as it will be read. */
function jsonText(value: string, where: Where, replace: Replace): string {
  if (value.includes('\\')) {
    const read = plainOf(value);
    if (read !== undefined) replace({ ...fixed(read, where), within: value });
  }
  return replace({ text: value, place: where.place, form: 'json', isSpoken: false });
}

function plainOf(json: string): string | undefined {
  const texts: string[] = [];
  try {
    JSON.parse(json, (_, value) => {
      if (typeof value === 'string') texts.push(value);
      return value;
    });
  } catch {
    return undefined;
  }
  return texts.join('\n');
}
