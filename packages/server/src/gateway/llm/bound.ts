import type { JsonObject, JsonValue } from '@talosprotocol/protocol';
import { isJsonObject } from '@talosprotocol/protocol';

/** Tokens that a provider may put before what it was sent: its own words about tools, formats and dates. */
const OVERHEAD = 1024;
/** Most tokens one picture counts as with the providers we know, whatever its bytes: OpenAI's smallest model of the 4o family reads
 *  48,169 of one that is cut into eight. */
const PICTURE = 50_000;

/** Most tokens a request can be read as. Tokens of the models we know stand for at least one byte of text each, so the
 *  bytes of the request bound them; pictures are counted apart, as they are read by their size: `pictureBytes` are those of
 *  the bytes that are nothing else. */
export function inputBound(bytes: number, pictures: number, pictureBytes = 0): number {
  return Math.max(0, bytes - pictureBytes) + OVERHEAD + pictures * PICTURE;
}

/** What of a request says how much is read of it. */
export interface Readable {
  /** All of it, and what may come to it. */
  readonly bytes: number;
  readonly pictures: number;
  /** How many of the bytes are pictures, and documents that nobody reads here. */
  readonly pictureBytes?: number;
  readonly documents: number;
  readonly documentBytes?: number;
}

/** Most tokens a request can be read as that may have documents: how much those say nobody knows by their bytes, so as much as its
 *  model takes (`window`); never less than all the rest of it (LLM-37). */
export function readBound(
  { bytes, pictures, pictureBytes = 0, documents, documentBytes = 0 }: Readable,
  window: number,
): number {
  const rest = inputBound(bytes, pictures, pictureBytes + documentBytes);
  return documents === 0 ? rest : Math.max(rest, window);
}

/** What opens a longer window, where the operator lets it pass: no table of models knows of it. */
const LONG_CONTEXT = /^context-1m-/;
const LONG_WINDOW = 1_000_000;

/** Most tokens a model takes that is asked with these betas; undefined if nobody knows. */
export function windowWith(betas: readonly string[], window: number | undefined): number | undefined {
  return window !== undefined && betas.some((beta) => LONG_CONTEXT.test(beta))
    ? Math.max(window, LONG_WINDOW)
    : window;
}

/** How many objects of one of these types there are in a value, at any depth. */
export function countTyped(value: JsonValue | undefined, types: ReadonlySet<string>): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countTyped(one, types), 0);
  if (value === undefined || !isJsonObject(value)) return 0;
  const type = value['type'];
  const own = typeof type === 'string' && types.has(type) ? 1 : 0;
  return Object.values(value).reduce<number>((sum, one) => sum + countTyped(one, types), own);
}

/** What is the client's own, in which names mean nothing to a provider: schemas of tools, and what those were called with. */
const DATA: ReadonlySet<string> = new Set(['input_schema', 'input', 'parameters']);

/** What of a request is to be written into a cache: `long` if any of it is to stay there for longer than usual, which costs more. */
export function cacheOf(value: JsonValue | undefined): CacheKind {
  const marks = [...cacheMarks(value)];
  if (marks.length === 0) return 'unmarked';
  return marks.some((control) => 'ttl' in control && control['ttl'] !== '5m') ? 'long' : 'short';
}

export type CacheKind = 'unmarked' | 'short' | 'long';

function* cacheMarks(value: JsonValue | undefined): Generator<JsonObject> {
  if (Array.isArray(value)) for (const one of value) yield* cacheMarks(one);
  if (value === undefined || !isJsonObject(value)) return;
  const control = value['cache_control'];
  if (control !== undefined && isJsonObject(control)) yield control;
  for (const [name, one] of Object.entries(value)) if (!DATA.has(name)) yield* cacheMarks(one);
}
