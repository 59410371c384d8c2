import { malformed } from '../error.js';
import { createGrowingBytes } from './growing-bytes.js';
import { createMemberOrders } from './member-order.js';
import { assertWellFormed, encodeUtf8 } from './utf8.js';

/** Lays canonical JSON out in bytes that stay, one value after the other: hashes and signatures are over bytes, and a text would be
 *  made of a piece for each name and value. */
export interface JcsWriter {
  /** Writes the value and lends its bytes, until the next one is written.
   *  @throws {TrustError} MALFORMED, as `canonicalize` */
  write(value: unknown): Uint8Array;
}

/** Twice what the parser accepts, so that anything parsed may be wrapped before it is hashed. */
const MAX_DEPTH = 128;
/** Most values have room in so many bytes. */
const ROOM = 16_384;

const TRUE = encodeUtf8('true');
const FALSE = encodeUtf8('false');
const NULL = encodeUtf8('null');
const EMPTY = encodeUtf8('{}');
const COMMA = 0x2c;

const orderOf = createMemberOrders((name, isFirst) => encodeUtf8(`${isFirst ? '{' : ','}${escaped(name)}:`));

/** Makes a writer. It writes one value at a time: a getter in it that writes another needs a writer of its own. */
export function createJcsWriter(): JcsWriter {
  const text = createGrowingBytes(ROOM);

  function putValue(value: unknown, depth: number): void {
    if (typeof value === 'string') putString(value);
    else if (typeof value === 'number') text.putAscii(numberText(value));
    else if (typeof value === 'boolean') text.putAll(value ? TRUE : FALSE);
    else if (value === null) text.putAll(NULL);
    else if (typeof value === 'object') putNested(value, depth);
    else throw malformed(`a value of type ${typeof value} has no JSON form`);
  }

  /** Most texts are ASCII with nothing to escape: those are looked at once, and written meanwhile. */
  function putString(value: string): void {
    if (!text.putQuoted(value)) text.putUtf8(escaped(value));
  }

  function putNested(value: object, depth: number): void {
    if (depth === MAX_DEPTH) throw malformed(`a value deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) putArray(value, depth + 1);
    else putObject(value, depth + 1);
  }

  function putArray(items: readonly unknown[], depth: number): void {
    text.put(0x5b);
    for (let i = 0; i < items.length; i++) {
      if (i > 0) text.put(COMMA);
      putValue(items[i], depth);
    }
    text.put(0x5d);
  }

  function putObject(value: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw malformed('an object that is not plain');
    const members = value as Readonly<Record<string, unknown>>;
    const found = Object.keys(members);
    if (found.length === 0) return void text.putAll(EMPTY);
    const { names, labels } = orderOf(found);
    for (let i = 0; i < names.length; i++) {
      text.putAll(labels[i] as Uint8Array);
      putValue(members[names[i] as string], depth);
    }
    text.put(0x7d);
  }

  return {
    write(value) {
      try {
        putValue(value, 0);
        return text.take();
      } finally {
        // Of what was refused in the middle nothing stays.
        text.clear();
      }
    },
  };
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw malformed('a number that is not finite has no JSON form');
  return String(value);
}

/** JSON.stringify escapes as RFC 8785 section 3.2.2.2 does, but turns a lone surrogate into an escape. */
function escaped(text: string): string {
  assertWellFormed(text);
  return JSON.stringify(text);
}
