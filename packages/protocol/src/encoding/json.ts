import { malformed, type TrustError } from '../error.js';
import { decodeUtf8, isHighSurrogate, isLowSurrogate, utf8Length } from './utf8.js';

/** What strict JSON can hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. Members are own properties; an absent name may still find something on the prototype
 *  (`constructor`), so look up a name that comes from outside with `Object.hasOwn` first. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Bounds of one parse. */
export interface JsonLimits {
  /** Size of the text as UTF-8; default 1 MiB. */
  readonly maxBytes?: number;
  /** Arrays and objects inside each other; default 64. */
  readonly maxDepth?: number;
  /** Accept numbers with a fraction or an exponent. Nothing signed holds them, arguments of a tool may. */
  readonly floats?: boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const CLOSE_OBJECT = 0x7d;

/** From here on ECMAScript, and so canonical JSON, writes whole numbers with an exponent. */
const EXPONENT_FORM = 1e21;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Parses JSON (RFC 8259, I-JSON of RFC 7493) so strictly that no two parsers can disagree about what was signed.
 *  Refused besides bad syntax: a member name that occurs twice (compared after unescaping), a lone surrogate, an
 *  integer beyond 2^53-1, too much depth or size, a byte order mark. Numbers are integers unless `floats` is set;
 *  then finite doubles too, except those that canonical JSON writes as an integer beyond 2^53-1 (so that whatever
 *  is accepted is accepted again in canonical form). `-0` is refused, as it has a second
 *  spelling; with `floats` it is read as 0, which is what RFC 8785 section 3.2.2.3 writes for it.
 *  `__proto__` becomes an ordinary own member. Positions in messages count UTF-16 units from 0.
 *  @throws {TrustError} MALFORMED
 *  @example const claims = parseJson(payload, { maxBytes: 16_384 }) */
export function parseJson(text: string | Uint8Array, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? 1_048_576;
  if (text.length > maxBytes) throw malformed(`JSON of more than ${maxBytes} bytes`);
  if (typeof text !== 'string') return new Reader(decodeUtf8(text), limits).document();
  if (text.length * 3 > maxBytes && utf8Length(text) > maxBytes) {
    throw malformed(`JSON of more than ${maxBytes} bytes`);
  }
  return new Reader(text, limits).document();
}

/** As parseJson, for a text that must hold one object.
 *  @throws {TrustError} MALFORMED */
export function parseJsonObject(text: string | Uint8Array, limits: JsonLimits = {}): JsonObject {
  const value = parseJson(text, limits);
  if (!isJsonObject(value)) throw malformed('JSON that is not an object');
  return value;
}

/** True for an object, false for arrays, null and scalars. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One pass over one text; `at` is the next unread unit. */
class Reader {
  readonly text: string;
  readonly floats: boolean;
  readonly maxDepth: number;
  at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.text = text;
    this.floats = limits.floats ?? false;
    this.maxDepth = limits.maxDepth ?? 64;
  }

  document(): JsonValue {
    const value = this.value(0);
    if (this.peek() !== -1) throw this.error('data after the end', this.at);
    return value;
  }

  value(depth: number): JsonValue {
    switch (this.peek()) {
      case QUOTE:
        return this.string();
      case 0x7b:
        return this.object(depth + 1);
      case 0x5b:
        return this.array(depth + 1);
      case 0x74:
        return this.literal('true', true);
      case 0x66:
        return this.literal('false', false);
      case 0x6e:
        return this.literal('null', null);
      default:
        return this.number();
    }
  }

  object(depth: number): JsonObject {
    this.open(depth);
    const members: Record<string, JsonValue> = {};
    if (this.closes(CLOSE_OBJECT)) return members;
    do {
      if (this.peek() !== QUOTE) throw this.error('no member name', this.at);
      const start = this.at;
      const name = this.string();
      if (Object.hasOwn(members, name)) throw this.error('a repeated member name', start);
      if (this.peek() !== COLON) throw this.error('no colon', this.at);
      this.at++;
      setMember(members, name, this.value(depth));
    } while (this.continues(CLOSE_OBJECT));
    return members;
  }

  array(depth: number): JsonValue[] {
    this.open(depth);
    const items: JsonValue[] = [];
    if (this.closes(CLOSE_ARRAY)) return items;
    do items.push(this.value(depth));
    while (this.continues(CLOSE_ARRAY));
    return items;
  }

