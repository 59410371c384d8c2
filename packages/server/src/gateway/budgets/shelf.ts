import type { Budget, BudgetCounter, DidGroups, PolicyDocument } from '@talosprotocol/contracts';
import { type Amounts, createAmounts } from './amounts.js';
import { createCalendar } from './calendar.js';
import { headOf, periodOf, tailOf } from './counter.js';
import type { CounterShelf } from './counters.js';

/** Budgets as the policy has them, checked. */
export type DeclaredBudgets = Pick<PolicyDocument, 'budgets' | 'teams' | 'tags'>;

/** The counters of a budget that count one thing, and what they are held against. */
export interface Shelf extends CounterShelf {
  readonly counts: Pick<BudgetCounter, 'budget' | 'kind' | 'currency' | 'limit' | 'override'>;
}

const KINDS = ['cost', 'tokens', 'calls'] as const;

/** What a budget counts at a moment; of one principal only what it counts for it. Nothing if it is off. */
export function shelvesOf(
  budget: Budget,
  groups: DeclaredBudgets,
  nowMs: number,
  principal?: string,
): readonly Shelf[] {
  const { name, mode, per, zone = 'UTC' } = budget;
  if (mode === 'off') return [];
  const subjects = subjectsOf(budget, groups, principal);
  const ends = createCalendar(per, zone).endOf(nowMs);
  const amounts = createAmounts(budget)(nowMs);
  return KINDS.flatMap((kind): Shelf[] => {
    const limit = limitOf(amounts, kind);
    if (limit === undefined) return [];
    const currency = kind === 'cost' ? amounts.cost?.currency : undefined;
    return [
      {
        head: headOf({ budget: name }),
        tail: tailOf({ kind, currency, zone }),
        ...periodOf(per, ends),
        subjects,
        counts: {
          budget: name,
          kind,
          ...(currency === undefined ? {} : { currency }),
          limit,
          override: overrideOf(budget, kind, amounts),
        },
      },
    ];
  });
}

function limitOf({ cost, tokens, calls }: Amounts, kind: BudgetCounter['kind']): number | undefined {
  return { cost: cost?.amount, tokens, calls }[kind];
}

/** `amounts` are those of now: the budget's own, or with an override put in their place. */
function overrideOf(
  budget: Budget,
  kind: BudgetCounter['kind'],
  amounts: Amounts,
): BudgetCounter['override'] {
  const { override } = budget;
  if (amounts === budget || override?.[kind] === undefined) return null;
  return { until: override.until, usual: limitOf(budget, kind) ?? null };
}

/** Whom a budget counts for by name; undefined where that is whoever calls. */
export function subjectsOf(
  { for: whom = 'all', only }: Budget,
  { teams = {}, tags = {} }: DeclaredBudgets,
  principal: string | undefined,
): readonly string[] | undefined {
  const named = namedBy(whom, { teams, tags }, principal);
  if (only === undefined) return named;
  return named === undefined ? only : named.filter((subject) => only.includes(subject));
}

function namedBy(
  whom: NonNullable<Budget['for']>,
  { teams, tags }: { readonly teams: DidGroups; readonly tags: DidGroups },
  principal: string | undefined,
): readonly string[] | undefined {
  switch (whom) {
    case 'all':
      return ['all'];
    case 'team':
      return groupsWith(teams, principal);
    case 'tag':
      return groupsWith(tags, principal);
    case 'key':
      // Whose key a root is does not show in its number.
      return principal === undefined ? undefined : [];
    case 'organization':
    case 'principal':
      return principal === undefined ? undefined : [principal];
  }
}

function groupsWith(groups: DidGroups, did: string | undefined): readonly string[] {
  return Object.keys(groups).filter((name) => did === undefined || groups[name]?.includes(did));
}
