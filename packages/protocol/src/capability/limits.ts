import type { Limit } from '@talosprotocol/contracts';
import type { VerifiedCapability } from './verified.js';

/** A kind of limit that the ledger does not count. */
export type UncountedKind = 'cost' | 'tokens' | 'rate';

/** What a call takes from the limits of one link in one period: one unit of `calls`. */
export interface LimitEntry {
  /** The link's `lid`, or `anchor:` and the anchor's `iss`; what the ledger counts under, together with `per`. */
  readonly key: string;
  /** 0 is the anchor, 1 the root. */
  readonly link: number;
  readonly per: Limit['per'];
  /** Calls allowed in the period, the smallest if the link states several; absent if it states none. */
  readonly calls?: number;
  /** Kinds that are stated but cannot be enforced: not empty means that the call MUST be refused (CAP-3). */
  readonly unenforceable: readonly UncountedKind[];
}

const UNCOUNTED: readonly UncountedKind[] = ['cost', 'tokens', 'rate'];

/** Every limit of a capability, one entry per link and period, anchor first (CAP-3, CAP-21). */
export function limitsOf(capability: VerifiedCapability): readonly LimitEntry[] {
  const { anchor, links } = capability;
  return [
    ...entriesOf(anchor.limits, `anchor:${anchor.iss}`, 0),
    ...links.flatMap(({ claims, lid }, index) => entriesOf(claims.limits ?? [], lid, index + 1)),
  ];
}

function entriesOf(limits: readonly Limit[], key: string, link: number): readonly LimitEntry[] {
  const periods = [...new Set(limits.map((limit) => limit.per))];
  return periods.map((per) => {
    const stated = limits.filter((limit) => limit.per === per);
    const calls = stated.flatMap((limit) => limit.calls ?? []);
    return {
      key,
      link,
      per,
      ...(calls.length === 0 ? {} : { calls: Math.min(...calls) }),
      unenforceable: UNCOUNTED.filter((kind) => stated.some((limit) => limit[kind] !== undefined)),
    };
  });
}
