import { TrustError } from '@talosprotocol/protocol';
import { readPage } from '@talosprotocol/verifier';
import type { Command } from 'commander';
import { writePrivateFile } from '../../bounded-file.js';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { UsageError } from '../../usage-error.js';

interface Options {
  readonly out?: string;
}

/** `talos audit page`: the verifier as one file for a browser. */
export function addPage(audit: Command, shell: Shell): void {
  const text = {
    usage: 'page',
    summary: 'write the page on which anybody verifies evidence, one file that needs no network',
    examples: ['talos audit page --out verify.html'],
    notes: [
      'No network and no platform. Open the file in a browser, also from a disk, and drag a bundle or receipt and a trust file in. It says',
      'the same as talos audit verify, with the same code. An auditor gets it from somebody the auditor trusts.',
    ],
  };
  const write: Handler<Options> = async ({ io, output, options }) => {
    if (options.out === undefined) throw new UsageError('where to?', 'add --out <file>');
    const { html } = await readPage().catch((cause: unknown) => {
      throw new TrustError(
        'NOT_FOUND',
        'the page was not built',
        { hint: 'npm run build, in the checkout' },
        cause,
      );
    });
    const page = await writePrivateFile(io, options.out, html);
    output.result({ ok: true, page, bytes: html.length }, () => output.line(`The page is in ${page}`));
    output.next(`open ${options.out} in a browser`);
    return undefined;
  };
  defineCommand(audit, shell, text, write).option('--out <file>', 'the file to write');
}
