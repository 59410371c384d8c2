import type { Budget, DidGroups, PolicyDocument } from '@talosprotocol/contracts';
import { type CallCost, TrustError, type VerifiedCapability } from '@talosprotocol/protocol';
import { compilePattern, partlyMeant } from '../model-pattern.js';
import { principalName } from '../principal.js';
import { type Amounts, createAmounts } from './amounts.js';
import { createCalendar } from './calendar.js';
import { counterOf, periodOf } from './counter.js';
import { type BudgetTake, WARN_AT } from './take.js';

/** What of a call decides which budgets it counts in. */
export interface BudgetedCall {
  readonly surface: 'mcp' | 'llm';
  readonly capability: VerifiedCapability;
  /** `provider/model`; absent of a call of something else. */
  readonly model: string | undefined;
  /** Absent of a call of something else. */
  readonly server: string | undefined;
}

/** A budget of the policy, ready to be counted in. */
export interface BudgetPolicy {
  readonly name: string;
  readonly mode: 'hard' | 'warn';
  /** ISO 4217, where it counts money. */
  readonly currency: string | undefined;
  /** True if money or tokens are counted: then the most that a call may come to must be known. */
  readonly isMetered: boolean;
  /** Those that it counts a call for, each by itself; none if it does not count it. */
  subjectsOf(call: BudgetedCall): readonly string[];
  /** What a call takes for one of them. @throws {TrustError} POLICY_DENIED: it costs money of another currency */
  takesOf(subject: string, cost: CallCost, nowMs: number): readonly BudgetTake[];
}

/** The budgets of a policy that are not off.
 *  @throws {TrustError} MALFORMED: two of one name, an unknown zone, team or tag, nothing that is counted, an override in
 *    another currency, some models of a provider that names none */
export function compileBudgets({
  budgets = [],
  teams = {},
  tags = {},
  providers = {},
}: Pick<PolicyDocument, 'budgets' | 'teams' | 'tags' | 'providers'>): readonly BudgetPolicy[] {
  const names = new Set<string>();
  return budgets.flatMap((budget) => {
    if (names.has(budget.name)) throw wrong(budget.name, 'is there twice');
    assertNamed(budget, providers);
    names.add(budget.name);
    const compiled = compileBudget(budget, { teams, tags });
    return compiled === undefined ? [] : [compiled];
  });
}

function assertNamed({ name, model }: Budget, providers: NonNullable<PolicyDocument['providers']>): void {
  const provider = model === undefined ? undefined : partlyMeant(model, providers);
  if (provider !== undefined)
    throw wrong(name, `is for some models of ${provider}, which must name its models then`);
}

interface Groups {
  readonly teams: DidGroups;
  readonly tags: DidGroups;
}

function compileBudget(budget: Budget, groups: Groups): BudgetPolicy | undefined {
  const { name, mode = 'hard', cost, tokens, calls, only, override } = budget;
  if (cost === undefined && tokens === undefined && calls === undefined)
    throw wrong(name, 'counts nothing: say cost, tokens or calls');
  if (override?.cost !== undefined && override.cost.currency !== cost?.currency)
    throw wrong(name, 'has an override in another currency');
  const calendar = calendarOf(budget);
  const chosen = compileSubjects(budget, groups);
  const fits = compileFilter(budget);
  const kept = only && new Set(only);
  if (mode === 'off') return undefined;
  const amountsAt = createAmounts(budget);
  return {
    name,
    mode,
    currency: cost?.currency,
    isMetered: cost !== undefined || tokens !== undefined,
    subjectsOf: (call) =>
      fits(call) ? chosen(call).filter((subject) => kept === undefined || kept.has(subject)) : [],
    takesOf: (subject, asked, nowMs) => {
      const ends = calendar.endOf(nowMs);
      const rest = { budget, subject, period: periodOf(budget.per, ends) };
      return takesIn(amountsAt(nowMs), asked, rest);
    },
  };
}

