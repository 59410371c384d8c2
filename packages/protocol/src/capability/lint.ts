import type { CapabilityClaims, Constraint, Finding, Grant, Limit } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalize } from '../encoding/jcs.js';
import type { JsonValue } from '../encoding/json.js';
import { describeConstraint, describeList, describeOnly } from './caveat.js';
import { entriesOf, type LimitEntry } from './limits.js';
import { isBelowAny } from './region.js';
import { coversScope, parseScope, type Scope } from './scope.js';
import { compileTest } from './where/constraint.js';

/** What a link is compared with: its parent's claims, or the trust anchor. */
export type LintParent = Pick<CapabilityClaims, 'grants' | 'limits'> &
  Partial<Pick<CapabilityClaims, 'exp' | 'aud' | 'dlg' | 'bearer_below'>>;

/** The last word of a pointer that names a path or URL; of an array it is the word before the index or `*`. */
const PLACE_POINTER =
  /(?:(?:path|file|dir|folder|directory)(?:_?name)?s?|directories|(?:url|uri|href|link|location|source|src|destination|dest|dst|cwd|endpoint)s?)(?:\/(?:\*|\d+))*$/i;
const PLACE_VALUE = /^[/~\\.]|:\/\/|^https?:?$/;

/** Grants that nobody should issue (CAP-27): `prefix` on a path or URL, which `/docs` would let pass `/docs-private`
 *  and `https://a.example` would let pass `https://a.example.evil.test`. */
export function lintGrants(grants: readonly Grant[]): readonly Finding[] {
  return grants.flatMap((grant, g) =>
    (grant.where ?? []).flatMap((constraint, w) => {
      if (constraint.op !== 'prefix' || !isPlace(constraint)) return [];
      const what = '`prefix` on a path or URL lets its neighbours pass; use `within`, `url` or `host`';
      return [{ at: `grants[${g}].where[${w}]`, exceeds: 'constraint', what } as const];
    }),
  );
}

/** All ways in which a link exceeds its parent: where, in what, and the parent's bound. Each finding is a permission that its holder will not have, since every link is
 *  evaluated. Not every narrowing can be recognised, so a finding may err on the side of caution; and it is advice,
 *  never what a decision rests on. Both sides must be well-formed.
 *  @throws {TrustError} MALFORMED: a scope or value outside its grammar */
export function lintAttenuation(
  parent: LintParent,
  child: CapabilityClaims,
  crypto: CryptoProvider,
): readonly Finding[] {
  return [
    ...lintGrants(child.grants),
    ...child.grants.flatMap((grant, index) => lintGrant(parent.grants, grant, `grants[${index}]`, crypto)),
    ...(child.limits ?? []).flatMap((limit, index) => lintLimit(parent.limits ?? [], limit, index)),
    ...lintClaims(parent, child),
  ];
}

function lintClaims(parent: LintParent, child: CapabilityClaims): readonly Finding[] {
  const foreign =
    parent.aud === undefined ? [] : (child.aud ?? []).filter((did) => !parent.aud?.includes(did));
  const isAnchor = parent.exp === undefined;
  const { exp = child.exp, dlg = 0 } = parent;
  const findings: [boolean, 'exp' | 'aud' | 'dlg' | 'bearer', string, string][] = [
    [child.exp > exp, 'exp', 'is later than that of its parent', String(exp)],
    [
      foreign.length > 0,
      'aud',
      `has gateways its parent is not for: ${describeList(foreign)}`,
      describeList(parent.aud ?? []),
    ],
    [
      !isAnchor && (child.dlg ?? 0) >= dlg,
      'dlg',
      'is not below that of its parent',
      dlg === 0 ? 'no further delegation' : `at most ${dlg - 1}`,
    ],
    [
      !isAnchor && child.bearer === true && parent.bearer_below !== true,
      'bearer',
      'is not allowed by its parent',
      'bearer_below is not set',
    ],
  ];
  return findings
    .filter(([applies]) => applies)
    .map(([, at, what, bound]) => ({ at, exceeds: at, what, bound }));
}

function lintGrant(
  parents: readonly Grant[],
  child: Grant,
  at: string,
  crypto: CryptoProvider,
): readonly Finding[] {
  const scope = parseScope(child.scope, 'grant');
  const above = parents.map((grant) => ({ grant, scope: parseScope(grant.scope, 'grant') }));
  const covering = above.filter((parent) => coversScope(parent.scope, scope.text));
  // What is too wide is held against what it would have to shrink to: else its holder, who narrows the scope, is told only
  // then that the rest of the grant is too much as well.
  const near = covering.length > 0 ? covering : above.filter((parent) => haveCommon(parent.scope, scope));
  const [first = [], ...others] = near.map(({ grant }) => excessOf(grant, child, at, crypto));
  const least = others.reduce((least, excess) => (excess.length < least.length ? excess : least), first);
  if (covering.length > 0) return least;
  const bound = describeList(parents.map((parent) => parent.scope));
  const what = 'is covered by no grant of its parent';
  return [{ at: `${at}.scope`, exceeds: 'scope', what, bound }, ...least];
}

