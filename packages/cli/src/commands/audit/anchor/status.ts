import type { AnchorStatus } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../../define-command.js';
import type { Output } from '../../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../../platform.js';
import { printable } from '../../../printable.js';
import { withProgress } from '../../../progress.js';

/** `talos audit anchor status`: how far behind each place is, and why. */
export function addAnchorStatus(anchor: Command, shell: Shell): void {
  const text = {
    usage: 'status',
    summary: 'say how far the log is anchored at each place, and what stands in the way',
    examples: ['talos audit anchor status'],
    notes: [
      'Asks the platform on the data folder. Nothing that is recorded waits for an anchor. A FORK says that somebody else anchors',
      'with the key of this platform, or that this log is not the one that was anchored.',
    ],
  };
  const status: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { audit: client } = await openPlatform(io, options);
    const { anchors } = await withProgress(io, output, 'Asking the platform', client.anchors());
    output.result({ ok: true, anchors }, () => {
      for (const one of anchors) describe(output, one);
      if (anchors.length === 0) output.line('The log is anchored nowhere.');
    });
    output.next(
      anchors.length === 0
        ? 'talos audit anchor deploy --rpc <url> --chain-id <id>; or name calendars under audit.anchors in talos.yaml'
        : 'talos audit anchor export --out anchor.json',
    );
    return undefined;
  };
  withPlatform(defineCommand(anchor, shell, text, status), 'audit');
}

function describe(output: Output, { place, lag, proven, open, fault, alarms }: AnchorStatus): void {
  output.line(printable(place));
  const newest =
    proven === null
      ? 'nothing yet'
      : `size ${proven.size}${proven.block === null ? '' : `, block ${proven.block}`}`;
  output.line(`  proven   ${newest}; ${open} under way`);
  output.line(`  behind   ${lag.entries} events, ${lag.seconds} s`);
  if (fault !== null) {
    output.line(
      output.color.red(`  fault    ${printable(fault.reason)} (${fault.code}, since ${fault.since})`),
    );
    if (fault.hint !== undefined) output.line(`  mend     ${printable(fault.hint)}`);
  }
  for (const { code, reason, since } of alarms)
    output.line(output.color.red(`  ${code.padEnd(8)} ${printable(reason)} (${since})`));
}