interface Counted {
  readonly budget: Budget;
  readonly subject: string;
  readonly period: { readonly period: string; readonly ends: number };
}

function takesIn(
  { cost, tokens, calls }: Amounts,
  asked: CallCost,
  { budget: { name, mode = 'hard', per, zone = 'UTC', warnAt = [...WARN_AT] }, subject, period }: Counted,
): BudgetTake[] {
  const isHard = mode === 'hard';
  const currency = cost?.currency;
  const take = (kind: BudgetTake['kind'], allowed: number, amount: number): BudgetTake => ({
    ...{ budget: name, subject, kind, per, zone, allowed, amount, isHard, warnAt },
    ...period,
    counter: counterOf(subject, { budget: name, kind, currency, zone }),
  });
  const takes: BudgetTake[] = [];
  if (calls !== undefined) takes.push(take('calls', calls, 1));
  if (tokens !== undefined && (asked.tokens ?? 0) > 0) takes.push(take('tokens', tokens, asked.tokens ?? 0));
  if (cost !== undefined && asked.cost !== undefined && asked.cost.amount > 0) {
    if (asked.cost.currency === cost.currency)
      takes.push({ ...take('cost', cost.amount, asked.cost.amount), currency: cost.currency });
    else if (isHard) throw foreign(name, cost.currency, asked.cost.currency);
  }
  return takes;
}

function calendarOf({ name, per, zone }: Budget) {
  try {
    return createCalendar(per, zone);
  } catch {
    throw wrong(name, `has a time zone that is none: ${zone}`);
  }
}

function compileFilter({ surface, model, server }: Budget): (call: BudgetedCall) => boolean {
  const isMeant = model === undefined ? undefined : compilePattern(model);
  return (call) => {
    if (surface !== undefined && surface !== call.surface) return false;
    if (server !== undefined && server !== call.server) return false;
    return isMeant === undefined || (call.model !== undefined && isMeant(call.model));
  };
}

function compileSubjects(
  { name, for: whom = 'all', only }: Budget,
  { teams, tags }: Groups,
): (call: BudgetedCall) => readonly string[] {
  switch (whom) {
    case 'all':
      return () => ['all'];
    case 'organization':
      return ({ capability: { anchor } }) => [anchor.iss];
    case 'principal':
      return ({ capability }) => [principalName(capability)];
    case 'key':
      // Whoever narrows a key makes as many as it likes: they are all the one it began with.
      return ({ capability: { links } }) => [links[0]?.lid ?? ''];
    case 'team': {
      const of = compileGroups(name, teams, only);
      return ({ capability }) => of(principalName(capability));
    }
    case 'tag': {
      const of = compileGroups(name, tags, only);
      return ({ capability }) => [...new Set(didsOf(capability).flatMap(of))];
    }
  }
}

/** Everybody on the way from the root to whoever acts. */
function didsOf({ principal, links }: VerifiedCapability): readonly string[] {
  const named = links.flatMap(({ claims }) => [claims.iss, claims.sub]);
  return [...new Set(principal === undefined ? named : [principal, ...named])];
}

function compileGroups(
  name: string,
  groups: DidGroups,
  only: readonly string[] | undefined,
): (did: string) => readonly string[] {
  const missing = only?.find((group) => !Object.hasOwn(groups, group));
  if (missing !== undefined) throw wrong(name, `is for ${missing}, which is not there`);
  const byDid = new Map<string, string[]>();
  for (const [group, dids] of Object.entries(groups))
    for (const did of dids) byDid.set(did, [...(byDid.get(did) ?? []), group]);
  return (did) => byDid.get(did) ?? [];
}

function wrong(name: string, what: string): TrustError {
  return new TrustError('MALFORMED', `the budget ${name} ${what}`);
}

function foreign(name: string, counted: string, asked: string): TrustError {
  return new TrustError('POLICY_DENIED', `the budget ${name} counts another currency`, {
    caveat: `budget ${name}: cost in ${counted}`,
    hint: `The call costs ${asked}, which the budget ${name} does not count.`,
  });
}
