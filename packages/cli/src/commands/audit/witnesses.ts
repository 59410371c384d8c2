import type { WitnessesStatus } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { withProgress } from '../../progress.js';

/** `talos audit witnesses`: who watches the log, and how it is with them. */
export function addWitnesses(audit: Command, shell: Shell): void {
  const text = {
    usage: 'witnesses',
    summary: 'say which witnesses watch the log, what they have seen, and what is wrong with them',
    examples: ['talos audit witnesses'],
    notes: [
      'Asks the platform on the data folder. Exit code 0 as many as must cosign, or there are none; 4 too few do. Whether they',
      'did is proven by their signatures: talos audit verify.',
    ],
  };
  const witnesses: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { audit: client } = await openPlatform(io, options);
    const status = await withProgress(io, output, 'Asking the platform', client.witnesses());
    const isEnough = enough(status);
    output.result({ ok: isEnough, ...status }, () => print(output, status));
    output.next(nextOf(status, isEnough));
    return isEnough ? EXIT.ok : EXIT.unavailable;
  };
  withPlatform(defineCommand(audit, shell, text, witnesses), 'audit');
}

function enough({ quorum, witnesses }: WitnessesStatus): boolean {
  const well = witnesses.filter(({ fault, cosigned }) => fault === null && cosigned !== null);
  return witnesses.length === 0 || well.length >= Math.max(quorum, 1);
}

function print({ line, color }: Output, { quorum, checkpoint, witnesses }: WitnessesStatus): void {
  if (witnesses.length === 0) {
    line('No witnesses watch this log.');
    return;
  }
  line(`${quorum} of ${witnesses.length} witnesses must have seen a checkpoint.`);
  line(
    checkpoint === null
      ? color.yellow('None has been seen by that many yet.')
      : `The newest that was has ${checkpoint.size} events: ${checkpoint.witnesses.map((name) => printable(name)).join(', ')}`,
  );
  for (const { name, url, size, cosigned, fault } of witnesses) {
    const mark = fault === null ? color.green('ok   ') : color.red('fails');
    const seen =
      cosigned === null
        ? 'has cosigned nothing since the platform started'
        : `cosigned ${size} events at ${cosigned}`;
    line(`${mark} ${printable(name)}  ${seen}`);
    line(`      ${printable(url)}`);
    if (fault !== null)
      line(`      ${fault.code} since ${fault.since}, tried ${fault.times}x: ${printable(fault.detail)}`);
  }
}

function nextOf({ witnesses }: WitnessesStatus, isEnough: boolean): string {
  if (witnesses.length === 0)
    return 'start one on another machine: talos witness --follow <the key of this log>; docs/guides/witnesses.md';
  return isEnough
    ? 'talos audit export --out bundle.json --trust-out trust.json'
    : 'mend what fails, or name other witnesses under audit.witnesses in talos.yaml';
}
