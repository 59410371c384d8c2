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

/** Where a name of so many units, from `first` to `last`, stands in NAMES. */
function slotOf(first: number, last: number, length: number): number {
  return (first * 7 + last * 3 + length * 37) & 255;
}

/** Names of members that our formats use much; of two that fall into one slot the second is simply not there. */
const NAMES: readonly string[] = ((): string[] => {
  const slots = new Array<string>(256).fill('');
  const names =
    'iss sub jti iat exp nbf aud prn dlg grants limits par_hash invoke bearer bearer_below scope ops where only ptr op ' +
    'value alg typ kid jsonrpc id method params name arguments _meta seq rid cth htm htu nonce epk';
  for (const name of names.split(' ')) {
    const slot = slotOf(name.charCodeAt(0), name.charCodeAt(name.length - 1), name.length);
    slots[slot] ||= name;
  }
  return slots;
})();

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
  if (typeof text !== 'string') return new Reader(decodeUtf8(text), limits, text).document();
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

/** One pass over one text; `at` is the next unread unit. Where the text came as bytes and all of it is ASCII, units
 *  are read from the bytes: that takes half the time of asking a string. */
class Reader {
  readonly text: string;
  readonly ascii: Uint8Array | undefined;
  readonly floats: boolean;
  readonly maxDepth: number;
  at = 0;

  constructor(text: string, limits: JsonLimits, bytes?: Uint8Array) {
    this.text = text;
    // Anything beyond ASCII takes more bytes than units.
    this.ascii = bytes?.length === text.length ? bytes : undefined;
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
      const name = this.memberName();
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

  /** The unit at a place, NaN behind the end. */
  unit(index: number): number {
    const { ascii } = this;
    if (ascii === undefined) return this.text.charCodeAt(index);
    return index < ascii.length ? (ascii[index] as number) : Number.NaN;
  }

  /** Strings without escapes, nearly all of them, are cut out in one piece. */
  string(): string {
    const start = this.at + 1;
    const end = this.ascii === undefined ? this.plainEnd(start) : plainAsciiEnd(this.ascii, start);
    const code = this.unit(end);
    if (code === BACKSLASH) return this.escaped(start, end);
    if (code < 0x20) throw this.error('a control character', end);
    if (code !== QUOTE) throw this.error('an unfinished string', start - 1);
    this.at = end + 1;
    return this.text.slice(start, end);
  }

  /** As plainAsciiEnd, for any text. */
  plainEnd(start: number): number {
    const { text } = this;
    let i = start;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE || code === BACKSLASH || code < 0x20) break;
      if ((code & 0xf800) === 0xd800) i = this.pair(i, code);
    }
    return i;
  }

  /** The names of our own formats are constants of the program: no string has to be made of them, nor looked up. */
  memberName(): string {
    const start = this.at + 1;
    const length = (this.ascii === undefined ? 0 : plainAsciiEnd(this.ascii, start)) - start;
    if (length <= 0 || this.unit(start + length) !== QUOTE) return this.string();
    const name = NAMES[slotOf(this.unit(start), this.unit(start + length - 1), length)] as string;
    if (name.length !== length || !this.text.startsWith(name, start)) return this.string();
    this.at = start + length + 1;
    return name;
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
      const digit = hexDigit(this.unit(i));
      if (digit < 0) throw this.error('a bad unicode escape', i);
      value = (value << 4) | digit;
    }
    return value;
  }

  number(): number {
    const start = this.at;
    const negative = this.unit(start) === MINUS;
    if (negative) this.at++;
    const first = this.at;
    const value = this.digits();
    if (this.at - first > 1 && this.unit(first) === ZERO) {
      throw this.error('a leading zero', first);
    }
    const next = this.unit(this.at);
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
      const digit = this.unit(this.at) - ZERO;
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
    if (this.unit(this.at) === DOT) {
      this.at++;
      this.digits();
    }
    if ((this.unit(this.at) | 0x20) === 0x65) {
      const sign = this.unit(++this.at);
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
      const code = this.unit(this.at);
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

/** Where a string that begins at `start` ends or stops being plain: at a quote, a backslash, a control character or
 *  the end of the text. */
function plainAsciiEnd(ascii: Uint8Array, start: number): number {
  let i = start;
  for (; i < ascii.length; i++) {
    const code = ascii[i] as number;
    if (code === QUOTE || code === BACKSLASH || code < 0x20) break;
  }
  return i;
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
