import { EventFilter, SERVER_NAME } from '@talosprotocol/contracts';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { parseCount } from '../../grant/duration.js';
import type { Io } from '../../io.js';
import type { PlaceOptions } from '../../place.js';
import { AGENT, agentOf } from './agent.js';
import { parseChoice } from './choice.js';
import { parseMoment } from './moment.js';

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
    .option('--agent <did>', `of this agent, ${AGENT}`)
    .option('--capability <hash>', 'under this link or chain: every call under any chain that holds it')
    .option('--server <name>', 'calls to this tool server or model provider')
    .option('--tool <name>', 'calls of this tool or model: server/tool, or its name')
    .option('--op <op>', 'calls that read, or that write')
    .option('--surface <surface>', 'where it was decided: mcp, llm, session or admin')
    .option('--effect <effect>', 'what was decided: allow or deny')
    .option('--code <code>', 'denied with this code, such as SCOPE_MISMATCH')
    .option('--status <status>', 'calls that ended so: completed, failed, cancelled, revoked_during or lost')
    .option('--type <type>', 'of this type, such as decision or revocation')
    .option('--since <time>', 'not before: a time, or how long ago, such as 24h')
    .option('--until <time>', 'before: a time, or how long ago')
    .option('--min-cost <micro-units>', 'outcomes that cost at least so much')
    .option('--currency <code>', 'outcomes that cost something in this currency');
}

const NAMES = ['capability', 'server', 'tool', 'currency'] as const;
const CHOICES = ['op', 'surface', 'effect', 'code', 'status', 'type'] as const;

const OF_SERVER = new RegExp(`${SERVER_NAME.slice(0, -1)}/`);

/** What `--tool` may mean, the likeliest first: `server/tool` as everywhere else; but a model may have a slash in its name,
 *  and with --server what is named is the tool alone. */
export function readingsOf(options: FilterOptions): readonly Pick<FilterOptions, 'server' | 'tool'>[] {
  const { server, tool } = options;
  const named = tool === undefined ? undefined : OF_SERVER.exec(tool)?.[0];
  if (tool === undefined || named === undefined) return [options];
  if (server !== undefined)
    return named === `${server}/` ? [options, { server, tool: tool.slice(named.length) }] : [options];
  return [{ server: named.slice(0, -1), tool: tool.slice(named.length) }, { tool }];
}

/** The filter that the options say; what values may be that are no choice is the service's to say.
 *  @throws {UsageError} | {TrustError} NOT_FOUND: an identity of yours that there is none of */
export async function filterOf(io: Io, options: FilterOptions & PlaceOptions): Promise<EventFilter> {
  const { agent, since, until, minCost } = options;
  const now = io.now();
  const named = NAMES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]));
  const chosen = CHOICES.flatMap((name) => {
    const text = options[name];
    return text === undefined ? [] : [[name, parseChoice(text, valuesOf(name), `--${name}`)]];
  });
  return {
    ...(Object.fromEntries([...named, ...chosen]) as EventFilter),
    ...(agent === undefined ? {} : { agent: await agentOf(io, options, agent, await createFastestCrypto()) }),
    ...(since === undefined ? {} : { since: parseMoment(since, now, '--since') }),
    ...(until === undefined ? {} : { until: parseMoment(until, now, '--until') }),
    ...(minCost === undefined ? {} : { min_cost: parseCount(minCost, 1, '--min-cost') }),
  };
}

function valuesOf(name: (typeof CHOICES)[number]): readonly string[] {
  const schema = EventFilter.properties[name];
  return 'enum' in schema ? schema.enum : schema.anyOf.map((one) => one.const);
}
