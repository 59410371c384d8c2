import type { CapabilityClaims, Constraint, Grant, Limit } from '@talosprotocol/contracts';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalize } from '../encoding/jcs.js';
import { describeConstraint, describeOnly } from './caveat.js';
import { entriesOf } from './limits.js';
import { coversScope, parseScope } from './scope.js';
import { compileTest } from './where/constraint.js';
import type { ArgumentTest } from './where/test.js';

/** What the lint has to say about one place of a link's claims. */
export interface Finding {
  /** Such as `grants[0].where[1]`. */
  readonly at: string;
  readonly what: string;
}

/** What a link is compared with: its parent's claims, or the trust anchor. */
export type LintParent = Pick<CapabilityClaims, 'grants' | 'limits'> &
  Partial<Pick<CapabilityClaims, 'exp' | 'aud' | 'dlg' | 'bearer_below'>>;

const PLACE_POINTER = /(?:path|paths|file|files|dir|directory|folder|url|urls|uri|href|source|destination)$/i;
const PLACE_VALUE = /^[/~\\.]|:\/\/|^https?:?$/;

/** Grants that nobody should issue (CAP-27): `prefix` on a path or URL, which `/docs` would let pass `/docs-private`
 *  and `https://a.example` would let pass `https://a.example.evil.test`. */
export function lintGrants(grants: readonly Grant[]): readonly Finding[] {
  return grants.flatMap((grant, g) =>
    (grant.where ?? []).flatMap((constraint, w) => {
      if (constraint.op !== 'prefix' || !isPlace(constraint)) return [];
      const what = '`prefix` on a path or URL lets its neighbours pass; use `within`, `url` or `host`';
      return [{ at: `grants[${g}].where[${w}]`, what }];
    }),
  );
}

/** How a link exceeds its parent: each finding is a permission that its holder will not have, since every link is
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
  const findings: [boolean, string, string][] = [
    [child.exp > (parent.exp ?? child.exp), 'exp', 'is later than that of its parent'],
    [foreign.length > 0, 'aud', `has gateways its parent is not for: ${foreign.join(', ')}`],
    [!isAnchor && (child.dlg ?? 0) >= (parent.dlg ?? 0), 'dlg', 'is not below that of its parent'],
    [
      !isAnchor && child.bearer === true && parent.bearer_below !== true,
      'bearer',
      'is not allowed by its parent',
    ],
  ];
  return findings.filter(([applies]) => applies).map(([, at, what]) => ({ at, what }));
}

function lintGrant(
  parents: readonly Grant[],
  child: Grant,
  at: string,
  crypto: CryptoProvider,
): readonly Finding[] {
  const scope = parseScope(child.scope, 'grant').text;
  const covering = parents.filter((parent) => coversScope(parseScope(parent.scope, 'grant'), scope));
  if (covering.length === 0) return [{ at: `${at}.scope`, what: 'is covered by no grant of its parent' }];
  const excesses = covering.map((parent) => excessOf(parent, child, at, crypto));
  return excesses.reduce((least, excess) => (excess.length < least.length ? excess : least));
}

function excessOf(parent: Grant, child: Grant, at: string, crypto: CryptoProvider): readonly Finding[] {
  const ops = child.ops.filter((op) => !parent.ops.includes(op));
  const lost = (parent.where ?? []).filter((constraint) => !isImplied(constraint, child.where ?? [], crypto));
  const findings = [
    ...ops.map((op) => ({ at: `${at}.ops`, what: `has ${op}, which its parent has not` })),
    ...lost.map((constraint) => ({
      at: `${at}.where`,
      what: `lacks its parent's caveat ${describeConstraint(constraint)}`,
    })),
  ];
  if (parent.only === undefined || isNarrower(parent.only, child.only)) return findings;
  return [...findings, { at: `${at}.only`, what: `lacks its parent's caveat ${describeOnly(parent.only)}` }];
}

function isNarrower(parent: readonly string[], child: readonly string[] | undefined): boolean {
  const isListed = (pointer: string): boolean =>
    parent.some((above) => pointer === above || pointer.startsWith(`${above}/`));
  return child?.every(isListed) === true;
}

function isImplied(parent: Constraint, children: readonly Constraint[], crypto: CryptoProvider): boolean {
  const test = compileTest(parent, crypto);
  return children.some((child) => child.ptr === parent.ptr && implies(child, parent, test));
}

/** Operators whose narrower value is itself an argument that the wider one accepts. */
const NESTING: ReadonlySet<string> = new Set(['within', 'url', 'prefix', 'lt', 'le', 'gt', 'ge']);

function implies(child: Constraint, parent: Constraint, test: ArgumentTest): boolean {
  if (canonicalize(child) === canonicalize(parent)) return true;
  if (child.op === 'eq') return test(child.value);
  if (child.op === 'in') return child.value.every(test);
  if (child.op !== parent.op) return false;
  if (child.op === 'maxLength') return child.value <= Number(parent.value);
  return NESTING.has(child.op) && test(child.value);
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
    const when = typeof per === 'number' ? `in ${per} s` : `per ${per}`;
    const alike = same.filter((limit) => limit.currency === currency);
    if (same.length > alike.length) return [{ at, what: "is in another currency than its parent's" }];
    const isMore = alike.some((limit) => allowed > limit.allowed);
    return isMore ? [{ at, what: `is more than its parent's ${when}` }] : [];
  });
}
