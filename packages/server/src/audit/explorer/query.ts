import { createChecker, EventFilter, MAX_INTEGER } from '@talosprotocol/contracts';
import { parseTime, TrustError } from '@talosprotocol/protocol';
import { readQuery } from '../../platform/json-exchange.js';
import type { EventQuery } from './explorer.js';

/** Names of the members of a filter, as the query has them. */
export const FILTER_NAMES = Object.keys(EventFilter.properties) as (keyof EventFilter)[];

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 100;

const check = createChecker(EventFilter);

/** Reads the query of a list of events (AUD-65, AUD-66). @throws {TrustError} MALFORMED */
export function readEventQuery(query: string): EventQuery {
  const members = readQuery(query, [...FILTER_NAMES, 'order', 'limit', 'cursor']);
  const order = members.get('order') ?? 'newest';
  if (order !== 'newest' && order !== 'oldest') throw malformed('order is newest or oldest');
  const cursor = members.get('cursor');
  return {
    filter: readFilter(members),
    order,
    limit: readNumber(members, 'limit', { least: 1, most: MAX_LIMIT }) ?? DEFAULT_LIMIT,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Reads the members of a filter among those of a query. @throws {TrustError} MALFORMED */
export function readFilter(members: ReadonlyMap<string, string>): EventFilter {
  const texts = FILTER_NAMES.filter((name) => name !== 'min_cost').flatMap((name) => {
    const value = members.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const min_cost = readNumber(members, 'min_cost', { least: 1, most: MAX_INTEGER });
  const filter = { ...Object.fromEntries(texts), ...(min_cost === undefined ? {} : { min_cost }) };
  const wrong = check(filter);
  if (wrong !== undefined) throw malformed(`the filter: ${wrong}`);
  const { since, until } = filter as EventFilter;
  for (const time of [since, until]) if (time !== undefined) parseTime(time);
  return filter;
}

/** A whole number within bounds, in its one spelling. @throws {TrustError} MALFORMED */
export function readNumber(
  members: ReadonlyMap<string, string>,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const text = members.get(name);
  if (text === undefined) return undefined;
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw malformed(`${name} is a whole number from ${least} to ${most}`);
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
