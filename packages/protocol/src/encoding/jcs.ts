import { malformed } from '../error.js';
import { assertWellFormed } from './utf8.js';

/** Twice what the parser accepts, so that anything parsed may be wrapped before it is hashed. */
const MAX_DEPTH = 128;

/** Writes a value as canonical JSON (RFC 8785): members sorted by UTF-16 units, no white space, numbers as
 *  ECMAScript prints them, `-0` as `0`. Hash or sign the UTF-8 form of the result.
 *  Only JSON is accepted: `undefined`, NaN, infinities, lone surrogates, holes, symbols, functions, bigints and
 *  objects that are not plain (Date, Map, instances) are refused, and so is anything deeper than 128 levels,
 *  which includes every cycle. `toJSON` is not called.
 *  @throws {TrustError} MALFORMED */
export function canonicalize(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth === MAX_DEPTH) throw malformed(`a value deeper than ${MAX_DEPTH} levels`);
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    default:
      throw malformed(`a value of type ${typeof value} has no JSON form`);
  }
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw malformed('a number that is not finite has no JSON form');
  return String(value);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + write(items[i], depth);
  return `${text}]`;
}

function writeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw malformed('an object that is not plain');
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  if (!isSorted(names)) names.sort();
  let text = '{';
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    text += `${(i === 0 ? '' : ',') + writeString(name)}:${write(members[name], depth)}`;
  }
  return `${text}}`;
}

/** Both this comparison and the default sort go by UTF-16 units, as RFC 8785 section 3.2.3 demands. */
function isSorted(names: readonly string[]): boolean {
  for (let i = 1; i < names.length; i++) {
    if ((names[i - 1] as string) > (names[i] as string)) return false;
  }
  return true;
}

/** Most texts are ASCII with nothing to escape: those are looked at once, and nothing else is asked of them. */
function writeString(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return escaped(text);
  }
  return `"${text}"`;
}

/** JSON.stringify escapes as RFC 8785 section 3.2.2.2 does, but turns a lone surrogate into an escape. */
function escaped(text: string): string {
  assertWellFormed(text);
  return JSON.stringify(text);
}