  /** Strings without escapes, nearly all of them, are cut out in one piece. */
  string(): string {
    const { text } = this;
    const start = this.at + 1;
    for (let i = start; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.at = i + 1;
        return text.slice(start, i);
      }
      if (code === BACKSLASH) return this.escaped(start, i);
      if (code < 0x20 || (code & 0xf800) === 0xd800) i = this.pair(i, code);
    }
    throw this.error('an unfinished string', start - 1);
  }

  escaped(start: number, firstEscape: number): string {
    const { text } = this;
    let value = text.slice(start, firstEscape);
    let from = firstEscape;
    for (let i = firstEscape; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.at = i + 1;
        return value + text.slice(from, i);
      }
      if (code === BACKSLASH) {
        value += text.slice(from, i) + this.escape(i + 1);
        from = this.at;
        i = from - 1;
      } else if (code < 0x20 || (code & 0xf800) === 0xd800) i = this.pair(i, code);
    }
    throw this.error('an unfinished string', start - 1);
  }

  /** Refuses control characters and lone surrogates; returns the place of the pair's second half. */
  pair(index: number, code: number): number {
    if (code < 0x20) throw this.error('a control character', index);
    if (isHighSurrogate(code) && isLowSurrogate(this.text.charCodeAt(index + 1))) return index + 1;
    throw this.error('a lone surrogate', index);
  }

  /** Reads what follows a backslash and moves `at` behind it. */
  escape(index: number): string {
    const kind = this.text.charAt(index);
    this.at = index + 1;
    if (kind === 'u') return this.unicode(index + 1);
    if (!Object.hasOwn(ESCAPES, kind)) throw this.error('an unknown escape', index - 1);
    return ESCAPES[kind] as string;
  }

  /** An escaped first half needs an escaped second half: half a pair is no character in any encoding. */
  unicode(index: number): string {
    const first = this.hex4(index);
    this.at = index + 4;
    if ((first & 0xf800) !== 0xd800) return String.fromCharCode(first);
    if (isHighSurrogate(first) && this.text.startsWith('\\u', index + 4)) {
      const second = this.hex4(index + 6);
      this.at = index + 10;
      if (isLowSurrogate(second)) return String.fromCharCode(first, second);
    }
    throw this.error('a lone surrogate', index - 2);
  }

  hex4(index: number): number {
    let value = 0;
    for (let i = index; i < index + 4; i++) {
      const digit = hexDigit(this.text.charCodeAt(i));
      if (digit < 0) throw this.error('a bad unicode escape', i);
      value = (value << 4) | digit;
    }
    return value;
  }

  number(): number {
    const start = this.at;
    const negative = this.text.charCodeAt(start) === MINUS;
    if (negative) this.at++;
    const first = this.at;
    const value = this.digits();
    if (this.at - first > 1 && this.text.charCodeAt(first) === ZERO) {
      throw this.error('a leading zero', first);
    }
    const next = this.text.charCodeAt(this.at);
    if (next === DOT || (next | 0x20) === 0x65) return this.float(start);
    if (value > Number.MAX_SAFE_INTEGER) throw this.error('an integer beyond 2^53-1', start);
    if (negative && value === 0 && !this.floats) throw this.error('a negative zero', start);
    return negative && value !== 0 ? -value : value;
  }

  /** Reads at least one digit. Beyond 2^53 the result is rounded, but never to less than 2^53. */
  digits(): number {
    const start = this.at;
    let value = 0;
    for (; ; this.at++) {
      const digit = this.text.charCodeAt(this.at) - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    if (this.at === start)
      throw this.error(start < this.text.length ? 'no JSON value' : 'an early end', start);
    return value;
  }

  /** Continues a number behind its integer part. */
  float(start: number): number {
    if (!this.floats) throw this.error('a number that is not an integer', start);
    if (this.text.charCodeAt(this.at) === DOT) {
      this.at++;
      this.digits();
    }
    if ((this.text.charCodeAt(this.at) | 0x20) === 0x65) {
      const sign = this.text.charCodeAt(++this.at);
      if (sign === MINUS || sign === 0x2b) this.at++;
      this.digits();
    }
    const value = Number(this.text.slice(start, this.at));
    const size = Math.abs(value);
    if (size === Number.POSITIVE_INFINITY) throw this.error('a number beyond the doubles', start);
    if (size > Number.MAX_SAFE_INTEGER && size < EXPONENT_FORM) {
      throw this.error('an integer beyond 2^53-1', start);
    }
    return value === 0 ? 0 : value;
  }

  literal<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.error('no JSON value', this.at);
    this.at += word.length;
    return value;
  }

  /** Skips white space; the unit there, unread, or -1 at the end. */
  peek(): number {
    for (; this.at < this.text.length; this.at++) {
      const code = this.text.charCodeAt(this.at);
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) return code;
    }
    return -1;
  }

  open(depth: number): void {
    if (depth > this.maxDepth) throw this.error(`more than ${this.maxDepth} levels`, this.at);
    this.at++;
  }

  closes(bracket: number): boolean {
    if (this.peek() !== bracket) return false;
    this.at++;
    return true;
  }

  /** True after a comma, false after the closing bracket. */
  continues(bracket: number): boolean {
    const code = this.peek();
    if (code !== COMMA && code !== bracket) throw this.error('no comma or closing bracket', this.at);
    this.at++;
    return code === COMMA;
  }

  error(what: string, position: number): TrustError {
    return malformed(`JSON with ${what} at position ${position}`);
  }
}

/** Assigning to `__proto__` would change the prototype instead of adding a member. */
function setMember(members: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name !== '__proto__') members[name] = value;
  else Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
