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
    if (validator.Check(value)) return undefined;
    const { at, what } = firstFault(validator, value, schema);
    return `${at === '' ? '(root)' : at.slice(0, MAX_POINTER)}: ${what}`;
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

/** How much of each array is looked at to say what is wrong, again with more while nothing was found. To list all that
 *  is wrong, which typebox does, takes a thousand times as long as to see that something is (it compares each element
 *  of a list of distinct ones with each other), and anybody may ask. */
const LOOKS = [9, 33, 65, 257, Number.POSITIVE_INFINITY] as const;
const MIN_MEMBERS = 64;

/** What is wrong, and the pointer to where. */
interface Found {
  readonly at: string;
  readonly what: string;
}

/** A member that is not known is reported twice, the first time as a schema that is `false`. */
function firstFault(validator: Validator, value: unknown, schema: TSchema): Found {
  for (const most of LOOKS) {
    const faults = validator.Errors(most === Number.POSITIVE_INFINITY ? value : beginningOf(value, most));
    const [first] = faults;
    if (first === undefined) continue;
    const { instancePath: at } = first;
    const allowed = allowedAt(first, value, schema);
    return faultInBranch(first, value, schema) ?? { at, what: messageOf(first, faults, { schema, allowed }) };
  }
  return { at: '', what: 'is not valid' };
}

type Fault = ReturnType<Validator['Errors']>[number];

/** Of a value that fits none of several schemas, typebox says what each has against it. Where one of them is the one
 *  that was meant, what that one says is what is wrong; undefined where none is. */
function faultInBranch(fault: Fault, value: unknown, schema: TSchema): Found | undefined {
  const union = unionOf(fault, value, schema);
  const branch = union && meantBranch(union.branches, union.value);
  if (union === undefined || branch === undefined) return undefined;
  const { at, what } = firstFault(compiledBranch(branch), union.value, branch);
  return { at: union.at + at, what };
}

interface Union {
  readonly branches: readonly unknown[];
  readonly at: string;
  readonly value: unknown;
}

/** The outermost union on the way to a fault, reached by members and elements only. */
function unionOf({ schemaPath, instancePath }: Fault, value: unknown, schema: TSchema): Union | undefined {
  const steps = schemaPath.split('/').slice(1);
  const names = instancePath.split('/').slice(1);
  const union = { at: '', value };
  let node: unknown = schema;
  while (isObject(node)) {
    const keyword = steps.shift();
    const { anyOf } = node as { anyOf?: unknown };
    if (keyword === 'anyOf' && Array.isArray(anyOf)) return { ...union, branches: anyOf };
    if (keyword === 'properties') node = Object(node['properties'])[steps.shift() ?? ''];
    else if (keyword === 'items') node = node['items'];
    else return undefined;
    const name = names.shift() ?? '';
    union.at += `/${name}`;
    union.value = Object(union.value)[name.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return undefined;
}

/** The one schema of an object that its fixed members, such as `kind`, do not exclude; of several, the one all of whose
 *  required members are there. */
function meantBranch(branches: readonly unknown[], value: unknown): TSchema | undefined {
  if (!isRecord(value)) return undefined;
  const possible = branches.filter((branch): branch is TSchema & Record<string, unknown> => {
    if (!isObject(branch) || !isObject(branch['properties'])) return false;
    return Object.entries(branch['properties']).every(
      ([name, member]) =>
        !Object.hasOwn(value, name) ||
        !isObject(member) ||
        !('const' in member) ||
        member['const'] === value[name],
    );
  });
  const whole = possible.filter(({ required }) =>
    (Array.isArray(required) ? required : []).every((name: string) => Object.hasOwn(value, name)),
  );
  const [meant, other] = whole.length === 1 ? whole : possible;
  return other === undefined ? meant : undefined;
}

/** All that may stand where a fault is, as JSON, if the schemas of a union say it by a `const` each: typebox stops after eight faults,
 *  and whoever is told of some of the words only takes the others for wrong. */
function allowedAt(fault: Fault, value: unknown, schema: TSchema): readonly string[] | undefined {
  const union = fault.keyword === 'const' ? unionOf(fault, value, schema) : undefined;
  if (union === undefined) return undefined;
  const [member, deeper] = fault.instancePath.slice(union.at.length).split('/').slice(1);
  if (deeper !== undefined) return undefined;
  const words = union.branches.map((branch) => {
    const at = member === undefined ? branch : Object(Object(branch)['properties'])[member];
    return Object(at)['const'] as unknown;
  });
  return words.includes(undefined) ? undefined : [...new Set(words.map((word) => JSON.stringify(word)))];
}

/** To compile is costly, and anybody may send what is wrong. */
const compiledBranches = new WeakMap<TSchema, Validator>();

function compiledBranch(schema: TSchema): Validator {
  const known = compiledBranches.get(schema);
  if (known !== undefined) return known;
  const validator = Compile(schema);
  compiledBranches.set(schema, validator);
  return validator;
}

/** For people: what belongs there, in place of the expression that says so to programs. */
function messageOf(
  fault: Fault,
  all: readonly Fault[],
  { schema, allowed: whole }: { readonly schema: TSchema; readonly allowed: readonly string[] | undefined },
): string {
  if (fault.keyword === 'boolean') return 'is not a known member';
  if (fault.keyword === 'const') {
    if (whole !== undefined) return `must be ${whole.join(' or ')}`;
    const same = all.filter(
      ({ keyword, instancePath }) => keyword === 'const' && instancePath === fault.instancePath,
    );
    const allowed = same.map(({ params }) => JSON.stringify(Object(params).allowedValue));
    return `must be ${[...new Set(allowed)].join(' or ')}`;
  }
  const described = fault.keyword === 'pattern' ? descriptionAt(schema, fault.schemaPath) : undefined;
  return described === undefined ? fault.message : `must be of this form: ${described}`;
}

/** `path` is a JSON Pointer in a fragment: `#/properties/proof`. */
function descriptionAt(schema: TSchema, path: string): string | undefined {
  let at: unknown = schema;
  for (const step of path.split('/').slice(1)) at = isObject(at) ? at[step] : undefined;
  return isObject(at) && typeof at['description'] === 'string' ? at['description'] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** A value with as many elements of each array, and about as many members of each object. What is wrong with it is
 *  wrong with the whole: no array must have more than one element. */
function beginningOf(value: unknown, most: number, seen = new Set<unknown>()): unknown {
  // What a parser of another language gives may hold itself, or one part many times.
  if (seen.has(value)) return value;
  if (Array.isArray(value)) {
    seen.add(value);
    return value.slice(0, most).map((one) => beginningOf(one, most, seen));
  }
  if (!isRecord(value)) return value;
  seen.add(value);
  const members = Object.entries(value).slice(0, Math.max(most, MIN_MEMBERS));
  return Object.fromEntries(members.map(([name, member]) => [name, beginningOf(member, most, seen)]));
}
