import type { Cost, Limit } from '@talosprotocol/contracts';
import { TrustError } from '../error.js';
import type { VerifiedCapability } from './verified.js';

/** What a limit counts. A rate counts calls, in windows of time. */
export type LimitKind = 'calls' | 'cost' | 'tokens' | 'rate';

/** One limit of one link. */
export interface LimitEntry {
  /** The link's `lid`, or `anchor:` and the anchor's `iss`: what the ledger counts under, together with the kind, the
   *  period and the currency. */
  readonly key: string;
  /** 0 is the anchor, 1 the root. */
  readonly link: number;
  readonly kind: LimitKind;
  /** The period it is counted in; of a rate the seconds of its window. */
  readonly per: Limit['per'] | number;
  /** Most units in a period, the smallest if the link states several: calls, micro-units of money, or tokens. */
  readonly allowed: number;
  /** Of a cost: three capital letters. */
  readonly currency?: string;
}

/** What a call takes from limits. Every call is one call. */
export interface CallCost {
  /** In micro-units; absent if it costs nothing. */
  readonly cost?: Cost;
  /** Absent if it takes none. */
  readonly tokens?: number;
}

/** What a call takes from one limit: positive. */
export interface LimitTake extends LimitEntry {
  readonly amount: number;
}

const FREE = { amount: 0, currency: '' };
const KINDS: readonly LimitKind[] = ['calls', 'cost', 'tokens', 'rate'];

/** Every limit of a capability, anchor first; one entry per link, kind, period and currency (CAP-3, CAP-21). */
export function limitsOf(capability: VerifiedCapability): readonly LimitEntry[] {
  const { anchor, links } = capability;
  return [
    ...entriesOf(anchor.limits, `anchor:${anchor.iss}`, 0),
    ...links.flatMap(({ claims, lid }, index) => entriesOf(claims.limits ?? [], lid, index + 1)),
  ];
}

/** What a call takes from each limit of a capability. What costs nothing takes nothing from a cost, in whatever
 *  currency.
 *  @throws {TrustError} POLICY_DENIED with the link: it costs money of another currency than a limit is in, which can
 *    so not be enforced (CAP-3) */
export function takesOf(
  capability: VerifiedCapability,
  { cost, tokens = 0 }: CallCost,
): readonly LimitTake[] {
  const money = cost ?? FREE;
  const amounts: Record<LimitKind, number> = { calls: 1, cost: money.amount, tokens, rate: 1 };
  return limitsOf(capability).flatMap((entry) => {
    const amount = amounts[entry.kind];
    if (amount === 0) return [];
    if (entry.kind === 'cost' && entry.currency !== money.currency) throw foreign(entry, money.currency);
    return [{ amount, ...entry }];
  });
}

/** The limits that one link states, by what they count. */
export function entriesOf(limits: readonly Limit[], key: string, link: number): readonly LimitEntry[] {
  const entries = new Map<string, LimitEntry>();
  for (const kind of KINDS) {
    for (const limit of limits) {
      const entry = entryOf(limit, kind, key, link);
      if (entry === undefined) continue;
      const name = `${kind} ${entry.per} ${entry.currency}`;
      const known = entries.get(name);
      if (known === undefined || entry.allowed < known.allowed) entries.set(name, entry);
    }
  }
  return [...entries.values()];
}

function entryOf(limit: Limit, kind: LimitKind, key: string, link: number): LimitEntry | undefined {
  const { per, cost, rate } = limit;
  if (kind === 'cost') {
    return cost && { key, link, kind, per, allowed: cost.amount, currency: cost.currency };
  }
  if (kind === 'rate') return rate && { key, link, kind, per: rate.seconds, allowed: rate.count };
  const allowed = limit[kind];
  return allowed === undefined ? undefined : { key, link, kind, per, allowed };
}

function foreign({ link, currency }: LimitEntry, asked: string): TrustError {
  return new TrustError('POLICY_DENIED', `link ${link} limits the cost in another currency`, {
    link,
    caveat: `cost in ${currency}`,
    hint: `The call costs ${asked}. Ask for a link whose costs are limited in ${asked}.`,
  });
}
