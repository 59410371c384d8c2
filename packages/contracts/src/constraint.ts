import { type Static, type TSchema, Type } from 'typebox';
import { ascii, CLOSED, HexHash, JsonPointer, SafeInteger, text } from './primitive.js';

/** Longest string a constraint compares with: what a chain can hold at all (CAP-4). */
const string = text(16_384, { minLength: 0 });
const scalar = Type.Union([string, SafeInteger, Type.Boolean()]);
const list = Type.Array(Type.Union([string, SafeInteger]), { minItems: 1, maxItems: 64 });

function constraint<const O extends string, V extends TSchema>(op: O, value: V) {
  return Type.Object({ ptr: JsonPointer, op: Type.Literal(op), value }, CLOSED);
}

/** Constraint schemas by operator (CAP-12). `host`, `url`, `cidr` and `within` have a grammar of their own that their
 *  parser checks; here only the outer form is. */
export const CONSTRAINTS = {
  eq: constraint('eq', scalar),
  ne: constraint('ne', scalar),
  in: constraint('in', list),
  nin: constraint('nin', list),
  lt: constraint('lt', SafeInteger),
  le: constraint('le', SafeInteger),
  gt: constraint('gt', SafeInteger),
  ge: constraint('ge', SafeInteger),
  prefix: constraint('prefix', text(16_384)),
  glob: constraint('glob', text(256, { minLength: 0 })),
  within: constraint('within', text(4096, { pattern: '^/' })),
  host: constraint('host', ascii('^[!-~]{1,256}$', 256, 'host name, or `*.` and a host name')),
  url: constraint('url', ascii('^[!-~]{1,2048}$', 2048, 'URL without user info, query, fragment')),
  cidr: constraint('cidr', ascii('^[0-9A-Fa-f.:]{2,45}/[0-9]{1,3}$', 49, 'address/bits')),
  maxLength: constraint('maxLength', Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  exists: constraint('exists', Type.Boolean()),
  argsHash: Type.Object({ ptr: Type.Literal(''), op: Type.Literal('argsHash'), value: HexHash }, CLOSED),
} as const;

/** A condition on the arguments of a call (CAP-12), told apart by `op`. An unknown `op` is no constraint (CAP-13). */
export const Constraint = Type.Union([
  CONSTRAINTS.eq,
  CONSTRAINTS.ne,
  CONSTRAINTS.in,
  CONSTRAINTS.nin,
  CONSTRAINTS.lt,
  CONSTRAINTS.le,
  CONSTRAINTS.gt,
  CONSTRAINTS.ge,
  CONSTRAINTS.prefix,
  CONSTRAINTS.glob,
  CONSTRAINTS.within,
  CONSTRAINTS.host,
  CONSTRAINTS.url,
  CONSTRAINTS.cidr,
  CONSTRAINTS.maxLength,
  CONSTRAINTS.exists,
  CONSTRAINTS.argsHash,
]);
export type Constraint = Static<typeof Constraint>;

/** Every operator of a constraint. */
export type ConstraintOp = Constraint['op'];
