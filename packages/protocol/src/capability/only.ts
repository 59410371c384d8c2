import type { JsonObject, JsonValue } from '../encoding/json.js';
import { parsePointer } from './pointer.js';
import { type ArgumentsMemo, namesIn } from './where/memo.js';

/** The pointers of one `only` as a tree, so that arguments are walked once. */
type Node = Map<string, Node> | 'listed';

/** Compiles `only` (CAP-14): true for arguments that hold nothing but what lies at or below a listed pointer.
 *  Arguments without any member hold nothing. Of an object that holds too much nothing is looked at but the names, once for all
 *  that ask with the same memo.
 *  @throws {TrustError} MALFORMED: a bad pointer */
export function compileOnly(
  pointers: readonly string[],
): (args: JsonObject, memo?: ArgumentsMemo) => boolean {
  let root: Node = new Map();
  for (const pointer of pointers) root = insert(root, parsePointer(pointer), 0);
  return (args, memo = {}) => namesIn(args, memo).length === 0 || isListed(args, root, memo);
}

function insert(node: Node | undefined, tokens: readonly string[], depth: number): Node {
  const token = tokens[depth];
  if (token === undefined || node === 'listed') return 'listed';
  const branch = node ?? new Map<string, Node>();
  return branch.set(token, insert(branch.get(token), tokens, depth + 1));
}

function isListed(value: JsonValue | undefined, node: Node | undefined, memo: ArgumentsMemo): boolean {
  if (node === 'listed') return true;
  if (node === undefined || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return isArrayListed(value, node, memo);
  return isObjectListed(value as JsonObject, node, memo);
}

function isArrayListed(items: readonly JsonValue[], node: Map<string, Node>, memo: ArgumentsMemo): boolean {
  if (items.length === 0 || items.length > node.size) return false;
  return items.every((item, index) => isListed(item, node.get(String(index)), memo));
}

/** More members than are listed cannot all be. */
function isObjectListed(object: JsonObject, node: Map<string, Node>, memo: ArgumentsMemo): boolean {
  const names = namesIn(object, memo);
  if (names.length === 0 || names.length > node.size) return false;
  return names.every((name) => isListed(object[name], node.get(name), memo));
}