/** True if some scope is covered by both. */
function haveCommon(one: Scope, other: Scope): boolean {
  return (
    one.root === other.root &&
    one.values.every((value, index) => {
      const another = other.values[index];
      return another === undefined || holds(value, another) || holds(another, value);
    })
  );
}

/** Only a resource starts with `/`: of any other value it is encoded. */
function holds(outer: string, inner: string): boolean {
  if (outer.endsWith('*')) return inner.startsWith(outer.slice(0, -1));
  return outer === inner || (outer.startsWith('/') && isBelowAny(inner, 0, [outer]));
}

function excessOf(parent: Grant, child: Grant, at: string, crypto: CryptoProvider): readonly Finding[] {
  const ops = child.ops.filter((op) => !parent.ops.includes(op));
  const lost = (parent.where ?? []).filter((constraint) => !isImplied(constraint, child.where ?? [], crypto));
  const findings: Finding[] = [
    ...ops.map((op) => ({
      at: `${at}.ops`,
      exceeds: 'op' as const,
      what: `has ${op}, which its parent has not`,
      bound: `${describeList(parent.ops)} ${parent.scope}`,
    })),
    ...lost.map((constraint) => lacking(`${at}.where`, 'constraint', describeConstraint(constraint))),
  ];
  if (parent.only === undefined || isNarrower(parent.only, child.only)) return findings;
  return [...findings, lacking(`${at}.only`, 'only', describeOnly(parent.only))];
}

function lacking(at: string, exceeds: 'constraint' | 'only', bound: string): Finding {
  return { at, exceeds, what: `lacks its parent's caveat ${bound}`, bound };
}

function isNarrower(parent: readonly string[], child: readonly string[] | undefined): boolean {
  const isListed = (pointer: string): boolean =>
    parent.some((above) => pointer === above || pointer.startsWith(`${above}/`));
  return child?.every(isListed) === true;
}

function isImplied(parent: Constraint, children: readonly Constraint[], crypto: CryptoProvider): boolean {
  const test = compileTest(parent, crypto);
  const accepts = (value: JsonValue): boolean => test(value, {});
  return children.some((child) => child.ptr === parent.ptr && implies(child, parent, accepts));
}

/** Operators whose narrower value is itself an argument that the wider one accepts. */
const NESTING: ReadonlySet<string> = new Set(['within', 'url', 'prefix', 'lt', 'le', 'gt', 'ge']);

function implies(child: Constraint, parent: Constraint, accepts: (value: JsonValue) => boolean): boolean {
  if (canonicalize(child) === canonicalize(parent)) return true;
  if (child.op === 'eq') return accepts(child.value);
  if (child.op === 'in') return child.value.every(accepts);
  if (child.op !== parent.op) return false;
  if (child.op === 'maxLength') return child.value <= Number(parent.value);
  return NESTING.has(child.op) && accepts(child.value);
}

function isPlace({ ptr, value }: Constraint): boolean {
  return PLACE_POINTER.test(ptr) || (typeof value === 'string' && PLACE_VALUE.test(value));
}

/** A limit of a link is held against those of its parent that count the same; where the parent states none, the child
 *  only adds one. */
function lintLimit(parents: readonly Limit[], child: Limit, index: number): readonly Finding[] {
  const above = entriesOf(parents, '', 0);
  return entriesOf([child], '', 0).flatMap(({ kind, per, currency, allowed }) => {
    const same = above.filter((limit) => limit.kind === kind && limit.per === per);
    const at = `limits[${index}].${kind}`;
    const alike = same.filter((limit) => limit.currency === currency);
    const finding = (what: string, limit: LimitEntry): readonly Finding[] => [
      { at, exceeds: 'limit', what, bound: describeEntry(limit) },
    ];
    const [other] = alike.length === 0 ? same : [];
    if (other !== undefined) return finding("is in another currency than its parent's", other);
    const less = alike.find((limit) => allowed > limit.allowed);
    return less === undefined ? [] : finding(`is more than its parent's ${whenOf(less)}`, less);
  });
}

function describeEntry(limit: LimitEntry): string {
  const unit = { calls: 'calls', cost: `${limit.currency} micro-units`, tokens: 'tokens', rate: 'calls' };
  return `${limit.allowed} ${unit[limit.kind]} ${whenOf(limit)}`;
}

function whenOf({ per }: LimitEntry): string {
  return typeof per === 'number' ? `in ${per} s` : `per ${per}`;
}
