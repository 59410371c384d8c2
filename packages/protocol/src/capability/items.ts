import { createChecker, Item, type Op } from '@talosprotocol/contracts';
import type { JsonObject, JsonValue } from '../encoding/json.js';
import { malformed, TrustError } from '../error.js';
import type { ParsedManifest, ParsedResource } from './manifest.js';
import { normalPath } from './path.js';
import { expandPointer, replaceByPointer } from './pointer.js';
import { encodeResource, formatScope, parseScope } from './scope.js';
import { normalUrl } from './url.js';

declare const checked: unique symbol;

/** An item whose scope is canonical, so that it can be decided on by comparing text. Made by itemsOfCall,
 *  itemsOfRealCall, joinItems and parseItems only. */
export interface CheckedItem extends Item {
  readonly [checked]: true;
}

/** A call of an MCP tool, with the manifest its pin covers and arguments from the strict parser. */
export interface ToolCall {
  /** The operator's name of the server, never what the server says of itself. */
  readonly server: string;
  readonly tool: string;
  readonly manifest: ParsedManifest;
  readonly arguments: JsonObject;
}

/** As many as a decision lists. */
const MAX_ITEMS = 1024;
/** Bytes of the scopes of a call: they are disclosed together with its decision, and stored. */
const MAX_SCOPES = 98_304;
const checkItem = createChecker(Item);

/** The items a call is decided on (CAP-15 to CAP-17), at least one, without repetitions.
 *  @throws {TrustError} CONSTRAINT_VIOLATED: a value that its kind does not allow; more than 1,024 items, counting a
 *  path that may turn out to be two (CAP-18) twice; scopes of more than 98,304 bytes together */
export function itemsOfCall(call: ToolCall): readonly CheckedItem[] {
  return collectItems(call, true);
}

/** The items of a call made by withRealPaths. They are not bounded here, so that nobody who may not know a real path
 *  learns of its length: joinItems does that once they are allowed.
 *  @throws {TrustError} CONSTRAINT_VIOLATED: a real path that is no normal path */
export function itemsOfRealCall(call: ToolCall): readonly CheckedItem[] {
  return collectItems(call, false);
}

function collectItems(call: ToolCall, isBounded: boolean): readonly CheckedItem[] {
  const { source, resources } = call.manifest;
  const bare = formatScope('tool', [call.server, call.tool]).text;
  const items = new Map<string, Item>();
  let bytes = 0;
  let unresolved = 0;
  const add = (scope: string, op: Op): void => {
    const name = `${op} ${scope}`;
    if (!items.has(name)) bytes += scope.length;
    items.set(name, { scope, op });
    if (isBounded && (items.size + unresolved > MAX_ITEMS || bytes > MAX_SCOPES)) throw tooMany();
  };
  for (const resource of resources) {
    const op = resource.op ?? source.op;
    const { values, opaque } = findValues(call.arguments, resource);
    if (resource.resolve === 'realpath') unresolved += values.length;
    if (opaque) add(bare, op);
    for (const value of values) add(resourceScope(bare, mapValue(value, resource)), op);
  }
  if (items.size === 0) add(bare, source.op);
  return [...items.values()] as CheckedItem[];
}

/** A call of a model: who provides it, which one, and what it may reach besides its own words. */
export interface ModelCall {
  /** The operator's name of the provider. */
  readonly provider: string;
  readonly model: string;
  /** Hosted tools, such as `web-search`, that it brings into play. */
  readonly features: readonly string[];
  readonly op: Op;
}

/** The items a call of a model is decided on (LLM-3): the model itself, and each feature, all with its op.
 *  @throws {TrustError} MALFORMED: a name that no scope holds; CONSTRAINT_VIOLATED: too many */
export function itemsOfModelCall({ provider, model, features, op }: ModelCall): readonly CheckedItem[] {
  if (features.length >= MAX_ITEMS) throw tooMany();
  const scopes = [[provider, model], ...features.map((feature) => [provider, model, feature])];
  const texts = new Set(scopes.map((values) => formatScope('llm', values).text));
  return [...texts].map((scope) => ({ scope, op })) as unknown as CheckedItem[];
}

/** All items of a call: those of itemsOfCall and those of itemsOfRealCall, which CAP-15 bounds together.
 *  @throws {TrustError} CONSTRAINT_VIOLATED: more than 1,024, or scopes of more than 98,304 bytes together */
