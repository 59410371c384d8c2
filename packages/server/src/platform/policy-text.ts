import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml';

/** What is wrong with a document, and where. Lines and columns count from 1. */
export interface PolicyFault {
  readonly line: number;
  readonly column: number;
  /** JSON Pointer of the member; empty for the document. */
  readonly pointer: string;
  readonly message: string;
}

/** A YAML document as plain data that still knows where each member stands. */
export interface PolicyText {
  /** Undefined if the text could not be read; then `faults` says why. */
  readonly value: unknown;
  readonly faults: readonly PolicyFault[];
  /** A fault at the place of a member: at its name, or at the nearest one above it that is there. */
  faultAt(path: readonly string[], message: string): PolicyFault;
}

/** Enough for anchors shared between servers, far from what a nest of aliases would need. */
const MAX_ALIASES = 64;

/** Reads YAML 1.2 (core schema). Repeated keys, unknown tags and a second document are faults, and so are more
 *  alias uses than a person writes. Runs no tag, executes nothing. */
export function parsePolicyText(text: string): PolicyText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    ...place(error.pos[0]),
    pointer: '',
    message: describeSyntax(error),
  }));
  const faultAt = (path: readonly string[], message: string): PolicyFault => ({
    ...place(findOffset(document.contents, path)),
    pointer: path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    message,
  });
  if (faults.length > 0) return { value: undefined, faults, faultAt };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), faults, faultAt };
  } catch {
    return { value: undefined, faults: [faultAt([], 'uses too many YAML aliases')], faultAt };
  }
}

/** Codes whose messages are sentences of the library that quote nothing of the text, which may hold a secret. */
const QUOTES_NOTHING: ReadonlySet<string> = new Set([
  'ALIAS_PROPS',
  'BAD_INDENT',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'KEY_OVER_1024_CHARS',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_ANCHORS',
  'MULTIPLE_TAGS',
]);
const MAX_MESSAGE = 160;

function describeSyntax({ code, message }: YAMLError): string {
  const own = SYNTAX[code];
  if (own !== undefined) return own;
  const said = QUOTES_NOTHING.has(code) ? `: ${(message.split('\n')[0] ?? '').slice(0, MAX_MESSAGE)}` : '';
  return `is not YAML that can be read${said}`;
}

/** Said in our own words. */
const SYNTAX: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'a member is given twice',
  NON_STRING_KEY: 'the name of a member is not a string',
  TAG_RESOLVE_FAILED: 'a YAML tag that is not accepted',
  MULTIPLE_DOCS: 'a second YAML document',
  TAB_AS_INDENT: 'a tab as indentation',
  BAD_ALIAS: 'a YAML alias without an anchor',
  BAD_DQ_ESCAPE: 'an escape sequence that does not exist, in a text in double quotes',
  BAD_SCALAR_START: 'a text that begins with a sign YAML reserves: put it in quotes',
  UNEXPECTED_TOKEN: 'something that may not stand here: a bracket, a comma or a text too many',
};

function findOffset(root: ParsedNode | null, path: readonly string[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const name of path) {
    if (isAlias(node)) return offset;
    const next = step(node, name);
    if (next === undefined) return offset;
    offset = next.offset;
    node = next.node;
  }
  return offset;
}

function step(node: unknown, name: string): { node: unknown; offset: number } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(name)];
    return isNode(item) && item.range ? { node: item, offset: item.range[0] } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === name,
  );
  if (pair === undefined || !isScalar(pair.key) || !pair.key.range) return undefined;
  return { node: pair.value, offset: pair.key.range[0] };
}
