import type { Command } from 'commander';
import { defineCommand, type Handler, type Invocation, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { parseMoment } from './moment.js';

interface Options extends PlatformOptions {
  readonly before?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `talos audit prune`: removes the bodies of old events. */
export function addPrune(audit: Command, shell: Shell): void {
  const text = {
    usage: 'prune',
    summary: 'remove the bodies of old events for good; what was proven of them stays proven',
    examples: ['talos audit prune --before 400d --dry-run', 'talos audit prune --before 2026-01-01 --yes'],
    notes: [
      'Asks the platform on the data folder; needs audit:prune, which of the built-in roles only platform-admin has. Whole bundles of 256',
      'events go, none that is younger than audit.retention.events of talos.yaml, or than a day. Hashes stay for ever: what was exported',
      'before verifies, and so does all that comes. That it was done is logged first. For what may be asked for later: talos audit export,',
      'or talos audit log export for all of it, before. --before is a day, a time, or how long ago: 2026-01-01, 2026-01-01T08:00:00Z, 400d.',
    ],
  };
  const prune: Handler<Options> = async (call) => {
    const { io, output, options } = call;
    if (options.before === undefined)
      throw new UsageError('of before when?', 'say it with --before, such as --before 400d');
    const before = parseMoment(options.before, io.now(), '--before');
    const isDry = options.dryRun === true;
    if (!isDry) await confirm(call, before);
    const { audit: client } = await openPlatform(io, options);
    const work = client.prune({ before, ...(isDry ? { dry_run: true } : {}) });
    const { from, to, kept, event } = await withProgress(io, output, 'Pruning', work);
    output.result({ ok: true, before, dry_run: isDry, from, to, kept, event }, () => {
      if (from === to)
        output.line(`There is nothing to prune: no whole bundle from index ${from} on is that old.`);
      else if (isDry) output.line(`Bodies of events ${from} to ${to - 1} would go.`);
      else output.line(`Bodies of events ${from} to ${to - 1} are gone. On record as ${event}`);
      if (kept > 0) output.line(`  kept       ${kept} that later events refer to`);
    });
    if (isDry && from < to) output.next('talos audit log export log.tar, then the same without --dry-run');
    else if (event !== null) output.next('talos audit fsck');
    return undefined;
  };
  withPlatform(defineCommand(audit, shell, text, prune), 'audit')
    .option('--before <time>', 'bodies of events of before then')
    .option('--dry-run', 'only say what would go')
    .option('--yes', 'without being asked');
}

/** Nothing brings it back. @throws {UsageError} */
async function confirm({ io, output, options }: Invocation<Options>, before: string): Promise<void> {
  if (options.yes === true) return;
  if (io.ask === undefined || output.json)
    throw new UsageError('what is pruned does not come back', 'add --yes if that is meant');
  if (await io.ask.confirm(`Remove the bodies of events of before ${before}, for good?`)) return;
  throw new UsageError('nothing was pruned', 'answer with yes, or add --yes');
}
