import { isJsonObject, type JsonObject, type JsonValue, TrustError } from '@talosprotocol/protocol';

/** A request that is not of its protocol. */
export function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason, { hint: reason });
}

/** A member that could reach what nobody decided on: it is refused, and not left out, so that no client believes it was heard. */
export function notPassed(member: string, why: string): TrustError {
  const hint = `${member.slice(0, 128)} is not passed on: ${why}`;
  return new TrustError('POLICY_DENIED', hint, { caveat: member.slice(0, 128), hint });
}

/** Refuses members that are not listed. `where` says of what they are; those at the top have none. */
export function onlyMembers(
  value: JsonObject,
  known: ReadonlySet<string>,
  more: readonly string[],
  where: string,
): void {
  for (const name of Object.keys(value)) {
    if (!known.has(name) && !more.includes(name))
      throw notPassed(`${where}${name}`, where === '' ? ALLOWABLE : NESTED);
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
