import { isJsonObject, type JsonObject, type JsonValue, TrustError } from '@talosprotocol/protocol';
import { memberOf, notPassed } from '../members.js';

/** Makes the error for what cannot be said in the other protocol, by the name of its member. */
export type Fault = (member: string) => TrustError;

/** Values of a member that say nothing, so that it may be left out; null always is one. */
export type Silent = (value: JsonValue) => boolean;

/** Members that are not carried over, but may stand there with a value that says nothing. */
export type SilentMembers = Readonly<Record<string, Silent>>;

/** Says nothing but by its absence: only null does not. */
export const ONLY_NULL: Silent = () => false;
export const FALSE: Silent = (value) => value === false;
export const ZERO: Silent = (value) => value === 0;
export const EMPTY: Silent = (value) => Array.isArray(value) && value.length === 0;

/** Of a request: it is refused, and not left out (LLM-31). */
export function faultOfRequest(spoken: string): Fault {
  return (member) =>
    notPassed(member, `the model's provider speaks ${spoken}, in which it cannot be said without loss`);
}

/** Of an answer: the provider has worked, and the client cannot be told what it said (LLM-32). */
export function faultOfAnswer(spoken: string): Fault {
  return (member) =>
    new TrustError('UPSTREAM_FAILED', `${spoken} cannot say what was answered: ${member.slice(0, 128)}`, {
      hint: "Ask the model on the route of its provider's protocol.",
    });
}

/** Everything of an object is carried over, or says nothing. What is neither is a fault. */
export function assertSayable(
  value: JsonObject,
  carried: ReadonlySet<string>,
  silent: SilentMembers,
  where: string,
  fault: Fault,
): void {
  for (const [name, one] of Object.entries(value)) {
    if (carried.has(name)) continue;
    const isSilent = Object.hasOwn(silent, name) && (one === null || silent[name]?.(one) === true);
    if (!isSilent) throw fault(memberOf(where, name));
  }
}

/** The same of an answer, in which a null says nothing, whatever it stands for: servers have members of their own. */
export function assertTellable(
  value: JsonObject,
  carried: ReadonlySet<string>,
  silent: SilentMembers,
  where: string,
  fault: Fault,
): void {
  const said = Object.entries(value).filter(([, one]) => one !== null);
  assertSayable(Object.fromEntries(said), carried, silent, where, fault);
}

/** A string that has to be there. */
export function textOf(value: JsonValue | undefined, member: string, fault: Fault): string {
  if (typeof value !== 'string') throw fault(member);
  return value;
}

export function objectOf(value: JsonValue | undefined, member: string, fault: Fault): JsonObject {
  if (value === undefined || !isJsonObject(value)) throw fault(member);
  return value;
}

export function listOf(value: JsonValue | undefined, member: string, fault: Fault): readonly JsonValue[] {
  if (!Array.isArray(value)) throw fault(member);
  return value;
}

/** A string, if it is there; null counts as absent. */
export function optionalText(
  body: JsonObject,
  name: string,
  where: string,
  fault: Fault,
): string | undefined {
  const value = body[name];
  return value === undefined || value === null ? undefined : textOf(value, `${where}${name}`, fault);
}

/** A number from 0 to 1: Anthropic's scales end there. */
export function shareOf(body: JsonObject, name: string, fault: Fault): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || value < 0 || value > 1) throw fault(name);
  return value;
}

/** The members that there are. */
export function stated(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
