import type { JsonObject } from '../../encoding/json.js';
import { utf8Length } from '../../encoding/utf8.js';

/** What was found out about the arguments of one call, and need not be found out again for each of its grants: a chain may ask about
 *  a megabyte of them hundreds of times. They do not change meanwhile. */
export interface ArgumentsMemo {
  /** hex(SHA-256(JCS(arguments))) */
  hash?: string;
  names?: Map<JsonObject, readonly string[]>;
  lengths?: Map<string, number>;
}

/** The names of the members of an object in the arguments. */
export function namesIn(object: JsonObject, memo: ArgumentsMemo): readonly string[] {
  memo.names ??= new Map();
  const known = memo.names.get(object);
  if (known !== undefined) return known;
  const names = Object.keys(object);
  memo.names.set(object, names);
  return names;
}

/** Length in bytes of a text in the arguments. */
export function lengthIn(text: string, memo: ArgumentsMemo): number {
  memo.lengths ??= new Map();
  const known = memo.lengths.get(text);
  if (known !== undefined) return known;
  const length = utf8Length(text);
  memo.lengths.set(text, length);
  return length;
}
