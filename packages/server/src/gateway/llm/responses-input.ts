import { isJsonObject, type JsonObject, type JsonValue } from '@talosprotocol/protocol';
import { shown } from '../shown.js';
import { assertDocumentUrl, assertNoFileId, assertTexts, pdfBytesOf } from './document-data.js';
import {
  list,
  malformed,
  memberOf,
  notPassed,
  object,
  ofType,
  text,
  partsOf as textOrParts,
} from './members.js';
import { pictureAt } from './picture-data.js';
import {
  ANY,
  assertShapes,
  closedOf,
  DETAIL,
  listOf,
  mapOf,
  NUMBER,
  oneOf,
  type Shapes,
  TEXT,
} from './shapes.js';

/** What the input of a response brings with it besides text. */
export interface InputReach {
  readonly pictures: number;
  /** Bytes that are pictures and nothing else. */
  readonly pictureBytes: number;
  /** Documents that nobody reads here, and how many bytes of the request are those. */
  readonly documents: number;
  readonly documentBytes: number;
  /** True if the provider is told to load something. */
  readonly fetches: boolean;
}

/** Refuses members of what stands inside a request: no operator can allow these. */
export function closed(value: JsonObject, known: readonly string[], where: string): void {
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined)
    throw notPassed(
      memberOf(where, other),
      'it could reach what nobody decided on, at the provider or beyond',
    );
}

const OF_ALL: Shapes = { type: TEXT, id: TEXT, status: TEXT };
/** What a hosted search looked for. */
const SEARCH = closedOf({
  ...{ type: TEXT, query: TEXT, queries: listOf(TEXT), url: TEXT, pattern: TEXT },
  sources: listOf(closedOf({ type: TEXT, url: TEXT, name: TEXT })),
});
const COMMAND = closedOf({
  ...{ type: TEXT, command: listOf(TEXT), env: mapOf(TEXT), timeout_ms: NUMBER },
  ...{ user: TEXT, working_directory: TEXT },
});
/** What a model does with a computer. */
const MOVE = closedOf({
  ...{ type: TEXT, button: TEXT, text: TEXT, keys: listOf(TEXT) },
  ...{ x: NUMBER, y: NUMBER, scroll_x: NUMBER, scroll_y: NUMBER },
  path: listOf(closedOf({ x: NUMBER, y: NUMBER })),
});
const CHECKS = listOf(closedOf({ id: TEXT, code: TEXT, message: TEXT }));
const CHANCE: Shapes = { token: TEXT, logprob: NUMBER, bytes: listOf(NUMBER) };
const LOGPROBS = listOf(closedOf({ ...CHANCE, top_logprobs: listOf(closedOf(CHANCE)) }));
/** Notes of a text may name files and containers: these do not. */
const NOTE: Shapes = { type: TEXT, url: TEXT, title: TEXT, start_index: NUMBER, end_index: NUMBER };

/** Items that stand for themselves, and their members. An `id` is passed on with them: it finds nothing at a provider who
 *  keeps nothing. */
const ITEMS: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ['message', { ...OF_ALL, role: TEXT, content: ANY, phase: TEXT }],
  ['function_call', { ...OF_ALL, call_id: TEXT, name: TEXT, arguments: TEXT }],
  ['function_call_output', { ...OF_ALL, call_id: TEXT, output: ANY }],
  ['custom_tool_call', { ...OF_ALL, call_id: TEXT, name: TEXT, input: TEXT }],
  ['custom_tool_call_output', { ...OF_ALL, call_id: TEXT, output: ANY }],
  ['reasoning', { ...OF_ALL, summary: ANY, content: ANY, encrypted_content: TEXT }],
  ['web_search_call', { ...OF_ALL, action: SEARCH }],
  ['local_shell_call', { ...OF_ALL, call_id: TEXT, action: COMMAND }],
  ['local_shell_call_output', { ...OF_ALL, call_id: TEXT, output: ANY }],
  [
    'computer_call',
    { ...OF_ALL, call_id: TEXT, action: MOVE, actions: listOf(MOVE), pending_safety_checks: CHECKS },
  ],
  ['computer_call_output', { ...OF_ALL, call_id: TEXT, output: ANY, acknowledged_safety_checks: CHECKS }],
]);

/** Parts of items, and their members. */
const PARTS: ReadonlyMap<string, Shapes> = new Map<string, Shapes>([
  ['input_text', { type: TEXT, text: TEXT }],
  ['output_text', { type: TEXT, text: TEXT, annotations: ANY, logprobs: LOGPROBS }],
  ['refusal', { type: TEXT, refusal: TEXT }],
  ['reasoning_text', { type: TEXT, text: TEXT }],
  ['summary_text', { type: TEXT, text: TEXT }],
  [
    'input_image',
    { type: TEXT, image_url: ANY, detail: oneOf('auto', 'low', 'high', 'original'), file_id: ANY },
  ],
  ['input_file', { type: TEXT, file_data: ANY, filename: ANY, file_url: ANY, detail: DETAIL, file_id: ANY }],
  ['computer_screenshot', { type: TEXT, image_url: ANY, file_id: ANY }],
]);

