import { MAX_BUNDLE_BYTES } from '@talosprotocol/contracts';
import {
  type Checkpoint,
  type CryptoProvider,
  checkpointOf,
  parseCheckpoint,
  parseNote,
} from '@talosprotocol/protocol';
import type { BundleQuery } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import { parseNamed, readBoundedFile } from '../../bounded-file.js';
import { readCapability } from '../../chain-source.js';
import { collect } from '../../collect.js';
import { parseCount } from '../../grant/duration.js';
import type { Io } from '../../io.js';
import type { PlatformOptions } from '../../platform.js';
import { AGENT, agentOf } from './agent.js';
import { parseChoice } from './choice.js';
import { parseMoment } from './moment.js';

/** What of the log is exported. */
export interface SelectionOptions extends PlatformOptions {
  readonly agent?: readonly string[];
  readonly capability?: readonly string[];
  readonly tool?: readonly string[];
  readonly effect?: string;
  readonly since?: string;
  readonly until?: string;
  readonly redact?: string;
  readonly earlier?: readonly string[];
  readonly from?: string;
  readonly to?: string;
}

/** Adds the options by which a person says what to export. */
export function withSelection(command: Command): Command {
  return command
    .option('--agent <did>', `only of this agent, ${AGENT} (repeatable)`, collect)
    .option(
      '--capability <hash>',
      'only under this chain (cth), link (lid) or capability in a file (repeatable)',
      collect,
    )
    .option(
      '--tool <server/tool>',
      'only calls of this tool, or of all tools of a server (repeatable)',
      collect,
    )
    .option('--effect <effect>', 'only calls that were allowed or refused: allow or deny')
    .option(
      '--since <time>',
      'only from this time on: 2026-11-28, 2026-11-28T12:00:00Z, or 7d for seven days ago',
    )
    .option('--until <time>', 'only before this time')
    .option(
      '--redact <level>',
      'full, commitments (no private values) or hashes (and nothing nobody asked for)',
    )
    .option(
      '--earlier <file>',
      'also prove that what you kept is the beginning: a bundle, receipt or checkpoint (repeatable)',
      collect,
    )
    .option('--from <index>', 'the first event (default: 0)')
    .option('--to <index>', 'the event after the last (default: all)');
}

const HASH = /^[A-Za-z0-9_-]{43}$/;

/** What is asked of the platform.
 *  @throws {UsageError} | {TrustError} a file that cannot be read, or holds no capability */
export async function selectionOf(
  io: Io,
  options: SelectionOptions,
  earlier: readonly Kept[],
  crypto: CryptoProvider,
): Promise<BundleQuery> {
  const { agent = [], capability = [], tool = [], effect, since, until, redact } = options;
  return {
    ...listed('agent', await Promise.all(agent.map((name) => agentOf(io, options, name, crypto)))),
    ...listed('capability', await Promise.all(capability.map((name) => hashOf(io, name, crypto)))),
    ...listed('tool', tool),
    ...(effect === undefined ? {} : { effect: parseChoice(effect, ['allow', 'deny'] as const, '--effect') }),
    ...(since === undefined ? {} : { since: parseMoment(since, io.now(), '--since') }),
    ...(until === undefined ? {} : { until: parseMoment(until, io.now(), '--until') }),
    ...(redact === undefined
      ? {}
      : { redact: parseChoice(redact, ['full', 'commitments', 'hashes'] as const, '--redact') }),
    ...(options.from === undefined ? {} : { from: parseCount(options.from, 0, '--from') }),
    ...(options.to === undefined ? {} : { to: parseCount(options.to, 1, '--to') }),
    ...listed(
      'earlier',
      earlier.map(({ size }) => size),
    ),
  };
}

function listed<N extends string, V>(name: N, values: readonly V[]): Partial<Record<N, readonly V[]>> {
  return (values.length === 0 ? {} : { [name]: values }) as Partial<Record<N, readonly V[]>>;
}

async function hashOf(io: Io, name: string, crypto: CryptoProvider): Promise<string> {
  return HASH.test(name) ? name : (await readCapability(io, name, crypto)).chain.cth;
}

/** A history that somebody kept, and how many events it had. Nobody vouches for it. */
export interface Kept extends Pick<Checkpoint, 'origin' | 'size'> {
  readonly name: string;
}

/** What `--earlier` names. @throws {TrustError} a file that cannot be read, or holds no checkpoint */
export function keptOf(io: Io, { earlier = [] }: SelectionOptions): Promise<readonly Kept[]> {
  return Promise.all(
    earlier.map(async (name) => {
      const bytes = await readBoundedFile(io, name, MAX_BUNDLE_BYTES);
      const { origin, size } = parseNamed(name, () => parseCheckpoint(parseNote(checkpointOf(bytes)).text));
      return { name, origin, size };
    }),
  );
}
