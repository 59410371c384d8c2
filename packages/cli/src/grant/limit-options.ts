import type { Limit } from '@talosprotocol/contracts';
import { parseMoney } from '../money.js';
import { UsageError } from '../usage-error.js';
import { parseCount, parseDuration } from './duration.js';

/** Options that limit how much may be done. */
export interface LimitOptionValues {
  readonly calls?: string;
  readonly cost?: string;
  readonly tokens?: string;
  readonly rate?: string;
  readonly per?: string;
  readonly limit?: readonly string[];
}

const PERIODS = ['total', 'day', 'month'] as const;
const KINDS = ['calls', 'cost', 'tokens', 'rate'] as const;
type Kind = (typeof KINDS)[number];

/** Most limits of a link (CAP-1), and the longest time of a rate in seconds (CAP-3). */
const MOST = 8;
const LONGEST_RATE = 86_400;

/** The limits that were given: those of the short options count over one period, each `--limit` says its own.
 *  @throws {UsageError} */
export function limitsOf(options: LimitOptionValues): Limit[] {
  const { per, limit = [] } = options;
  const stated = KINDS.flatMap((kind): [Kind, string][] => {
    const text = options[kind];
    return text === undefined ? [] : [[kind, text]];
  });
  if (per !== undefined && !stated.some(([kind]) => kind !== 'rate'))
    throw new UsageError('--per needs --calls, --cost or --tokens');
  const short = stated.length === 0 ? [] : [limitFrom(stated, parsePeriod(per, '--per'), '--')];
  const limits = [...short, ...limit.map(parseLimit)];
  if (limits.length > MOST) throw new UsageError(`a link has at most ${MOST} limits`);
  return limits;
}

/** Reads `calls=5,cost=1.50EUR per day`; without `per` it counts in total.
 *  @throws {UsageError} */
function parseLimit(text: string): Limit {
  const [, list = '', period] = /^\s*(\S+)(?:\s+per\s+(\S+))?\s*$/.exec(text) ?? [];
  const parts = list.split(',').map((part) => {
    const [, name, value = ''] = /^([a-z]+)=(.+)$/.exec(part) ?? [];
    const kind = KINDS.find((known) => known === name);
    if (kind !== undefined) return [kind, value] as const;
    throw new UsageError(`not a limit: ${text}`, "such as --limit 'calls=5,cost=1.50EUR per day'");
  });
  if (new Set(parts.map(([kind]) => kind)).size < parts.length)
    throw new UsageError(`a limit says the same twice: ${text}`, 'give --limit twice');
  return limitFrom(parts, parsePeriod(period, 'per'), '--limit ');
}

function limitFrom(
  parts: readonly (readonly [Kind, string])[],
  per: (typeof PERIODS)[number],
  prefix: string,
): Limit {
  const limit: Limit = { per };
  for (const [kind, text] of parts) {
    const option = `${prefix}${kind}`;
    if (kind === 'cost') limit.cost = parseMoney(text, option);
    else if (kind === 'rate') limit.rate = parseRate(text, option);
    else limit[kind] = parseCount(text, 1, option);
  }
  return limit;
}

function parsePeriod(text: string | undefined, option: string): (typeof PERIODS)[number] {
  const period = PERIODS.find((known) => known === (text ?? 'total'));
  if (period !== undefined) return period;
  throw new UsageError(`${option} takes total, day or month`);
}

/** Reads `10/60s`: so many calls in so many seconds.
 *  @throws {UsageError} */
function parseRate(text: string, option: string): NonNullable<Limit['rate']> {
  const [, count, length] = /^([1-9][0-9]{0,14})\/([1-9][0-9]{0,4}[smhd])$/.exec(text) ?? [];
  const seconds = length === undefined ? 0 : parseDuration(length);
  if (seconds >= 1 && seconds <= LONGEST_RATE) return { count: Number(count), seconds };
  throw new UsageError(`${option} takes calls in a time of at most a day: ${text}`, 'such as --rate 10/60s');
}
