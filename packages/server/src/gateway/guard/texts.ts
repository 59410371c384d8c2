import type { GuardPlace } from '@talosprotocol/contracts';
import { isJsonObject, type JsonObject, type JsonValue, TrustError } from '@talosprotocol/protocol';
import { isPdf } from '../pdf-head.js';
import { shown } from '../shown.js';
import { escaped, readJson } from './json-text.js';
import { type Replacement, replaceParts } from './masks.js';

/** A text in a request or an answer. */
export interface PlacedText {
  /** As it reads: of JSON without its escapes. */
  readonly text: string;
  readonly place: GuardPlace;
  /** True if nothing may stand in its place: a name of a member, a number. */
  readonly isFixed: boolean;
  /** True of the words of an answer, and not of what it calls a tool with, or thinks. */
  readonly isSpoken: boolean;
  /** True of a document of a request that nobody reads here: it has no text. */
  readonly isUnread: boolean;
  /** The member it is of, with parts of the text replaced. */
  write(parts: readonly Replacement[]): string;
}

/** Goes through every text of a message, in its order, and gives the message with what `replace` puts in their places; the
 *  same one if nothing changes. What a protocol fixes (roles, types, states) and bytes of pictures and files are no texts; of a
 *  document in a request whose bytes are left out, or are elsewhere, is said that it is there.
 *  @throws {TrustError} UPSTREAM_FAILED: nested deeper than anything that means something */
export function rewriteTexts(
  message: JsonObject,
  place: GuardPlace,
  replace: (text: PlacedText) => string,
): JsonObject {
  const top = { place, isFree: false, isThought: false, under: '', typeAbove: undefined, depth: 0 };
  return walkObject(message, top, replace);
}

type Replace = (text: PlacedText) => string;

interface Where {
  readonly place: GuardPlace;
  /** True below what the caller names as it likes: arguments of tools and their schemas. */
  readonly isFree: boolean;
  /** True below what a model thinks. */
  readonly isThought: boolean;
  /** The member that this is the value of, or of an item of its list, and the type of what has that member. */
  readonly under: string;
  readonly typeAbove: JsonValue | undefined;
  readonly depth: number;
}

/** Words of a protocol, if they look like it. */
const FIXED: ReadonlySet<string> = new Set([
  ...['role', 'type', 'object', 'status', 'detail', 'format', 'media_type', 'service_tier', 'model'],
  ...['finish_reason', 'stop_reason'],
]);
const WORD = /^[\w./-]{1,40}$/;
/** In a request no protocol has capitals in them, but in a name of a model: keys do. */
const WORD_OF_REQUEST = /^[a-z][a-z0-9_./-]{0,39}$/;
/** Ids that a provider makes, in each event of a stream again. */
const IDS: ReadonlySet<string> = new Set([
  ...['id', 'item_id', 'call_id', 'response_id', 'system_fingerprint', 'object', 'native_finish_reason'],
]);
const ID = /^[\w.:-]{1,96}$/;
/** What only its maker can read. */
const OPAQUE: ReadonlySet<string> = new Set(['signature', 'encrypted_content', 'obfuscation']);
/** What has names of its own below it. */
const FREE: ReadonlySet<string> = new Set([
  ...[
    'input',
    'arguments',
    'parameters',
    'input_schema',
    'output_schema',
    'schema',
    'json_schema',
    'metadata',
  ],
  ...['input_examples', 'env', 'headers', 'logit_bias'],
]);
/** Names of JSON Schema. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...['type', 'properties', 'required', 'description', 'items', 'enum', 'additionalProperties', 'title'],
  ...['default', 'format', 'pattern', 'minimum', 'maximum', 'anyOf', 'oneOf', 'allOf', 'const', 'examples'],
  ...['$schema', '$ref', '$defs', 'definitions', 'minLength', 'maxLength', 'minItems', 'maxItems', 'strict'],
]);
/** Blocks whose words are somebody else's: a tool's, or a document's. */
const OTHERS = /^(?:tool_result|document|file|input_file|search_result|.{1,64}_(?:output|tool_result))$/;
const THOUGHTS: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking', 'reasoning']);
const PICTURE = /^data:image\/(?:png|jpe?g|gif|webp);base64,([A-Za-z0-9+/]*={0,2})$/;
const PDF = /^data:application\/pdf;base64,[A-Za-z0-9+/]*={0,2}$/;
/** Of what bytes are that nothing is read in, as what they are written, and whose source they may be. */
const BYTES_OF = /^(?:image\/(?:png|jpe?g|gif|webp)|application\/pdf)$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const SOURCED: ReadonlySet<JsonValue | undefined> = new Set(['image', 'document']);
const MOST_DEPTH = 256;

