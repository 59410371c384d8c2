import { isJsonObject, type JsonObject, type JsonValue, TrustError } from '@talosprotocol/protocol';
import { shown } from '../shown.js';

/** A request that is not of its protocol. */
export function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason, { hint: reason });
}

/** A member that could reach what nobody decided on: it is refused, and not left out, so that no client believes it was heard. What it
 *  is called goes on record, and so does the hint: nothing that a client made up may be in it. */
export function notPassed(member: string, why: string): TrustError {
  const hint = `${member.slice(0, 128)} is not passed on: ${why}`;
  return new TrustError('POLICY_DENIED', hint, { caveat: member.slice(0, 128), hint });
}

/** Names of members as protocols have them. */
const NAME = /^[a-z][a-z0-9_]{0,63}$/;
/** Types that the protocols have, and their tools of a date. */
const TYPES: ReadonlySet<JsonValue | undefined> = new Set([
  ...['text', 'image', 'image_url', 'file', 'document', 'refusal', 'base64', 'url', 'content', 'input_audio'],
  ...['tool_use', 'tool_result', 'thinking', 'redacted_thinking', 'search_result', 'server_tool_use'],
  ...['web_search_tool_result', 'container_upload', 'mcp_tool_use', 'mcp_tool_result', 'tool_reference'],
  ...['message', 'function', 'custom', 'web_search', 'web_search_preview', 'code_interpreter', 'mcp'],
  ...['file_search', 'image_generation', 'item_reference', 'compaction', 'computer_use_preview'],
  ...['input_text', 'output_text', 'input_image', 'input_file', 'file_citation', 'file_path'],
  ...['container_file_citation', 'text_delta', 'input_json_delta', 'thinking_delta', 'signature_delta'],
  ...['citations_delta', 'local_shell', 'apply_patch', 'shell', 'additional_tools', 'file_search_call'],
  ...['code_interpreter_call', 'image_generation_call', 'mcp_call', 'mcp_list_tools', 'mcp_approval_request'],
  ...['mcp_approval_response', 'shell_call', 'shell_call_output', 'apply_patch_call', 'tool_search_call'],
  ...['apply_patch_call_output', 'tool_search_output', 'code_execution_tool_result', 'web_fetch_tool_result'],
]);
const OF_A_DATE =
  /^(?:bash|text_editor|computer|memory|web_search|web_fetch|code_execution|tool_search_tool_[a-z0-9]{4,5})_\d{8}$/;

/** A member as it may be told and be on record: by its name, if that looks like one. */
export function memberOf(where: string, name: string): string {
  if (NAME.test(name)) return `${where}${name}`;
  return where === '' ? 'a member' : `another member of ${where.replace(/\.$/, '')}`;
}

/** What is of a type, the same way: a client may have written anything there. */
export function ofType(what: string, type: JsonValue | undefined): string {
  const isKnown = TYPES.has(type) || (typeof type === 'string' && OF_A_DATE.test(type));
  return isKnown ? `${what} of type ${shown(type)}` : `${what} of another type`;
}

const ROLES: ReadonlySet<JsonValue | undefined> = new Set([
  ...['system', 'developer', 'user', 'assistant', 'tool', 'function'],
]);

export const ofRole = (role: JsonValue | undefined): string =>
  ROLES.has(role) ? `a message of role ${shown(role)}` : 'a message of another role';

/** A member that nobody listed. */
export function notPassedMember(where: string, name: string): TrustError {
  return notPassed(memberOf(where, name), where === '' ? ALLOWABLE : NESTED);
}

/** Refuses members that are not listed. `where` says of what they are; those at the top have none. */
export function onlyMembers(
  value: JsonObject,
  known: ReadonlySet<string>,
  more: readonly string[],
  where: string,
): void {
  for (const name of Object.keys(value)) {
    if (!known.has(name) && !more.includes(name)) throw notPassedMember(where, name);
  }
}

const ALLOWABLE = 'the operator can allow it with `fields` of the provider';
const NESTED = 'it could reach what nobody decided on. Send the request without it';

const NONE: ReadonlySet<string> = new Set();

/** An object without what says nothing in it: members that are null, but `kept`, and `added`, which clients' libraries put to what
 *  they read and send back, and which are of no protocol. The same object if all of it says something. */
export function meantOf(value: JsonObject, added: ReadonlySet<string> = NONE, kept?: string): JsonObject {
  const isSilent = (name: string): boolean => added.has(name) || (value[name] === null && name !== kept);
  const names = Object.keys(value);
  if (!names.some(isSilent)) return value;
  return Object.fromEntries(
    names.filter((name) => !isSilent(name)).map((name) => [name, value[name] as JsonValue]),
  );
}

/** The same with what is in one of its members, an object or a list of such, made into what it means. */
export function withMeant(
  value: JsonObject,
  name: string,
  meant: (one: JsonObject) => JsonObject,
): JsonObject {
  const inner = value[name];
  if (inner === undefined) return value;
  const made = Array.isArray(inner) ? eachMeant(inner, meant) : isJsonObject(inner) ? meant(inner) : inner;
  return made === inner ? value : { ...value, [name]: made };
}

function eachMeant(
  values: readonly JsonValue[],
  meant: (one: JsonObject) => JsonObject,
): readonly JsonValue[] {
  const all = values.map((one) => (isJsonObject(one) ? meant(one) : one));
  return all.some((one, at) => one !== values[at]) ? all : values;
}

export function text(body: JsonObject, name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw malformed(`${name} must be a string`);
  return value;
}

export function list(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw malformed(`${name} must be a list`);
  return value;
}

/** What may stand alone as text, or as a list of parts: those. */
export function partsOf(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (value === undefined || value === null || typeof value === 'string') return [];
  if (Array.isArray(value)) return value;
  throw malformed(`${name} must be a string or a list`);
}

export function object(value: JsonValue | undefined, name: string): JsonObject {
  if (value === undefined || !isJsonObject(value)) throw malformed(`${name} must be an object`);
  return value;
}

/** A positive integer, if it is there; null counts as absent. */
export function positive(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000_000_000)
    return value;
  throw malformed(`${name} must be a positive integer`);
}

export function flag(body: JsonObject, name: string): boolean {
  const value = body[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw malformed(`${name} must be true or false`);
  return value;
}
