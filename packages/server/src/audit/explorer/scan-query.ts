import type { EventFilter, EventOrder } from '@talosprotocol/contracts';
import type { Queries } from '../../platform/sql.js';
import type { Span } from '../time-span.js';
import type { Conditions } from './conditions.js';

/** What is looked for, and where. */
export interface ScanQuery {
  readonly filter: EventFilter;
  readonly order: EventOrder;
  readonly span: Span;
  readonly limit: number;
}

/** The indexes of events that fit, in the order asked for. */
export interface Scanned {
  readonly indexes: readonly number[];
  /** What was not looked at, beyond what was found; empty if all was. */
  readonly rest: Span;
}

/** Bounds of one page's work. */
export interface ScanLimits {
  /** Facets of which each is asked for as many rows as the page has. */
  readonly merged: number;
  /** Facets that are asked for one by one. */
  readonly listed: number;
  /** Facets that are listed at all, to look through rows for them. */
  readonly known: number;
  /** Rows that are fetched unordered because there are no more, if an exact price is asked for. */
  readonly gathered: number;
  /** Rows of a price that are fetched where not even the facets are known. */
  readonly priced: number;
  /** Rows looked at in one step, where neither works. */
  readonly window: number;
  /** How long such steps go on before the page is handed out as it is. */
  readonly budgetMs: number;
}

export const SCAN_LIMITS: ScanLimits = {
  merged: 64,
  listed: 2_048,
  known: 8_192,
  gathered: 8_192,
  priced: 2_048,
  window: 16_384,
  budgetMs: 20,
};

export interface ScanTools {
  readonly tx: Queries;
  readonly limits: ScanLimits;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

/** Facets, as PostgreSQL writes a list of numbers: it goes back as it came, as thousands of them would be objects here. */
export interface Listed {
  readonly count: number;
  readonly nums: string;
}

export interface Facets {
  readonly conditions: Conditions;
  /** Undefined if they are too many. */
  readonly listed: Listed | undefined;
}

export const NOWHERE: Span = { from: 0, to: 0 };
export const isEmpty = ({ from, to }: Span): boolean => from >= to;
export const direction = (order: EventOrder): string => (order === 'newest' ? 'DESC' : 'ASC');

export function beyond(order: EventOrder, { from, to }: Span, count: number): Span {
  return order === 'newest' ? { from, to: to - count } : { from: from + count, to };
}

/** What ends with the last row found, if the page is full; else everything was looked at. */
export function found({ order, span, limit }: ScanQuery, rows: readonly { readonly idx: number }[]): Scanned {
  const indexes = rows.map(({ idx }) => idx);
  const last = indexes.at(-1);
  if (last === undefined || indexes.length < limit) return { indexes, rest: NOWHERE };
  return { indexes, rest: restBehind({ order, span }, last) };
}

export function restBehind({ order, span }: Pick<ScanQuery, 'order' | 'span'>, index: number): Span {
  return order === 'newest' ? { ...span, to: index } : { ...span, from: index + 1 };
}