function walkObject(object: JsonObject, where: Where, replace: Replace): JsonObject {
  if (where.depth > MOST_DEPTH) throw new TrustError('UPSTREAM_FAILED', 'it is nested too deep');
  const { type } = object;
  const inner: Where = {
    ...where,
    depth: where.depth + 1,
    place: placeOf(object, where),
    typeAbove: type,
    isThought: where.isThought || (!where.isFree && THOUGHTS.has(shown(type))),
  };
  const hasBytes = isBytes(object, where);
  if (isUnread(object, where, hasBytes)) replace(unread(inner));
  let changed: Record<string, JsonValue> | undefined;
  for (const [name, value] of Object.entries(object)) {
    if (inner.isFree && !KEYWORDS.has(name)) replace(fixed(name, inner));
    // Bytes of a picture or of a file: nothing is read in them.
    if (hasBytes && name === 'data') continue;
    const after = walkMember(name, value, { ...inner, under: where.under }, replace);
    if (after === value) continue;
    changed ??= { ...object };
    changed[name] = after;
  }
  return changed ?? object;
}

/** A picture or a file, where one stands, and no text that says it is one. */
function isBytes({ type, media_type: media, data }: JsonObject, where: Where): boolean {
  if (where.isFree || where.under !== 'source' || !SOURCED.has(where.typeAbove)) return false;
  if (type !== 'base64' || typeof media !== 'string' || typeof data !== 'string') return false;
  return BYTES_OF.test(media) && BASE64.test(data);
}

/** A document of a request that is not read here: a PDF, also one that says it is a picture, or one that the provider is told to load.
 *  What is left out has to be one or a picture, so that nothing goes by unseen. */
function isUnread(object: JsonObject, where: Where, hasBytes: boolean): boolean {
  if (where.place === 'answer' || where.isFree) return false;
  const { type, media_type: media, data, source, file_data: file, file_url: url } = object;
  if (hasBytes && (media === 'application/pdf' || isPdf(shown(data)))) return true;
  if (typeof file === 'string' && PDF.test(file)) return true;
  if (Object.entries(object).some(([name, value]) => isPdfAsPicture(name, value, where))) return true;
  if (type === 'input_file') return typeof url === 'string';
  return type === 'document' && source !== undefined && isJsonObject(source) && source['type'] === 'url';
}

/** True of the address of a picture, where that stands. */
const isOfPicture = (name: string, { under }: Where): boolean =>
  name === 'image_url' || (name === 'url' && (under === 'image_url' || under === 'source'));

/** The bytes of an address that says they are a picture's, where one stands. */
function bytesOfPicture(name: string, value: JsonValue, where: Where): string | undefined {
  return typeof value === 'string' && isOfPicture(name, where) ? PICTURE.exec(value)?.[1] : undefined;
}

const isPdfAsPicture = (name: string, value: JsonValue, where: Where): boolean =>
  isPdf(bytesOfPicture(name, value, where) ?? '');

function placeOf(object: JsonObject, { place, isFree }: Where): GuardPlace {
  if (place !== 'prompt' || isFree) return place;
  const { role, type } = object;
  const isOthers = role === 'tool' || role === 'function' || (typeof type === 'string' && OTHERS.test(type));
  return isOthers ? 'tool-result' : place;
}

