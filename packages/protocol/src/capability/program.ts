import { type ActionName, type Actions, RESOURCE } from './actions.js';
import type { CompiledGrant } from './grant.js';
import {
  beginsWith,
  intersectRegions,
  isBelowAny,
  isBelowAnyScope,
  type Region,
  regionOf,
} from './region.js';

/** What the program says of an item. */
export const FAST_UNDECIDED = 0;
/** Every link allows it, whatever the arguments are. */
export const FAST_ALLOW = 1;
/** Some link allows it under no arguments. */
export const FAST_DENY = 2;

/** One of the codes above. */
export type FastDecision = typeof FAST_UNDECIDED | typeof FAST_ALLOW | typeof FAST_DENY;

/** The grants of an anchor and of all links of a chain as one thing to look up in. It says at once what it can say,
 *  and leaves the rest to `authorize`: whatever depends on arguments, and actions without a number. */
export interface Program {
  /** One item: its action's number (of the same `Actions`) and its scope. Allocates nothing, but for what it finds
   *  out when an action is asked for the first time. A scope that is not of the action is undecided. */
  decide(action: number, scope: string): FastDecision;
  /** What it takes in memory, in bytes, about, without the grants. */
  bytes(): number;
}

/** Known, allowed everywhere, allowed in some places or perhaps: a bit each, in words that stand together. */
const SETS = 3;
const KNOWN = 0;
const ALWAYS = 1;
const BOUNDED = 2;

interface Bounds {
  /** The scopes at and below which the action is allowed for certain, in one piece each. */
  readonly allowed: readonly string[];
  /** Where it may be; undefined if that was too much to find out. */
  readonly possible: Region | undefined;
}

/** Compiles grants, link zero first. What it needs to know of an action it finds out when that is first asked for, so
 *  that a program costs what is used of it. */
export function compileProgram(grants: readonly (readonly CompiledGrant[])[], actions: Actions): Program {
  let bits = new Uint32Array(SETS);
  const bounds = new Map<number, Bounds>();

  function learn(action: number): void {
    bits = grown(bits, action);
    const { allowed, possible } = boundsOf(grants, actions.at(action));
    if (allowed === 'everywhere') mark(bits, action, ALWAYS);
    else if (possible === undefined || possible.length > 0) {
      // `join` makes one piece, where `+` leaves a chain of pieces that is slow to compare.
      const scopes = allowed.map((path) => [actions.at(action).scope, path].join(RESOURCE));
      bounds.set(action, { allowed: scopes, possible });
    }
    if (bounds.has(action)) mark(bits, action, BOUNDED);
    mark(bits, action, KNOWN);
  }

  const wholeActions = (action: number): FastDecision => (has(bits, action, ALWAYS) ? FAST_ALLOW : FAST_DENY);

  return {
    decide(action, scope) {
      if (action < 0 || action >= actions.size()) return FAST_UNDECIDED;
      if (!has(bits, action, KNOWN)) learn(action);
      const found = has(bits, action, BOUNDED) ? (bounds.get(action) as Bounds) : undefined;
      // What is at or below one of these is of the action, too.
      if (found !== undefined && isBelowAnyScope(scope, found.allowed)) return FAST_ALLOW;
      const at = pathAt(scope, actions.at(action).scope);
      if (at === FOREIGN) return FAST_UNDECIDED;
      return found === undefined ? wholeActions(action) : decideElsewhere(found, at, scope);
    },
    bytes: () => 4 * bits.length + bounds.size * BYTES_OF_BOUNDS,
  };
}

const BYTES_OF_BOUNDS = 512;

const BARE = -1;
const FOREIGN = -2;

/** Where the path starts in a scope of the action, BARE if there is none; FOREIGN if the scope is of another. */
function pathAt(scope: string, action: string): number {
  if (!beginsWith(scope, action)) return FOREIGN;
  if (scope.length === action.length) return BARE;
  return scope.startsWith(RESOURCE, action.length) ? action.length + RESOURCE.length : FOREIGN;
}

/** For a place that is not allowed for certain. Where there is no path only a whole action would do. */
function decideElsewhere({ possible }: Bounds, at: number, scope: string): FastDecision {
  if (possible === undefined || possible === 'everywhere') return FAST_UNDECIDED;
  return at !== BARE && isBelowAny(scope, at, possible) ? FAST_UNDECIDED : FAST_DENY;
}

/** Every link must allow: what holds for all is where their regions meet. */
function boundsOf(
  grants: readonly (readonly CompiledGrant[])[],
  name: ActionName,
): { readonly allowed: Region; readonly possible: Region | undefined } {
  const certain = grants.map((link) =>
    regionOf(
      link.filter((grant) => grant.unconditional),
      name,
    ),
  );
  return {
    allowed: intersectRegions(certain) ?? [],
    possible: intersectRegions(grants.map((link) => regionOf(link, name))),
  };
}

function grown(bits: Uint32Array<ArrayBuffer>, action: number): Uint32Array<ArrayBuffer> {
  const needed = SETS * ((action >>> 5) + 1);
  if (needed <= bits.length) return bits;
  const larger = new Uint32Array(needed);
  larger.set(bits);
  return larger;
}

function has(bits: Uint32Array, action: number, set: number): boolean {
  const word = bits[SETS * (action >>> 5) + set];
  return word !== undefined && (word & (1 << (action & 31))) !== 0;
}

function mark(bits: Uint32Array, action: number, set: number): void {
  const at = SETS * (action >>> 5) + set;
  bits[at] = (bits[at] as number) | (1 << (action & 31));
}
