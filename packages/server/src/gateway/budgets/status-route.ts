import { BUDGET_PAGE } from '@talosprotocol/contracts';
import { TrustError } from '@talosprotocol/protocol';
import { readQuery, sendJson } from '../../platform/json-exchange.js';
import type { RouteHandler } from '../../platform/routes.js';
import type { Clock } from '../../platform/system.js';
import type { BudgetCounters } from './counters.js';
import type { DeclaredBudgets } from './shelf.js';
import { statusOf } from './status.js';

export interface StatusDeps {
  readonly policy: () => { readonly declaredBudgets: DeclaredBudgets };
  readonly counters: BudgetCounters;
  readonly clock: Pick<Clock, 'now'>;
}

/** Serves `GET /talos/v1/budgets`. */
export function createStatusHandler({ policy, counters, clock }: StatusDeps): RouteHandler {
  return async (_, response, { query }) => {
    const members = readQuery(query, ['budget', 'principal', 'limit', 'cursor']);
    const asked = {
      budget: members.get('budget'),
      principal: members.get('principal'),
      cursor: members.get('cursor'),
      limit: pageSize(members.get('limit')),
    };
    sendJson(response, 200, await statusOf(policy().declaredBudgets, counters, asked, clock.now()));
  };
}

function pageSize(text: string | undefined): number {
  if (text === undefined) return BUDGET_PAGE;
  const size = /^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > BUDGET_PAGE) throw new TrustError('MALFORMED', `limit must be 1 to ${BUDGET_PAGE}`);
  return size;
}