const isContent = (name: string): boolean => name === 'content' || name === 'text';

function walkMember(name: string, value: JsonValue, where: Where, replace: Replace): JsonValue {
  if (typeof value !== 'string') {
    // A list below `input` is that of embeddings, or of responses: their texts, not their arguments.
    const isFree = where.isFree || (FREE.has(name) && (isJsonObject(value) || name === 'input_examples'));
    return walk(value, { ...where, isFree, under: name }, { replace, isContent: isContent(name) });
  }
  if (!where.isFree) {
    if (OPAQUE.has(name) || isFixed(name, value, where)) return value;
    if (isBytesAt(name, value, where)) return value;
    if (name === 'arguments') return replace(jsonText(value, where));
    // With a mask in it the provider would load something else.
    if (where.place !== 'answer' && isLoaded(name, where)) return replace(fixed(value, where));
  }
  return replace(plainText(value, where, isContent(name)));
}

function isFixed(name: string, value: string, { place }: Where): boolean {
  const word = place === 'answer' || name === 'model' ? WORD : WORD_OF_REQUEST;
  return (FIXED.has(name) && word.test(value)) || (place === 'answer' && IDS.has(name) && ID.test(value));
}

/** Bytes that stand as an address. */
function isBytesAt(name: string, value: string, where: Where): boolean {
  if (name === 'file_data') return PDF.test(value);
  return bytesOfPicture(name, value, where) !== undefined;
}

/** True of an address that the provider is told to go to. */
const isLoaded = (name: string, where: Where): boolean =>
  name === 'file_url' || name === 'server_url' || isOfPicture(name, where);

interface Step {
  readonly replace: Replace;
  readonly isContent: boolean;
}

function walk(value: JsonValue, where: Where, step: Step): JsonValue {
  if (typeof value === 'string') return step.replace(plainText(value, where, step.isContent));
  if (Array.isArray(value)) return walkList(value, where, step);
  if (isJsonObject(value)) return walkObject(value, where, step.replace);
  // A number may be that of a card; of a price or a vector it is none.
  if (where.isFree && typeof value === 'number' && Math.abs(value) >= 1e6)
    step.replace(fixed(shown(value), where));
  return value;
}

function walkList(list: readonly JsonValue[], where: Where, step: Step): JsonValue {
  if (where.depth > MOST_DEPTH) throw new TrustError('UPSTREAM_FAILED', 'it is nested too deep');
  const inner = { ...where, depth: where.depth + 1 };
  let changed: JsonValue[] | undefined;
  list.forEach((value, index) => {
    const after = walk(value, inner, step);
    if (after === value) return;
    changed ??= [...list];
    changed[index] = after;
  });
  return changed ?? (list as JsonValue);
}

function plainText(text: string, { place, isFree, isThought }: Where, isOfContent: boolean): PlacedText {
  const isSpoken = place === 'answer' && isOfContent && !isFree && !isThought;
  return {
    text,
    place,
    isFixed: false,
    isSpoken,
    isUnread: false,
    write: (parts) => replaceParts(text, parts),
  };
}

const fixed = (text: string, { place }: Where): PlacedText => ({
  ...{ text, place, isFixed: true, isSpoken: false, isUnread: false },
  write: () => text,
});

const unread = (where: Where): PlacedText => ({ ...fixed('', where), isUnread: true });

/** Arguments of a tool, as they will be read. */
function jsonText(raw: string, { place }: Where): PlacedText {
  const { text, rawAt } = readJson(raw);
  return {
    ...{ text, place, isFixed: false, isSpoken: false, isUnread: false },
    write: (parts) =>
      replaceParts(
        raw,
        parts.map((one) => ({ start: rawAt(one.start), end: rawAt(one.end), text: escaped(one.text) })),
      ),
  };
}
