import { createChecker, ErasureRequest, EventId } from '@talosprotocol/contracts';
import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { AuditClient } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import type { Io } from '../../io.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { AGENT, agentOf } from './agent.js';

interface Options extends PlatformOptions {
  readonly event?: string;
  readonly agent?: string;
  readonly service?: string;
  readonly person?: string;
  readonly issuer?: string;
  readonly from?: string;
  readonly to?: string;
  readonly yes?: boolean;
}

/** `talos audit erase`: forgets what opens the private members of events. */
export function addErase(audit: Command, shell: Shell): void {
  const text = {
    usage: 'erase',
    summary: 'forget for good what events hide: of one event, an agent, or somebody who administered',
    examples: [
      'talos audit erase --event evt_01890a5d-ac96-774b-bcce-b302099a8057',
      'talos audit erase --agent did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK --to 2026-11-01',
      'talos audit erase --person 1234 --issuer https://id.example.com --yes',
    ],
    notes: [
      'Asks the platform on the data folder; needs audit:erase, which of the built-in roles only platform-admin has. Events, proofs and',
      'receipts stay and verify; what was hidden in them (items, hashes, reasons, names, who administered) opens no more, in exports from',
      'now on. That it was done is logged. Bundles, receipts and backups that were made before keep what they hold.',
      '--from and --to are times in UTC: 2026-11-01, or 2026-11-01T08:00:00.000Z; --to is not included.',
    ],
  };
  const erase: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    const wanted = await read(io, options);
    await confirm(call, wanted.what);
    const { audit: client } = await openPlatform(io, options);
    const { erased, event } = await withProgress(io, output, 'Erasing', wanted.run(client));
    output.result({ ok: true, erased, event }, () =>
      output.line(
        event === null
          ? 'There was nothing to erase.'
          : `${erased} events open no more. On record as ${event}`,
      ),
    );
    if (event !== null) output.next('the rows are cleared away now; backups are yours: docs/erasure.md');
    return undefined;
  };
  withPlatform(defineCommand(audit, shell, text, erase), 'audit')
    .option('--event <id>', 'of this event alone')
    .option('--agent <did>', `of all events of an agent, ${AGENT}`)
    .option('--service <id>', 'where a service account administered')
    .option('--person <sub>', 'where a person administered, by the subject its OpenID provider knows it by')
    .option('--issuer <url>', 'the provider of --person')
    .option('--from <time>', 'only of events from then on')
    .option('--to <time>', 'only of events before')
    .option('--yes', 'without being asked');
}

interface Wanted {
  readonly what: string;
  run(client: AuditClient): ReturnType<AuditClient['erase']>;
}

const KINDS = ['event', 'agent', 'service', 'person'] as const;
const isEvent = createChecker(EventId);
const isRequest = createChecker(ErasureRequest);

/** @throws {UsageError} | {TrustError} NOT_FOUND: an identity of yours that there is none of */
async function read(io: Io, options: Options): Promise<Wanted> {
  const [kind, ...more] = KINDS.filter((name) => options[name] !== undefined);
  if (kind === undefined || more.length > 0)
    throw new UsageError('of what?', 'name one of --event, --agent, --service and --person');
  const name = options[kind] ?? '';
  if (kind === 'event') {
    const isBounded = options.from !== undefined || options.to !== undefined;
    if (isEvent(name) !== undefined || isBounded)
      throw new UsageError(
        `not an event: ${name}`,
        'its id begins with evt_; --from and --to are for the others',
      );
    return { what: `of ${name}`, run: (client) => client.eraseEvent(name) };
  }
  const bounds = boundsOf(options);
  const id = kind === 'agent' ? await agentOf(io, options, name, await createFastestCrypto()) : name;
  const request = { ...subjectOf(kind, id, options), ...bounds };
  const fault = isRequest(request);
  if (fault !== undefined) throw new UsageError(`not to be erased by: ${kind} ${id}`, HINTS[kind]);
  return {
    what: `of all events of ${kind} ${id}`,
    run: (client) => client.erase(request as ErasureRequest),
  };
}

const HINTS = {
  agent: `--agent takes ${AGENT}`,
  service: 'its id begins with svc_',
  person: '--person needs --issuer <url> as well',
} as const;

function subjectOf(kind: 'agent' | 'service' | 'person', name: string, { issuer }: Options): object {
  if (kind === 'agent') return { agent: name };
  return { administrator: { kind, id: name, ...(kind === 'person' ? { issuer: issuer ?? '' } : {}) } };
}

/** @throws {UsageError} */
function boundsOf(options: Options): { readonly from?: string; readonly to?: string } {
  const [from, to] = [timeOf('from', options), timeOf('to', options)];
  if (from !== undefined && to !== undefined && from >= to)
    throw new UsageError('--from is not before --to', 'no time lies between them');
  return { ...(from && { from }), ...(to && { to }) };
}

/** @throws {UsageError} */
function timeOf(option: 'from' | 'to', options: Options): string | undefined {
  const text = options[option];
  if (text === undefined) return undefined;
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00.000Z` : text;
  if (new Date(whole).toJSON() === whole) return whole;
  throw new UsageError(`--${option} is no time: ${text}`, '2026-11-01, or 2026-11-01T08:00:00.000Z');
}

/** Nothing brings it back. @throws {UsageError} */
async function confirm({ io, output, options }: Invocation<Options>, what: string): Promise<void> {
  if (options.yes === true) return;
  if (io.ask === undefined || output.json)
    throw new UsageError('what is erased does not come back', 'add --yes if that is meant');
  if (await io.ask.confirm(`Forget what is hidden ${printable(what)}, for good?`)) return;
  throw new UsageError('nothing was erased', 'answer with yes, or add --yes');
}
