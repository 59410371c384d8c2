import type { JsonValue } from '../encoding/json.js';
import { utf8Length } from '../encoding/utf8.js';
import { malformed } from '../error.js';

/** The reference tokens of a JSON Pointer, unescaped; empty for the whole document. */
export type Pointer = readonly string[];

const MAX_BYTES = 256;
const MAX_FOUND = 1024;
const BAD_ESCAPE = /~(?![01])/;
const INDEX = /^(?:0|[1-9]\d{0,9})$/;

/** Reads a JSON Pointer (RFC 6901 section 3) of at most 256 bytes.
 *  @throws {TrustError} MALFORMED */
export function parsePointer(text: string): Pointer {
  if (text === '') return [];
  if (!text.startsWith('/')) throw malformed('a JSON Pointer that does not start with /');
  if (text.length > MAX_BYTES || utf8Length(text) > MAX_BYTES) {
    throw malformed(`a JSON Pointer of more than ${MAX_BYTES} bytes`);
  }
  if (BAD_ESCAPE.test(text)) throw malformed('a JSON Pointer with a bad escape');
  return text.slice(1).split('/').map(unescapeToken);
}

/** What the pointer finds in `document` (RFC 6901 section 4), or undefined. Own members only; `-` finds nothing. */
export function findByPointer(document: JsonValue, pointer: Pointer): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const token of pointer) {
    if (value === undefined) return undefined;
    value = step(value, token);
  }
  return value;
}

/** What a manifest's pointer finds (CAP-15, CAP-16). */
export interface PointerFinds {
  readonly values: readonly JsonValue[];
  /** Nothing was there: for the pointer as a whole, or below an element that `*` stands for. */
  readonly missing: boolean;
  /** A value of the wrong shape stood on the way, such as a string where `*` needs an array. */
  readonly blocked: boolean;
}

/** As findByPointer, where a whole token `*` stands for each element of an array. Undefined where that is more
 *  than 1,024 values. */
export function expandPointer(document: JsonValue, pointer: Pointer): PointerFinds | undefined {
  let found: readonly JsonValue[] = [document];
  let missing = false;
  let blocked = false;
  for (const token of pointer) {
    const next: JsonValue[] = [];
    for (const value of found) {
      if (isBlocked(value, token)) blocked = true;
      else if (!collect(value, token, next)) missing = true;
      if (next.length > MAX_FOUND) return undefined;
    }
    found = next;
  }
  return { values: found, missing, blocked };
}

/** A copy of `document` in which `replace` has changed every string that expandPointer finds. What is not changed is
 *  shared, not copied. */
export function replaceByPointer(
  document: JsonValue,
  pointer: Pointer,
  replace: (text: string) => string,
): JsonValue {
  const [token, ...rest] = pointer;
  if (token === undefined) return typeof document === 'string' ? replace(document) : document;
  if (token === '*' && Array.isArray(document)) {
    return document.map((element) => replaceByPointer(element, rest, replace));
  }
  const found = step(document, token);
  if (found === undefined) return document;
  const changed = replaceByPointer(found, rest, replace);
  if (Array.isArray(document)) return document.map((old, i) => (i === Number(token) ? changed : old));
  // A computed name is an own member also where it is `__proto__`.
  return { ...(document as Readonly<Record<string, JsonValue>>), [token]: changed };
}

function collect(value: JsonValue, token: string, into: JsonValue[]): boolean {
  const found = token === '*' ? (value as readonly JsonValue[]) : oneOf(step(value, token));
  if (into.length + found.length <= MAX_FOUND) into.push(...found);
  else into.length = MAX_FOUND + 1;
  return found.length > 0;
}

function oneOf(value: JsonValue | undefined): readonly JsonValue[] {
  return value === undefined ? [] : [value];
}

function isBlocked(value: JsonValue, token: string): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return token === '*' && !Array.isArray(value);
}

function step(value: JsonValue, token: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return INDEX.test(token) ? value[Number(token)] : undefined;
  return Object.hasOwn(value, token) ? (value as Readonly<Record<string, JsonValue>>)[token] : undefined;
}

function unescapeToken(token: string): string {
  return token.includes('~') ? token.replaceAll('~1', '/').replaceAll('~0', '~') : token;
}
