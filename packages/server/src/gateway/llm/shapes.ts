import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { malformed, notPassed, notPassedMember, object } from './members.js';

/** What a value inside a request has to be, so that no object stands where a guard and a reader of the protocol expect a text, and nothing
 *  is in it that nobody listed.
 *  @throws {TrustError} MALFORMED | POLICY_DENIED */
export type Shape = (value: JsonValue, where: string) => void;

export type Shapes = Readonly<Record<string, Shape>>;

const ofType =
  (type: string, said: string): Shape =>
  (value, where) => {
    if (typeof value !== type) throw malformed(`${where} must be ${said}`);
  };

export const TEXT: Shape = ofType('string', 'a string');
export const NUMBER: Shape = ofType('number', 'a number');
export const FLAG: Shape = ofType('boolean', 'true or false');
/** Looked at by others. */
export const ANY: Shape = () => undefined;
/** What may only be null. */
export const NOTHING: Shape = (_, where) => {
  throw notPassed(where, 'it could reach what nobody decided on. Send the request without it');
};

/** One of these words and no other text. */
export function oneOf(...words: readonly string[]): Shape {
  return (value, where) => {
    if (typeof value !== 'string' || !words.includes(value))
      throw malformed(`${where} must be one of ${words.join(', ')}`);
  };
}

export function listOf(shape: Shape): Shape {
  return (value, where) => {
    if (!Array.isArray(value)) throw malformed(`${where} must be a list`);
    for (const one of value) shape(one, where);
  };
}

/** An object whose members are these, each of its shape; null counts as absent. */
export function closedOf(shapes: Shapes): Shape {
  return (value, where) => assertShapes(object(value, where), shapes, `${where}.`);
}

/** An object whose members are named as its sender likes. */
export function mapOf(shape: Shape): Shape {
  return (value, where) => {
    for (const one of Object.values(object(value, where))) shape(one, where);
  };
}

/** Members of an object. `where` says of what they are. */
export function assertShapes(value: JsonObject, shapes: Shapes, where: string): void {
  for (const [name, one] of Object.entries(value)) {
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    if (shape === undefined) throw notPassedMember(where, name);
    if (one !== null) shape(one, `${where}${name}`);
  }
}

/** The mark of a cache, as Anthropic and OpenRouter have it. */
export const CACHE: Shape = closedOf({ type: oneOf('ephemeral'), ttl: oneOf('5m', '1h') });

/** How closely a picture or a document is looked at. */
export const DETAIL: Shape = oneOf('auto', 'low', 'high');
