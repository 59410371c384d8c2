import type { Constraint } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../../crypto/provider.js';
import { canonicalBytes } from '../../encoding/jcs.js';
import type { JsonObject, JsonValue } from '../../encoding/json.js';
import { describeConstraint } from '../caveat.js';
import { findByPointer, parsePointer } from '../pointer.js';
import { isInCidr } from './cidr.js';
import { compares, isEqual, isNoneOf, isOneOf, isOther } from './compare.js';
import type { ArgumentsMemo } from './memo.js';
import { hasHost, isBelowUrl, isWithin } from './place.js';
import type { ArgumentTest } from './test.js';
import { hasPrefix, isNotLonger, matchesGlob } from './text.js';

/** A constraint ready to be tested against the arguments of calls. */
export interface CompiledConstraint {
  /** What people read of it, such as `/path within /docs`. */
  readonly caveat: string;
  /** Total: false, never an exception, for arguments of any shape. */
  holds(args: JsonObject, memo?: ArgumentsMemo): boolean;
}

/** Compiles one constraint (CAP-12). Its shape was checked against the schema before.
 *  @throws {TrustError} MALFORMED: a pointer or a value that its operator does not take */
export function compileConstraint(constraint: Constraint, crypto: CryptoProvider): CompiledConstraint {
  const pointer = parsePointer(constraint.ptr);
  const caveat = describeConstraint(constraint);
  if (constraint.op === 'argsHash') return { caveat, holds: hasArgsHash(constraint.value, crypto) };
  const test = compileTest(constraint, crypto);
  return {
    caveat,
    holds: (args, memo = {}) => test(findByPointer(args, pointer), memo),
  };
}

/** Large arguments take long to hash, and a chain may ask for it in hundreds of grants. */
function hasArgsHash(value: string, crypto: CryptoProvider): CompiledConstraint['holds'] {
  return (args, memo = {}) => {
    memo.hash ??= hashOf(args, crypto);
    return memo.hash === value;
  };
}

function hashOf(args: JsonValue | undefined, crypto: CryptoProvider): string {
  return crypto.sha256Hex(canonicalBytes(args));
}

/** The test of one constraint, for what its pointer finds.
 *  @throws {TrustError} MALFORMED: a value that the operator does not take */
export function compileTest(constraint: Constraint, crypto: CryptoProvider): ArgumentTest {
  switch (constraint.op) {
    case 'eq':
      return isEqual(constraint.value);
    case 'ne':
      return isOther(constraint.value);
    case 'in':
      return isOneOf(constraint.value);
    case 'nin':
      return isNoneOf(constraint.value);
    case 'lt':
      return compares((argument, value) => argument < value, constraint.value);
    case 'le':
      return compares((argument, value) => argument <= value, constraint.value);
    case 'gt':
      return compares((argument, value) => argument > value, constraint.value);
    case 'ge':
      return compares((argument, value) => argument >= value, constraint.value);
    case 'prefix':
      return hasPrefix(constraint.value);
    case 'glob':
      return matchesGlob(constraint.value);
    case 'within':
      return isWithin(constraint.value);
    case 'host':
      return hasHost(constraint.value);
    case 'url':
      return isBelowUrl(constraint.value);
    case 'cidr':
      return isInCidr(constraint.value);
    case 'maxLength':
      return isNotLonger(constraint.value);
    case 'exists':
      return (argument) => (argument !== undefined) === constraint.value;
    case 'argsHash':
      return (argument) => hashOf(argument, crypto) === constraint.value;
  }
}
