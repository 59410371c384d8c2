import type { AnchorKind } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { writePrivateFile } from '../../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../../define-command.js';
import { parseCount } from '../../../grant/duration.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../../platform.js';
import { withProgress } from '../../../progress.js';
import { UsageError } from '../../../usage-error.js';

interface Options extends PlatformOptions {
  readonly out?: string;
  readonly size?: string;
  readonly kind?: string;
}

/** `talos audit anchor export`: an anchor that can be verified without the platform. */
export function addAnchorExport(anchor: Command, shell: Shell): void {
  const text = {
    usage: 'export',
    summary: 'write an anchor with its proof, which anybody can verify offline',
    examples: [
      'talos audit anchor export --out anchor.json',
      'talos audit anchor export --out anchor.json --size 1000 --kind evm',
    ],
    notes: [
      'Asks the platform on the data folder. Bundles carry the anchors of what is in them by themselves.',
    ],
  };
  const exportAnchor: Handler<Options> = async ({ io, output, options }) => {
    const { out } = options;
    if (out === undefined) throw new UsageError('where to?', 'add --out <file>');
    const { audit: client } = await openPlatform(io, options);
    const evidence = await withProgress(io, output, 'Exporting', client.anchorEvidence(queryOf(options)));
    const file = await writePrivateFile(io, out, `${JSON.stringify(evidence)}\n`);
    const { kind, size } = evidence.anchor;
    output.result({ ok: true, file, kind, size }, () =>
      output.line(`Anchor of the first ${size} events (${kind}) in ${file}`),
    );
    output.next(`talos audit anchor verify ${out} --trust trust.json`);
    return undefined;
  };
  withPlatform(defineCommand(anchor, shell, text, exportAnchor), 'audit')
    .option('--out <file>', 'the file to write')
    .option('--size <number>', 'the first anchor that covers so many events (default: the newest)')
    .option('--kind <kind>', 'evm or opentimestamps (default: any)');
}

function queryOf({ size, kind }: Options): { readonly size?: number; readonly kind?: AnchorKind } {
  if (kind !== undefined && kind !== 'evm' && kind !== 'opentimestamps')
    throw new UsageError('--kind takes evm or opentimestamps');
  return {
    ...(size === undefined ? {} : { size: parseCount(size, 1, '--size') }),
    ...(kind === undefined ? {} : { kind }),
  };
}
