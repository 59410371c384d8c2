import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../platform.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';

/** `talos nodes`: the processes of the platform. */
export function addNodes(program: Command, shell: Shell): void {
  const text = {
    usage: 'nodes',
    summary: 'list the processes of the platform, and which of them live',
    examples: ['talos nodes', 'talos nodes --json'],
    notes: ['Asks the platform. A number that is not in use keeps the last process that ran under it.'],
  };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { kernel } = await openPlatform(io, options);
    const { self, nodes } = await withProgress(io, output, 'Asking the platform', kernel.nodes());
    output.result({ ok: true, self, nodes }, () => {
      for (const { node, services, version, live, seen, url } of nodes) {
        const state = live ? output.color.green('lives') : output.color.red(`gone for ${seen} s`);
        const where = url === null ? '' : `  ${printable(url)}`;
        const what = `${services.join(',').padEnd(20)} ${printable(version)}`;
        output.line(`${String(node).padStart(4)}${node === self ? '*' : ' '} ${what}  ${state}${where}`);
      }
    });
    output.next('* answered. Change talos.yaml for one of them: talos policy reload --gateway <url>');
    return undefined;
  };
  withPlatform(defineCommand(program, shell, text, list), 'kernel');
}