/** @throws {TrustError} MALFORMED: no input; POLICY_DENIED: what refers to something that is not in it */
export function readInput(input: JsonValue | undefined): InputReach {
  const none = { pictures: 0, pictureBytes: 0, documents: 0, documentBytes: 0, fetches: false };
  if (typeof input === 'string') return none;
  const items = list(input, 'input').map((one) => object(one, 'an item of input'));
  const all = items.flatMap((item) => {
    const shown = shownBy(item);
    return partsOf(item).map((part) => {
      const read = readPart(object(part, 'a part of input'));
      return shown.has(read.kind) ? read : { ...read, bytes: 0 };
    });
  });
  const sum = (of: Part['kind']): number =>
    all.reduce((bytes, { kind, bytes: own }) => (kind === of ? bytes + own : bytes), 0);
  return {
    pictures: all.filter(({ kind }) => kind === 'picture').length,
    pictureBytes: sum('picture'),
    documents: all.filter(({ kind }) => kind === 'document').length,
    documentBytes: sum('document'),
    fetches: all.some(({ fetches }) => fetches),
  };
}

const OF_USERS: ReadonlySet<Part['kind']> = new Set(['picture', 'document']);
const OF_TOOLS: ReadonlySet<Part['kind']> = new Set(['document']);
const OF_OTHERS: ReadonlySet<Part['kind']> = new Set();
/** What a client's tool found, of which a file is a part as of what a user says. */
const FOUND: ReadonlySet<JsonValue | undefined> = new Set([
  'function_call_output',
  'custom_tool_call_output',
]);

/** What of an item is not read as text, whatever its bytes. */
function shownBy({ type, role }: JsonObject): ReadonlySet<Part['kind']> {
  if ((type ?? 'message') === 'message' && role === 'user') return OF_USERS;
  return FOUND.has(type) ? OF_TOOLS : OF_OTHERS;
}

/** Members that an item may have; undefined if there are no such items. */
export function membersOfItem({ type }: JsonObject): readonly string[] | undefined {
  return namesOf(shapesIn(ITEMS, type ?? 'message'));
}

export function membersOfPart({ type }: JsonObject): readonly string[] | undefined {
  return namesOf(shapesIn(PARTS, type));
}

function shapesIn(table: typeof ITEMS, type: JsonValue | undefined): Shapes | undefined {
  return typeof type === 'string' ? table.get(type) : undefined;
}

const namesOf = (shapes: Shapes | undefined): readonly string[] | undefined => shapes && Object.keys(shapes);

/** True of an item that only names another one; its type is optional there, and messages without one have a role. */
export function isReference({ type, role, id }: JsonObject): boolean {
  return type === 'item_reference' || (type == null && role == null && id != null);
}

function partsOf(item: JsonObject): readonly JsonValue[] {
  if (isReference(item)) throw notPassed('an item_reference', UNKEPT);
  const type = item['type'] ?? 'message';
  const members = shapesIn(ITEMS, type);
  if (members === undefined) throw notPassed(ofType('an item', type), 'only what stands for itself is');
  assertShapes(item, members, `input.${shown(type)}.`);
  if (type === 'reasoning') return assertWholeReasoning(item);
  if (type === 'computer_call_output') return [item['output'] ?? null];
  return [...textOrParts(item['content'], 'content'), ...textOrParts(item['output'], 'output')];
}

const UNKEPT =
  'the provider keeps nothing of a call. Set store to false in your client, so that it sends items whole.';

/** Without its text it only names what the provider may have kept of somebody. */
export function isWholeReasoning({ encrypted_content, content }: JsonObject): boolean {
  return (
    (typeof encrypted_content === 'string' && encrypted_content !== '') ||
    (Array.isArray(content) && content.length > 0)
  );
}

function assertWholeReasoning(item: JsonObject): readonly JsonValue[] {
  const { content, summary } = item;
  if (!isWholeReasoning(item))
    throw notPassed(
      'a reasoning item without encrypted_content',
      `${UNKEPT} Include reasoning.encrypted_content.`,
    );
  return [...textOrParts(content, 'content'), ...textOrParts(summary, 'summary')];
}

/** What a part of an item brings with it; `bytes` of the request are nothing but that. */
interface Part {
  readonly kind: 'text' | 'picture' | 'document';
  readonly bytes: number;
  readonly fetches: boolean;
}

function readPart(part: JsonObject): Part {
  const type = text(part, 'type');
  const members = shapesIn(PARTS, type);
  if (members === undefined) throw notPassed(ofType('a part', type), 'only text, pictures and files are');
  assertShapes(part, members, `${type}.`);
  assertNoFileId(part['file_id'], `${type}.file_id`);
  if (type === 'input_file') return readFile(part);
  if (members['image_url'] !== undefined) return readPicture(part, type);
  assertPlainNotes(part['annotations']);
  return { kind: 'text', bytes: 0, fetches: false };
}

function readPicture({ image_url: url }: JsonObject, type: string): Part {
  const { bytes, fetches } = pictureAt(url, `${type}.image_url`);
  // A screenshot is what a tool found.
  return { kind: 'picture', bytes: type === 'input_image' ? bytes : 0, fetches };
}

function readFile({ file_data: data, file_url: url, ...rest }: JsonObject): Part {
  assertTexts(rest, ['filename']);
  if (url == null)
    return { kind: 'document', bytes: pdfBytesOf(data, 'input_file.file_data'), fetches: false };
  if (data != null) throw malformed('file_data and file_url exclude each other');
  assertDocumentUrl(url, 'input_file.file_url');
  return { kind: 'document', bytes: 0, fetches: true };
}

function assertPlainNotes(annotations: JsonValue | undefined): void {
  if (annotations === undefined) return;
  for (const one of list(annotations, 'annotations')) {
    if (!isJsonObject(one)) throw malformed('an annotation must be an object');
    if (one['type'] !== 'url_citation')
      throw notPassed(ofType('an annotation', one['type']), 'only url_citation is');
    assertShapes(one, NOTE, 'annotations.');
  }
}
