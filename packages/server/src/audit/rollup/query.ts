import { createChecker, StatsQuery } from '@talosprotocol/contracts';
import { parseTime, TrustError } from '@talosprotocol/protocol';
import { readQuery } from '../../platform/json-exchange.js';
import { readNumber } from '../explorer/query.js';

const NAMES = Object.keys(StatsQuery.properties);
const TEXTS = NAMES.filter((name) => name !== 'top');
const MAX_TOP = 50;

const check = createChecker(StatsQuery);

/** Reads what is to be counted (AUD-120). @throws {TrustError} MALFORMED */
export function readStatsQuery(text: string): StatsQuery {
  const members = readQuery(text, NAMES);
  const texts = TEXTS.flatMap((name) => {
    const value = members.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const top = readNumber(members, 'top', { least: 1, most: MAX_TOP });
  const query = { ...Object.fromEntries(texts), ...(top === undefined ? {} : { top }) };
  const wrong = check(query);
  if (wrong !== undefined) throw malformed(`what is to be counted: ${wrong}`);
  const { since, until, value, by } = query as StatsQuery;
  for (const time of [since, until]) if (time !== undefined) parseTime(time);
  if (value !== undefined && by === undefined) throw malformed('a value is of what is counted by: give by');
  if (value !== undefined && top !== undefined) throw malformed('give either a value or top');
  return query;
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
