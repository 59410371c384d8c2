import type { Grant, Op } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import type { JsonObject } from '../encoding/json.js';
import { describeOnly } from './caveat.js';
import { compileOnly } from './only.js';
import { parseScope, type Scope } from './scope.js';
import { type CompiledConstraint, compileConstraint } from './where/constraint.js';
import type { ArgumentsMemo } from './where/memo.js';

/** A grant ready to be decided with. */
export interface CompiledGrant {
  readonly source: Grant;
  readonly scope: Scope;
  /** True if neither `where` nor `only` restricts it. */
  readonly unconditional: boolean;
  allowsOp(op: Op): boolean;
  /** The first caveat that the arguments break, as people read it, or undefined. `memo` is of these arguments. */
  brokenCaveat(args: JsonObject, memo?: ArgumentsMemo): string | undefined;
}

/** Compiles a grant (CAP-2) whose shape was checked against the schema before.
 *  @throws {TrustError} MALFORMED: a scope, pointer or value outside its grammar */
export function compileGrant(grant: Grant, crypto: CryptoProvider): CompiledGrant {
  const caveats = compileCaveats(grant, crypto);
  return {
    source: grant,
    scope: parseScope(grant.scope, 'grant'),
    unconditional: caveats.length === 0,
    allowsOp: (op) => grant.ops.includes(op),
    brokenCaveat: (args, memo = {}) => caveats.find((caveat) => !caveat.holds(args, memo))?.caveat,
  };
}

function compileCaveats(grant: Grant, crypto: CryptoProvider): readonly CompiledConstraint[] {
  const where = (grant.where ?? []).map((constraint) => compileConstraint(constraint, crypto));
  if (grant.only === undefined) return where;
  return [...where, { caveat: describeOnly(grant.only), holds: compileOnly(grant.only) }];
}
