import type { JsonObject } from '../../encoding/json.js';
import { utf8Length } from '../../encoding/utf8.js';
import { readsAsDots } from '../dots.js';
import { normalPath } from '../path.js';
import { type NormalUrl, normalUrl } from '../url.js';

/** What was found out about the arguments of one call, and need not be found out again for each of its grants: a chain may ask about
 *  a megabyte of them hundreds of times. They do not change meanwhile. */
export interface ArgumentsMemo {
  /** hex(SHA-256(JCS(arguments))) */
  hash?: string;
  names?: Map<JsonObject, readonly string[]>;
  lengths?: Map<string, number>;
  dots?: Map<string, boolean>;
  paths?: Map<string, boolean>;
  urls?: Map<string, { readonly url: NormalUrl | undefined }>;
}

/** The names of the members of an object in the arguments. */
export function namesIn(object: JsonObject, memo: ArgumentsMemo): readonly string[] {
  memo.names ??= new Map();
  return once(memo.names, object, Object.keys);
}

/** Length in bytes of a text in the arguments. */
export function lengthIn(text: string, memo: ArgumentsMemo): number {
  memo.lengths ??= new Map();
  return once(memo.lengths, text, utf8Length);
}

/** True if some parser reads this segment of a text in the arguments as `.` or `..`. */
export function isDotsIn(segment: string, memo: ArgumentsMemo): boolean {
  memo.dots ??= new Map();
  return once(memo.dots, segment, readsAsDots);
}

/** True if a text in the arguments is a normal path. */
export function isNormalPathIn(text: string, memo: ArgumentsMemo): boolean {
  memo.paths ??= new Map();
  return once(memo.paths, text, (path) => normalPath(path) !== undefined);
}

/** The normal URL that a text in the arguments is; undefined if it is none. */
export function normalUrlIn(text: string, memo: ArgumentsMemo): NormalUrl | undefined {
  memo.urls ??= new Map();
  return once(memo.urls, text, (url) => ({ url: normalUrl(url) })).url;
}

function once<K, V>(known: Map<K, V>, key: K, find: (key: K) => V): V {
  const before = known.get(key);
  if (before !== undefined) return before;
  const found = find(key);
  known.set(key, found);
  return found;
}
