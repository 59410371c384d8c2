import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import { withPlace } from '../place.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';
import { type ServerEnvOptions, serverEnv } from '../server-env.js';
import { runServerCommand } from '../server-process.js';

/** `talos init`: the data folder, its keys and a first talos.yaml. */
export function addInit(program: Command, shell: Shell): void {
  const text = {
    usage: 'init',
    summary: 'make the data folder, its keys and a first talos.yaml; what is there stays as it is',
    examples: ['talos init', 'talos init --data ./talos-data'],
    notes: ['No network. Keys are mode 0600, encrypted if TALOS_KEY_PASSPHRASE is set, and never printed.'],
  };
  const init: Handler<ServerEnvOptions> = async ({ io, output, options }) => {
    const work = runServerCommand('init', serverEnv(io, options));
    const made = (await withProgress(io, output, 'Making keys', work)) as Record<string, unknown>;
    output.result({ ok: true, ...made }, () => {
      for (const [name, value] of Object.entries(made)) {
        const shown = typeof value === 'string' ? value : JSON.stringify(value);
        output.line(`${name.replaceAll('_', ' ').padEnd(18)} ${printable(shown)}`);
      }
    });
    output.next('talos up; and keep a copy of the keys: talos id backup --all --out keys.backup.json');
    return undefined;
  };
  withPlace(defineCommand(program, shell, text, init)).option(
    '--config <file>',
    'where to write talos.yaml (default: TALOS_CONFIG, or into the data folder)',
  );
}
