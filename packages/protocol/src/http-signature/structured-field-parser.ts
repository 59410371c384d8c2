import { decodeHex } from '../encoding/hex.js';
import { decodeUtf8 } from '../encoding/utf8.js';
import { malformed } from '../error.js';
import { decodeBase64 } from '../log/base64.js';
import type {
  BareItem,
  FieldDictionary,
  FieldItem,
  FieldMember,
  InnerList,
  Parameters,
} from './structured-field.js';

/** How a field is parsed. */
export interface FieldParsing {
  /** Refuse a key that is given twice in a dictionary or in parameters; otherwise the last wins (RFC 9651 section
   *  4.2), and two readers of which one is careless may disagree. */
  readonly unique?: boolean;
}

/** Longest field in bytes, and most members of one list, dictionary or inner list (SES-17). */
export const FIELD_LIMITS = { bytes: 32_768, members: 1024 } as const;

/** Parses a dictionary (RFC 9651 section 4.2.2) strictly: binary only in canonical base64.
 *  @throws {TrustError} MALFORMED */
export function parseFieldDictionary(text: string, parsing: FieldParsing = {}): FieldDictionary {
  return parseField(text, parsing, (scan) => {
    const members = new Map<string, FieldMember>();
    readMembers(scan, () => {
      const key = scan.need(KEY, 'key');
      put(scan, members, key, scan.take('=') ? readMember(scan) : readFlag(scan));
    });
    return members;
  });
}

/** Parses a list (RFC 9651 section 4.2.1). @throws {TrustError} MALFORMED */
export function parseFieldList(text: string, parsing: FieldParsing = {}): readonly FieldMember[] {
  return parseField(text, parsing, (scan) => {
    const members: FieldMember[] = [];
    readMembers(scan, () => void members.push(readMember(scan)));
    return members;
  });
}

/** Parses an item (RFC 9651 section 4.2.3). @throws {TrustError} MALFORMED */
export function parseFieldItem(text: string, parsing: FieldParsing = {}): FieldItem {
  return parseField(text, parsing, readItem);
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])|[0-9]{1,15}(?![0-9.]))/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BINARY = /:[A-Za-z0-9+/=]*:/y;
const BOOLEAN = /\?[01]/y;
const DISPLAY = /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;
const SPACES = / */y;
const WHITE_SPACE = /[ \t]*/y;

function parseField<T>(text: string, { unique = false }: FieldParsing, read: (scan: Scanner) => T): T {
  if (text.length > FIELD_LIMITS.bytes) throw bad('is too long');
  const scan = createScanner(text, unique);
  scan.skip(SPACES);
  const value = read(scan);
  scan.skip(SPACES);
  if (!scan.atEnd()) throw bad('has something after its end');
  return value;
}

type Scanner = ReturnType<typeof createScanner>;

function createScanner(text: string, unique: boolean) {
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  return {
    unique,
    skip: (pattern: RegExp): void => void match(pattern),
    atEnd: () => at === text.length,
    next: () => text.charAt(at),
    take: (sign: string): boolean => {
      const found = text.charAt(at) === sign;
      if (found) at++;
      return found;
    },
    need: (pattern: RegExp, what: string): string => {
      const found = match(pattern);
      if (found === undefined) throw bad(`has no ${what} where one belongs`);
      return found;
    },
  };
}

function put<T>({ unique }: Scanner, map: Map<string, T>, key: string, value: T): void {
  if (unique && map.has(key)) throw bad('has a key twice');
  map.set(key, value);
}

function readMembers(scan: Scanner, read: () => void): void {
  for (let count = 1; !scan.atEnd(); count++) {
    limit(count);
    read();
    scan.skip(WHITE_SPACE);
    if (scan.atEnd()) return;
    if (!scan.take(',')) throw bad('has no comma where one belongs');
    scan.skip(WHITE_SPACE);
    if (scan.atEnd()) throw bad('ends with a comma');
  }
}

function limit(count: number): void {
  if (count > FIELD_LIMITS.members) throw bad('has too many members');
}

function readMember(scan: Scanner): FieldMember {
  return scan.take('(') ? readInnerList(scan) : readItem(scan);
}

/** A key without a value stands for true. */
function readFlag(scan: Scanner): FieldItem {
  return { item: { type: 'boolean', value: true }, params: readParameters(scan) };
}

function readItem(scan: Scanner): FieldItem {
  const item = readBareItem(scan);
  return { item, params: readParameters(scan) };
}

function readInnerList(scan: Scanner): InnerList {
  const items: FieldItem[] = [];
  for (;;) {
    scan.skip(SPACES);
    if (scan.take(')')) return { items, params: readParameters(scan) };
    limit(items.push(readItem(scan)));
    if (scan.next() !== ' ' && scan.next() !== ')') throw bad('has an inner list that does not end');
  }
}

function readParameters(scan: Scanner): Parameters {
  const params = new Map<string, BareItem>();
  while (scan.take(';')) {
    scan.skip(SPACES);
    const key = scan.need(KEY, 'key');
    put(scan, params, key, scan.take('=') ? readBareItem(scan) : { type: 'boolean', value: true });
    limit(params.size);
  }
  return params;
}

const QUOTED: Readonly<Record<string, (scan: Scanner) => BareItem>> = {
  '"': (scan) => ({ type: 'string', value: unquote(scan.need(STRING, 'string')) }),
  ':': (scan) => ({ type: 'binary', value: decodeBase64(scan.need(BINARY, 'binary').slice(1, -1)) }),
  '?': (scan) => ({ type: 'boolean', value: scan.need(BOOLEAN, 'boolean') === '?1' }),
  '%': (scan) => ({ type: 'display', value: decodeDisplay(scan.need(DISPLAY, 'display string')) }),
  '@': readDate,
};

function readBareItem(scan: Scanner): BareItem {
  const first = scan.next();
  const quoted = Object.hasOwn(QUOTED, first) ? QUOTED[first] : undefined;
  if (quoted !== undefined) return quoted(scan);
  if (/[-0-9]/.test(first)) return number(scan.need(NUMBER, 'number'));
  return { type: 'token', value: scan.need(TOKEN, 'item') };
}

function readDate(scan: Scanner): BareItem {
  scan.take('@');
  const { type, value } = number(scan.need(NUMBER, 'number'));
  if (type !== 'integer') throw bad('has a date that is no whole number');
  return { type: 'date', value };
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** Minus zero is zero: one number has one spelling. */
function number(text: string): { readonly type: 'integer' | 'decimal'; readonly value: number } {
  return { type: text.includes('.') ? 'decimal' : 'integer', value: Number(text) + 0 };
}

/** Percent-encoded UTF-8 (RFC 9651 section 4.2.10). */
function decodeDisplay(quoted: string): string {
  const hex = quoted
    .slice(2, -1)
    .replace(/%([0-9a-f]{2})|[^%]/g, (sign: string, digits?: string) => digits ?? codeOf(sign));
  return decodeUtf8(decodeHex(hex));
}

function codeOf(sign: string): string {
  return sign.charCodeAt(0).toString(16).padStart(2, '0');
}

function bad(why: string): Error {
  return malformed(`a structured field that ${why}`);
}