export function joinItems(
  named: readonly CheckedItem[],
  resolved: readonly CheckedItem[],
): readonly CheckedItem[] {
  const items = new Map([...named, ...resolved].map((item) => [`${item.op} ${item.scope}`, item]));
  const bytes = [...items.values()].reduce((sum, { scope }) => sum + scope.length, 0);
  if (items.size > MAX_ITEMS || bytes > MAX_SCOPES) throw tooMany();
  return [...items.values()];
}

/** The paths of a call whose manifest says `"resolve": "realpath"` (CAP-18), each once. Call itemsOfCall first: what
 *  it refuses is not looked for here. */
export function pathsToResolve(call: ToolCall): readonly string[] {
  const found = resolved(call).flatMap((resource) => findValues(call.arguments, resource).values);
  return [...new Set(found)];
}

/** The call with the real path in place of every path that is resolved, to be decided like the call as it was made:
 *  its items and its arguments (CAP-18). `realPaths` has those that lead elsewhere. */
export function withRealPaths(call: ToolCall, realPaths: ReadonlyMap<string, string>): ToolCall {
  const replace = (path: string): string => realPaths.get(path) ?? path;
  const args = resolved(call).reduce<JsonValue>(
    (document, { pointer }) => replaceByPointer(document, pointer, replace),
    call.arguments,
  );
  return { ...call, arguments: args as JsonObject };
}

function resolved({ manifest }: ToolCall): readonly ParsedResource[] {
  return manifest.resources.filter((resource) => resource.resolve === 'realpath');
}

/** Checks items that come from outside, such as those of `POST /talos/v1/authorize` (DEC-11).
 *  @throws {TrustError} MALFORMED: none, more than 1,024, or one that is not canonical */
export function parseItems(values: readonly unknown[]): readonly CheckedItem[] {
  if (values.length === 0 || values.length > MAX_ITEMS)
    throw malformed(`no items, or more than ${MAX_ITEMS}`);
  return values.map((value) => {
    const fault = checkItem(value);
    if (fault !== undefined) throw malformed(`an item: ${fault}`);
    const { scope, op } = value as Item;
    return { scope: parseScope(scope, 'item').text, op } as CheckedItem;
  });
}

/** The strings a resource's pointer finds. `opaque` if the call also needs the right to the tool as a whole: because
 *  a required value is missing, or something else than a string is there (CAP-16). */
function findValues(
  args: JsonObject,
  resource: ParsedResource,
): { readonly values: readonly string[]; readonly opaque: boolean } {
  const finds = expandPointer(args, resource.pointer);
  if (finds === undefined) throw tooMany();
  const values = finds.values.filter(isString);
  const isMissing = resource.required && (finds.missing || finds.values.length === 0);
  return { values, opaque: isMissing || finds.blocked || values.length < finds.values.length };
}

function isString(value: JsonValue): value is string {
  return typeof value === 'string';
}

function mapValue(value: string, { kind, ptr }: ParsedResource): readonly string[] {
  const segments = kind === 'path' ? normalPath(value) : kind === 'url' ? mapUrl(value) : [value];
  if (segments === undefined) throw refused(ptr, `is not a normal ${kind}`);
  return segments;
}

function mapUrl(text: string): readonly string[] | undefined {
  const url = normalUrl(text);
  return url === undefined ? undefined : [url.scheme, url.authority, ...url.segments];
}

/** What the mapping made is parsed again, so that an item is canonical whatever the kind. */
function resourceScope(bare: string, segments: readonly string[]): string {
  try {
    return parseScope(`${bare}/resource:${encodeResource(segments)}`, 'item').text;
  } catch (cause) {
    throw new TrustError('CONSTRAINT_VIOLATED', 'a value that no scope can hold', {}, cause);
  }
}

function refused(ptr: string, what: string): TrustError {
  const hint =
    'Give an absolute path or URL in its plain spelling: without ., .., //, ~, \\ and escapes of those.';
  return new TrustError('CONSTRAINT_VIOLATED', `an argument ${what}`, { caveat: `${ptr} ${what}`, hint });
}

function tooMany(): TrustError {
  const hint = 'Name fewer resources in one call, or name them by shorter paths.';
  const reason = `a call that names more than ${MAX_ITEMS} resources, or more than ${MAX_SCOPES} bytes of them`;
  return new TrustError('CONSTRAINT_VIOLATED', reason, { hint });
}
