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

function isListed(value: JsonValue, node: Node | undefined): boolean {
  if (node === 'listed') return true;
  if (node === undefined || typeof value !== 'object' || value === null) return false;
  const members = Object.entries(value);
  return members.length > 0 && members.every(([name, member]) => isListed(member, node.get(name)));
}
