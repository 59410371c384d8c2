import type { EventFilter, EventOrder, EventRecord } from '@talosprotocol/contracts';
import type { AuditClient } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { parseCount } from '../../grant/duration.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { type FilterOptions, filterOf, readingsOf, withFilter } from './event-filter.js';
import { describeEvent } from './event-line.js';

interface Options extends PlatformOptions, FilterOptions {
  readonly follow?: boolean;
  readonly oldest?: boolean;
  readonly limit?: string;
}

const PAGE = 500;

/** `talos audit tail`: events of the log, and those to come. */
export function addTail(audit: Command, shell: Shell): void {
  const text = {
    usage: 'tail',
    summary: 'show the newest events of the log, or those you ask for',
    examples: [
      'talos audit tail',
      'talos audit tail --effect deny --since 24h',
      'talos audit tail --follow --tool files/write_file',
    ],
    notes: [
      'Asks the platform on the data folder. Each option narrows; an outcome is found by what its decision is found by. With --follow',
      "and --json, one JSON document a line. What is shown is the platform's word; proof is: talos audit export, then talos audit verify.",
    ],
  };
  const tail: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    const limit = limitOf(options);
    const { audit: client } = await openPlatform(io, options);
    const order = options.oldest === true ? 'oldest' : 'newest';
    const [end] = options.follow === true ? (await client.events({ limit: 1 })).events : [];
    const asking = search(call, client, order, limit);
    const { filter, found } = await withProgress(io, output, 'Asking the platform', asking);
    const events = order === 'oldest' ? found : found.toReversed();
    if (options.follow === true) return follow(call, client, filter, { events, after: events.at(-1) ?? end });
    output.result({ ok: true, events }, () => {
      for (const event of events) output.line(describeEvent(event));
    });
    output.next('why was a request decided so? talos why <request id>');
    return undefined;
  };
  withFilter(withPlatform(defineCommand(audit, shell, text, tail), 'audit'))
    .option('--follow', 'go on with new events until Ctrl-C')
    .option('--oldest', 'begin with the oldest')
    .option('--limit <number>', 'how many to start with, up to 500 (default: 20)');
}

function limitOf({ limit: text = '20', follow: goesOn, oldest, until }: Options): number {
  const limit = parseCount(text, 1, '--limit');
  if (limit > PAGE) throw new UsageError(`--limit takes at most ${PAGE}`);
  if (goesOn === true && (oldest === true || until !== undefined))
    throw new UsageError('--follow goes on from the newest event', 'leave out --oldest and --until');
  return limit;
}

/** Asks for what the options most likely mean, and if there is nothing for what else they may. */
async function search(
  { io, options }: Invocation<Options>,
  client: AuditClient,
  order: EventOrder,
  limit: number,
): Promise<{ readonly filter: EventFilter; readonly found: EventRecord[] }> {
  const { server: _, tool: __, ...others } = options;
  const readings = readingsOf(options);
  const filters = await Promise.all(readings.map((named) => filterOf(io, { ...others, ...named })));
  for (const filter of filters) {
    const found = await collect(client, { filter, order }, limit);
    if (found.length > 0) return { filter, found };
  }
  return { filter: filters[0] as EventFilter, found: [] };
}

/** Pages may be short: the service bounds its work for each. */
async function collect(
  client: AuditClient,
  query: { readonly filter: EventFilter; readonly order: EventOrder },
  limit: number,
): Promise<EventRecord[]> {
  const found: EventRecord[] = [];
  let cursor: string | undefined;
  do {
    const { filter, order } = query;
    const page = { ...filter, ...(order === 'oldest' ? { order } : {}), limit: limit - found.length };
    const { events, next } = await client.events(cursor === undefined ? page : { ...page, cursor });
    found.push(...events);
    cursor = next ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return found;
}

async function follow(
  { io, output }: Invocation<Options>,
  client: AuditClient,
  { since: _, until: __, ...filter }: EventFilter,
  first: { readonly events: readonly EventRecord[]; readonly after: EventRecord | undefined },
): Promise<undefined> {
  const stop = new AbortController();
  const ignore = io.onStop(() => stop.abort());
  const show = (event: EventRecord): void => output.stream(event, () => output.line(describeEvent(event)));
  for (const event of first.events) show(event);
  const onPruned = (below: number): void => output.aside(`Events below ${below} were pruned.`);
  try {
    const from = first.after === undefined ? {} : { from: first.after.index + 1 };
    for await (const event of client.follow({ ...filter, ...from }, { signal: stop.signal, onPruned }))
      show(event);
  } finally {
    ignore();
  }
  return undefined;
}
