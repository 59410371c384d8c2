import { type ActionName, type Actions, RESOURCE } from './actions.js';
import type { CompiledGrant } from './grant.js';
import { intersectRegions, isBelowAny, type Region, regionOf } from './region.js';

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

/** Known, allowed everywhere, allowed somewhere or perhaps: a bit each, in words that stand together. */
const SETS = 3;
const KNOWN = 0;
const ALWAYS = 1;
const POSSIBLE = 2;

/** Where an action is allowed for certain, and where it may be; undefined if that was too much to find out. */
interface Bounds {
  readonly allowed: readonly string[];
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
    else if (possible === undefined || possible.length > 0) bounds.set(action, { allowed, possible });
    if (allowed === 'everywhere' || bounds.has(action)) mark(bits, action, POSSIBLE);
    mark(bits, action, KNOWN);
  }

  return {
    decide(action, scope) {
      if (action < 0 || action >= actions.size()) return FAST_UNDECIDED;
      const { scope: bare } = actions.at(action);
      const isBare = scope.length === bare.length;
      if (!scope.startsWith(bare) || !(isBare || scope.startsWith(RESOURCE, bare.length)))
        return FAST_UNDECIDED;
      if (!has(bits, action, KNOWN)) learn(action);
      if (has(bits, action, ALWAYS)) return FAST_ALLOW;
      if (!has(bits, action, POSSIBLE)) return FAST_DENY;
      return decideAt(bounds.get(action) as Bounds, isBare ? -1 : bare.length + RESOURCE.length, scope);
    },
    bytes: () => 4 * bits.length + bounds.size * BYTES_OF_BOUNDS,
  };
}

const BYTES_OF_BOUNDS = 512;

/** `at` is where the path starts in the scope, below 0 if there is none: then only a whole action would do. */
function decideAt({ allowed, possible }: Bounds, at: number, scope: string): FastDecision {
  if (at >= 0 && isBelowAny(scope, at, allowed)) return FAST_ALLOW;
  if (possible === undefined || possible === 'everywhere') return FAST_UNDECIDED;
  return at >= 0 && isBelowAny(scope, at, possible) ? FAST_UNDECIDED : FAST_DENY;
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
