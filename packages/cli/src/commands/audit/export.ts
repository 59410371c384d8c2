import { createFastestCrypto } from '@talosprotocol/protocol/node';
import type { Command } from 'commander';
import { writePrivateFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, withPlatform } from '../../platform.js';
import { withProgress } from '../../progress.js';
import { UsageError } from '../../usage-error.js';
import { type SelectionOptions, selectionOf, withSelection } from './selection-options.js';

interface Options extends SelectionOptions {
  readonly out?: string;
  readonly trustOut?: string;
}

/** `talos audit export`: a bundle that can be verified without the platform. */
export function addExport(audit: Command, shell: Shell): void {
  const text = {
    usage: 'export',
    summary: 'write a bundle of events that anybody can verify offline',
    examples: [
      'talos audit export --out bundle.json --trust-out trust.json',
      'talos audit export --out week.json --agent researcher --since 7d',
      'talos audit export --out writes.json --tool files/write_file --effect allow --redact commitments',
    ],
    notes: [
      'Asks the platform on the data folder. Of an agent, or who holds a capability, the bundle proves that nothing is missing; of a',
      'tool alone it proves the calls it shows. --from and --to are indexes of the log; --to is not included. The trust file says',
      'which keys this platform uses: an auditor gets it once, by another way than the bundle, and keeps it.',
    ],
  };
  const exportBundle: Handler<Options> = async ({ io, output, options }) => {
    if (options.out === undefined) throw new UsageError('where to?', 'add --out <file>');
    const query = await selectionOf(io, options, await createFastestCrypto());
    const { audit: client } = await openPlatform(io, options);
    const bytes = await withProgress(io, output, 'Exporting', client.bundle(query));
    const bundle = await writePrivateFile(io, options.out, bytes);
    const trust =
      options.trustOut === undefined
        ? undefined
        : await writePrivateFile(io, options.trustOut, `${JSON.stringify(await client.trust(), null, 2)}\n`);
    output.result(
      { ok: true, bundle, bytes: bytes.length, ...(trust === undefined ? {} : { trust }) },
      () => {
        output.line(`Bundle of ${bytes.length} bytes in ${bundle}`);
        if (trust !== undefined) output.line(`Trust file in ${trust}`);
      },
    );
    output.next(`talos audit verify ${options.out} --trust ${options.trustOut ?? 'trust.json'}`);
    return undefined;
  };
  withSelection(withPlatform(defineCommand(audit, shell, text, exportBundle), 'audit'))
    .option('--out <file>', 'the bundle to write')
    .option('--trust-out <file>', 'also write what this platform says an auditor could trust');
}
