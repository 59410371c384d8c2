import type { EventFilter } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { parseCount, parseDuration } from '../../grant/duration.js';
import { UsageError } from '../../usage-error.js';

/** Options of every command that asks for some events only (AUD-65). */
export interface FilterOptions {
  readonly agent?: string;
  readonly capability?: string;
  readonly server?: string;
  readonly tool?: string;
  readonly op?: string;
  readonly surface?: string;
  readonly effect?: string;
  readonly code?: string;
  readonly status?: string;
  readonly type?: string;
  readonly since?: string;
  readonly until?: string;
  readonly minCost?: string;
  readonly currency?: string;
}

/** Adds the options of a filter. */
export function withFilter(command: Command): Command {
  return command
    .option('--agent <did>', 'of this agent')
    .option('--capability <hash>', 'under this link or chain: every call under any chain that holds it')
    .option('--server <name>', 'calls to this tool server')
    .option('--tool <name>', 'calls of this tool')
    .option('--op <op>', 'calls that read, or that write')
    .option('--surface <surface>', 'where it was decided: mcp, session or admin')
    .option('--effect <effect>', 'what was decided: allow or deny')
    .option('--code <code>', 'denied with this code, such as SCOPE_MISMATCH')
    .option('--status <status>', 'calls that ended so: completed, failed, cancelled, revoked_during or lost')
    .option('--type <type>', 'of this type, such as decision or revocation')
    .option('--since <time>', 'not before: a time, or how long ago, such as 24h')
    .option('--until <time>', 'before: a time, or how long ago')
    .option('--min-cost <micro-units>', 'outcomes that cost at least so much')
    .option('--currency <code>', 'outcomes that cost something in this currency');
}

const NAMES = [
  'agent',
  'capability',
  'server',
  'tool',
  'op',
  'surface',
  'effect',
  'code',
  'status',
  'type',
  'currency',
] as const;

/** The filter that the options say; what its values may be is the service's to say. `now` in Unix milliseconds.
 *  @throws {UsageError} */
export function filterOf(options: FilterOptions, now: number): EventFilter {
  const { since, until, minCost } = options;
  const named = NAMES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]));
  return {
    ...(Object.fromEntries(named) as EventFilter),
    ...(since === undefined ? {} : { since: timeOf(since, now, '--since') }),
    ...(until === undefined ? {} : { until: timeOf(until, now, '--until') }),
    ...(minCost === undefined ? {} : { min_cost: parseCount(minCost, 1, '--min-cost') }),
  };
}

function timeOf(text: string, now: number, option: string): string {
  if (/^[0-9]+[smhd]$/.test(text)) return new Date(now - parseDuration(text) * 1_000).toISOString();
  const moment = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(moment)) return new Date(moment).toISOString();
  throw new UsageError(
    `${option} takes a time or a duration`,
    'such as 2026-03-01, 2026-03-01T09:30:00Z or 24h',
  );
}
