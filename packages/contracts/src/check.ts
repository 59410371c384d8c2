import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/** Says what is wrong with a value as `pointer: message`, or undefined if nothing is. */
export type Checker = (value: unknown) => string | undefined;

/** Longest pointer a message repeats: part of it is the caller's own text. */
const MAX_POINTER = 256;

/** Builds the check of one schema. Everybody checks values through this one function, so that no other package needs
 *  typebox's own entries (`typebox/compile` works in browsers too; where a policy forbids `eval` it interprets the
 *  schema instead). The schema is compiled at the first use; a good value then costs one pass and no allocation.
 *  Expects JSON as a strict parser returns it: own members only, none `undefined`.
 *  @example const check = createChecker(TrustFile); const wrong = check(value); if (wrong) throw malformed(wrong) */
export function createChecker(schema: TSchema): Checker {
  let validator: Validator | undefined;
  return (value) => {
    validator ??= Compile(schema);
    return validator.Check(value) ? undefined : firstFault(validator, value);
  };
}

/** As createChecker, for objects told apart by the text of one member: only the schema of that tag is tried, so the
 *  message concerns the kind that was meant.
 *  @example const check = createTaggedChecker('type', EVENTS) */
export function createTaggedChecker(tag: string, schemas: Readonly<Record<string, TSchema>>): Checker {
  const checkers = new Map(Object.entries(schemas).map(([name, schema]) => [name, createChecker(schema)]));
  return (value) => {
    const name = isRecord(value) && Object.hasOwn(value, tag) ? value[tag] : undefined;
    const check = typeof name === 'string' ? checkers.get(name) : undefined;
    return check === undefined ? `/${tag}: must be one of ${[...checkers.keys()].join(', ')}` : check(value);
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member that is not known is reported twice, the first time as a schema that is `false`. */
function firstFault(validator: Validator, value: unknown): string {
  const [first] = validator.Errors(value);
  if (first === undefined) return '(root): is not valid';
  const pointer = first.instancePath === '' ? '(root)' : first.instancePath.slice(0, MAX_POINTER);
  return `${pointer}: ${first.keyword === 'boolean' ? 'is not a known member' : first.message}`;
}
