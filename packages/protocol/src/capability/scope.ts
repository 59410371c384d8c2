import { MAX_ITEM_SCOPE } from '@talosprotocol/contracts';
import { isNfc } from '../encoding/nfc.js';
import { malformed } from '../error.js';

/** The first segment's kind, which decides what may follow (CAP-8). */
export type ScopeRoot = 'tool' | 'llm' | 'a2a' | 'admin';

/** Where a scope stands: only a grant's may end a value in `*`. */
export type ScopeUse = 'grant' | 'item';

/** A scope whose spelling was checked. Made by parseScope only. */
export interface Scope {
  readonly root: ScopeRoot;
  /** The one spelling, as parsed. */
  readonly text: string;
  /** Encoded values in the order of the root's segments; fewer where trailing segments are left out. */
  readonly values: readonly string[];
  /** The text cut at every `*`; one piece if there is none. */
  readonly pieces: readonly string[];
}

const SEGMENTS: Readonly<Record<ScopeRoot, readonly string[]>> = {
  tool: ['tool', 'method', 'resource'],
  llm: ['llm', 'model', 'feature'],
  a2a: ['a2a', 'skill'],
  admin: ['admin', 'action'],
};

/** Of a grant's scope, and of what stands before the `resource` of an item's. */
const MAX_BYTES = 1024;
const PLAIN = /^[A-Za-z0-9\-._~]+$/;
/** A resource without escapes and dot segments, as most are. */
const PLAIN_RESOURCE = /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9\-._~]+)+$/;
/** The beginning of a character in UTF-8: what precedes a `*` may end in one. */
const CUT_CHARACTER =
  /%(?:C[2-9A-F]|D[\dA-F]|E0(?:%[AB][\dA-F])?|ED(?:%[89][\dA-F])?|E[1-9A-CEF](?:%[89AB][\dA-F])?|F0(?:%[9AB][\dA-F](?:%[89AB][\dA-F])?)?|F[1-3](?:%[89AB][\dA-F]){0,2}|F4(?:%8[\dA-F](?:%[89AB][\dA-F])?)?)$/;
const CONTROL = /\p{Cc}/u;
const LONE_SURROGATE = /\p{Surrogate}/u;
const SUBDELIMS = /[!'()*]/g;

/** Reads a scope in its one canonical spelling (CAP-8, CAP-9, CAP-10); anything else is refused, not repaired.
 *  @throws {TrustError} MALFORMED
 *  @example parseScope('tool:fs/method:read_*', 'grant') */
export function parseScope(text: string, use: ScopeUse): Scope {
  if (text.length > MAX_BYTES) checkLongItem(text, use);
  const root = parseRoot(text.slice(0, Math.max(0, text.indexOf(':'))));
  const values: string[] = [];
  let at = 0;
  for (const kind of SEGMENTS[root]) {
    if (!text.startsWith(`${kind}:`, at)) throw malformed('a scope with an unknown or misplaced segment');
    const start = at + kind.length + 1;
    at = kind === 'resource' ? text.length : segmentEnd(text, start);
    const value = text.slice(start, at);
    if (kind === 'resource') checkResource(value);
    else checkValue(value, use);
    values.push(value);
    if (at === text.length) return { root, text, values, pieces: text.split('*') };
    at++;
  }
  throw malformed('a scope with too many segments');
}

/** Writes a scope from values that are not encoded; `resource` is a path of such values.
 *  @throws {TrustError} MALFORMED: no values, too many, or one that no scope can hold
 *  @example formatScope('tool', ['fs', 'read_file', ['docs', 'a b.txt']]) */
export function formatScope(root: ScopeRoot, values: readonly (string | readonly string[])[]): Scope {
  const segments = values.map((value, index) => {
    const encoded = typeof value === 'string' ? encodeScopeValue(value) : encodeResource(value);
    return `${SEGMENTS[root][index]}:${encoded}`;
  });
  return parseScope(segments.join('/'), 'item');
}

/** Encodes one value (CAP-9).
 *  @throws {TrustError} MALFORMED: empty, not NFC, a control character or a lone surrogate */
export function encodeScopeValue(value: string): string {
  if (PLAIN.test(value)) return value;
  if (value === '' || CONTROL.test(value) || LONE_SURROGATE.test(value) || !isNfc(value)) {
    throw malformed('a value that no scope can hold');
  }
  return encodeURIComponent(value).replace(SUBDELIMS, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** Encodes a path, given as its segments, as the value of `resource`; no segment is `/`.
 *  @throws {TrustError} MALFORMED */
export function encodeResource(segments: readonly string[]): string {
  return `/${segments.map(encodeScopeValue).join('/')}`;
}

/** Decodes one encoded value.
 *  @throws {TrustError} MALFORMED: not the canonical spelling */
export function decodeScopeValue(encoded: string): string {
  const value = percentDecode(encoded);
  if (value === undefined || encodeScopeValue(value) !== encoded) {
    throw malformed('a scope value that is not canonical');
  }
  return value;
}

/** True if the grant's scope covers `scope`, the text of another (CAP-11). Linear and without allocation.
 *  Canonical values hold no raw `/`, so comparing whole segments is comparing up to the next one.
 *  That `scope` was parsed is the caller's part: an unchecked text could leave a resource by `..`. */
export function coversScope(grant: Scope, scope: string): boolean {
  const { pieces } = grant;
  const last = pieces.length - 1;
  let at = 0;
  for (let i = 0; i < last; i++) {
    const piece = pieces[i] as string;
    if (!scope.startsWith(piece, at)) return false;
    at = segmentEnd(scope, at + piece.length);
  }
  const rest = pieces[last] as string;
  if (!scope.startsWith(rest, at)) return false;
  const end = at + rest.length;
  return end === scope.length || scope[end] === '/' || rest.endsWith('/');
}

/** An item's `resource` may be the longest path there is; all else of it is as short as a grant. */
function checkLongItem(text: string, use: ScopeUse): void {
  const resource = text.slice(0, MAX_BYTES).indexOf('/resource:');
  if (use === 'grant' || resource < 0) throw malformed(`a scope of more than ${MAX_BYTES} bytes`);
  if (text.length > MAX_ITEM_SCOPE) throw malformed(`an item of more than ${MAX_ITEM_SCOPE} bytes`);
}

function parseRoot(kind: string): ScopeRoot {
  if (!Object.hasOwn(SEGMENTS, kind)) throw malformed('a scope of an unknown kind');
  return kind as ScopeRoot;
}

function segmentEnd(text: string, from: number): number {
  const slash = text.indexOf('/', from);
  return slash < 0 ? text.length : slash;
}

function checkValue(value: string, use: ScopeUse): void {
  const pattern = use === 'grant' && value.endsWith('*');
  const literal = pattern ? value.slice(0, -1).replace(CUT_CHARACTER, '') : value;
  if (PLAIN.test(literal) || (pattern && literal === '')) return;
  decodeScopeValue(literal);
}

function checkResource(value: string): void {
  if (value === '/' || PLAIN_RESOURCE.test(value)) return;
  if (!value.startsWith('/')) throw malformed('a resource that does not start with /');
  for (const segment of value.slice(1).split('/')) {
    if (segment === '.' || segment === '..') throw malformed('a resource with a dot segment');
    if (!PLAIN.test(segment)) decodeScopeValue(segment);
  }
}

function percentDecode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
