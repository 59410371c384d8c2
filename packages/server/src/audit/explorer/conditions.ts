import type { EventFilter } from '@talosprotocol/contracts';
import type { SqlValue } from '../../platform/sql.js';

/** What a filter asks of facets, as SQL over `audit_facet f`. Values are parameters, never text. */
export interface Conditions {
  /** Facets that fit: `SELECT f.num ...`, at most as many as the parameter after `values` says. */
  readonly select: string;
  /** Whether one facet fits. */
  readonly where: string;
  readonly values: readonly SqlValue[];
}

const EQUAL = ['server', 'tool', 'op', 'surface', 'effect', 'code', 'status', 'type', 'currency'] as const;

/** Turns a filter into conditions; undefined if it fits every facet. Times and the exact cost are not asked of facets. */
export function conditionsOf(filter: EventFilter): Conditions | undefined {
  const values: SqlValue[] = [];
  const parameter = (value: SqlValue): string => {
    values.push(value);
    return `$${values.length}`;
  };
  const equal = EQUAL.flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [`f.${name} = ${parameter(value)}`];
  });
  const agent = filter.agent === undefined ? [] : [`f.sub = ${parameter(filter.agent)}`];
  const cost = filter.min_cost === undefined ? [] : [`f.digits >= ${parameter(digitsOf(filter.min_cost))}`];
  const all = [...equal, ...agent, ...cost];
  const { capability } = filter;
  if (capability !== undefined) return ofCapability(all, parameter(capability), values);
  if (all.length === 0) return undefined;
  const where = all.join(' AND ');
  return {
    select: `SELECT f.num FROM audit_facet f WHERE ${where} LIMIT $${values.length + 1}`,
    where,
    values,
  };
}

/** A chain is found from the link, not by asking every facet for its chain. */
function ofCapability(others: readonly string[], hash: string, values: readonly SqlValue[]): Conditions {
  const and = others.map((condition) => ` AND ${condition}`).join('');
  const chains = `SELECT l.chain FROM audit_link l WHERE l.lid = ${hash} UNION SELECT c.idx FROM audit_chain c WHERE c.cth = ${hash}`;
  return {
    select: `(SELECT f.num FROM (${chains}) c(idx) JOIN audit_facet f ON f.chain = c.idx WHERE true${and})
      UNION ALL (SELECT f.num FROM audit_facet f WHERE f.lid = ${hash}${and}) LIMIT $${values.length + 1}`,
    where: `(EXISTS (SELECT 1 FROM audit_link l WHERE l.lid = ${hash} AND l.chain = f.chain)
      OR f.chain = (SELECT c.idx FROM audit_chain c WHERE c.cth = ${hash}) OR f.lid = ${hash})${and}`,
    values,
  };
}

export function digitsOf(amount: number): number {
  return String(amount).length;
}
