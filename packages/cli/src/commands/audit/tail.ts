import type { EventRecord } from '@talosprotocol/contracts';
import type { AuditClient } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { parseCount } from '../../grant/duration.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';

interface Options extends PlatformOptions {
  readonly follow?: boolean;
  readonly limit?: string;
}

const POLL_MS = 1_000;
const PAGE = 500;

/** `talos audit tail`: the newest events of the log. */
export function addTail(audit: Command, shell: Shell): void {
  const text = {
    usage: 'tail',
    summary: 'show the newest events of the log',
    examples: ['talos audit tail', 'talos audit tail --follow'],
    notes: [
      'Asks the platform on the data folder. With --follow and --json, one JSON document a line. What is shown is the',
      "platform's word; proof is: talos audit export, then talos audit verify.",
    ],
  };
  const tail: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    const limit = parseCount(options.limit ?? '20', 1, '--limit');
    if (limit > PAGE) throw new UsageError(`--limit takes at most ${PAGE}`);
    const { audit: client } = await openPlatform(io, options);
    const page = await withProgress(io, output, 'Asking the platform', client.events({ limit }));
    const events = page.events.toReversed();
    if (options.follow === true) return follow(call, client, events);
    output.result({ ok: true, events }, () => {
      for (const event of events) output.line(describeEvent(event));
    });
    output.next('why was a request decided so? talos why <request id>');
    return undefined;
  };
  withPlatform(defineCommand(audit, shell, text, tail), 'audit')
    .option('--follow', 'go on with new events until Ctrl-C')
    .option('--limit <number>', 'how many to start with, up to 500 (default: 20)');
}

async function follow(
  { io, output }: Invocation<Options>,
  client: AuditClient,
  first: readonly EventRecord[],
): Promise<undefined> {
  const stop = new AbortController();
  const ignore = io.onStop(() => stop.abort());
  let last = show(output, first, -1);
  try {
    while (!stop.signal.aborted) {
      await pause(stop.signal);
      if (!stop.signal.aborted) last = show(output, await eventsAfter(client, last), last);
    }
  } finally {
    ignore();
  }
  return undefined;
}

/** Oldest first; pages back until what was shown, so that a burst leaves no gap. */
async function eventsAfter(client: AuditClient, last: number): Promise<readonly EventRecord[]> {
  const found: EventRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.events({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.events);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && (found.at(-1)?.index ?? 0) > last + 1);
  return found.toReversed();
}

function show(output: Invocation<Options>['output'], events: readonly EventRecord[], last: number): number {
  let shown = last;
  for (const event of events) {
    if (event.index <= shown) continue;
    shown = event.index;
    output.stream(event, () => output.line(describeEvent(event)));
  }
  return shown;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function describeEvent({ index, event }: EventRecord): string {
  const what = printable(detailOf(event));
  const who = event.principal === null ? '' : ` by ${event.principal.sub}`;
  return `${String(index).padStart(6)} ${event.time} ${event.type}${what}${printable(who)}`;
}

function detailOf(event: EventRecord['event']): string {
  if (event.type === 'decision') {
    const { action, effect, code, request } = event;
    const target = [action.server, action.tool].filter((part) => part !== undefined).join('/');
    return ` ${effect}${code === null ? '' : ` ${code}`} ${action.method} ${target} ${request}`;
  }
  if (event.type === 'outcome') return ` ${event.status} ${event.request}`;
  if (event.type === 'revocation') return ` ${event.lid} by ${event.by}`;
  return '';
}
