import { RESOURCE } from './actions.js';
import type { CompiledGrant } from './grant.js';
import type { CheckedItem } from './items.js';
import { coversScope } from './scope.js';

/** Says of an item why the grants of one link do not allow it: undefined if one does; else the caveat of the first that
 *  covers it, or `` if none does. */
export type Coverage = (item: CheckedItem) => string | undefined;

type CaveatOf = (grant: CompiledGrant) => string | undefined;

/** Grants by where they stand in the tree of paths. */
interface Node {
  /** In the order of the link. */
  readonly grants: { readonly order: number; readonly grant: CompiledGrant }[];
  readonly below: Map<string, Node>;
  verdict?: Verdict;
}

/** Of the grants of one node: whether one allows, else the first that covers, if there is one. */
interface Verdict {
  readonly allows: boolean;
  readonly order: number;
  readonly caveat: string;
}

const NOTHING: Verdict = { allows: false, order: Number.POSITIVE_INFINITY, caveat: '' };

/** Asks each grant once about an action and not about every item: a call may have a thousand items, a link a hundred
 *  grants, and whoever makes both chooses them so that most do not fit. An item then costs as much as its text is long.
 *  `caveatOf` gives the caveat that a grant's arguments break. */
export function createCoverage(grants: readonly CompiledGrant[], caveatOf: CaveatOf): Coverage {
  const reaches = { read: new Map<string, Reach>(), write: new Map<string, Reach>() };
  return ({ op, scope }) => {
    const at = scope.indexOf(RESOURCE);
    const action = at < 0 ? scope : scope.slice(0, at);
    const reach = reaches[op].get(action) ?? reachOf(grants, op, action);
    reaches[op].set(action, reach);
    const { allows, caveat } = verdictOn(reach, scope, at, caveatOf);
    return allows ? undefined : caveat;
  };
}

/** What of a link's grants an action has. */
interface Reach {
  /** Grants without a resource: they cover the action with and without one. */
  readonly everywhere: Node;
  /** Those for the resources below `/`. */
  readonly root: Node;
}

function reachOf(grants: readonly CompiledGrant[], op: CheckedItem['op'], action: string): Reach {
  const reach: Reach = { everywhere: createNode(), root: createNode() };
  for (const [order, grant] of grants.entries()) {
    if (!grant.allowsOp(op)) continue;
    const path = grant.scope.root === 'tool' ? grant.scope.values[2] : undefined;
    // A star stands before the resource: whether the rest fits is asked with the grant's own path.
    if (!coversScope(grant.scope, path === undefined ? action : `${action}${RESOURCE}${path}`)) continue;
    const node = path === undefined ? reach.everywhere : nodeAt(reach.root, path);
    node.grants.push({ order, grant });
  }
  return reach;
}

function createNode(): Node {
  return { grants: [], below: new Map() };
}

/** `/` is the root, every other path lies below it. */
function segmentsOf(path: string): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

function nodeAt(root: Node, path: string): Node {
  let node = root;
  for (const segment of segmentsOf(path)) {
    const next = node.below.get(segment) ?? createNode();
    node.below.set(segment, next);
    node = next;
  }
  return node;
}

/** The verdict of the node that allows, else of the grant that stands first in the link; `resource` is where the path
 *  begins in the scope, below 0 if there is none. */
function verdictOn(reach: Reach, scope: string, resource: number, caveatOf: CaveatOf): Verdict {
  let best = verdictOf(reach.everywhere, caveatOf);
  let node = resource < 0 ? undefined : reach.root;
  // Behind the `/` with which every path begins.
  let at = resource + RESOURCE.length + 1;
  while (node !== undefined && !best.allows) {
    const found = verdictOf(node, caveatOf);
    if (found.allows || found.order < best.order) best = found;
    if (node.below.size === 0) break;
    const end = scope.indexOf('/', at);
    node = node.below.get(end < 0 ? scope.slice(at) : scope.slice(at, end));
    at = end < 0 ? scope.length : end + 1;
  }
  return best;
}

function verdictOf(node: Node, caveatOf: CaveatOf): Verdict {
  node.verdict ??= judge(node, caveatOf);
  return node.verdict;
}

function judge({ grants }: Node, caveatOf: CaveatOf): Verdict {
  let first = NOTHING;
  for (const { order, grant } of grants) {
    const caveat = caveatOf(grant);
    if (caveat === undefined) return { allows: true, order, caveat: '' };
    if (first === NOTHING) first = { allows: false, order, caveat };
  }
  return first;
}
