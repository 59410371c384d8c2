import type { JsonObject, JsonValue } from '../encoding/json.js';
import { parsePointer } from './pointer.js';

/** The pointers of one `only` as a tree, so that arguments are walked once. */
type Node = Map<string, Node> | 'listed';

/** Compiles `only` (CAP-14): true for arguments that hold nothing but what lies at or below a listed pointer.
 *  Arguments without any member hold nothing. Linear in the arguments.
 *  @throws {TrustError} MALFORMED: a bad pointer */
export function compileOnly(pointers: readonly string[]): (args: JsonObject) => boolean {
  let root: Node = new Map();
  for (const pointer of pointers) root = insert(root, parsePointer(pointer), 0);
  return (args) => Object.keys(args).length === 0 || isListed(args, root);
}

function insert(node: Node | undefined, tokens: readonly string[], depth: number): Node {
  const token = tokens[depth];
  if (token === undefined || node === 'listed') return 'listed';
  const branch = node ?? new Map<string, Node>();
  return branch.set(token, insert(branch.get(token), tokens, depth + 1));
}

function isListed(value: JsonValue | undefined, node: Node | undefined): boolean {
  if (node === 'listed') return true;
  if (node === undefined || typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? isArrayListed(value, node) : isObjectListed(value as JsonObject, node);
}

/** No list of members is made: the first one that is not listed ends the walk, and a call may hold half a million. */
function isArrayListed(items: readonly JsonValue[], node: Map<string, Node>): boolean {
  if (items.length > node.size) return false;
  return items.length > 0 && items.every((item, index) => isListed(item, node.get(String(index))));
}

function isObjectListed(object: JsonObject, node: Map<string, Node>): boolean {
  let isEmpty = true;
  for (const name in object) {
    if (!isListed(object[name], node.get(name))) return false;
    isEmpty = false;
  }
  return !isEmpty;
}
