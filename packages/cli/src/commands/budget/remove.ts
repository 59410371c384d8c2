import { TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { changePolicy } from '../../policy-change.js';

/** `talos budget remove`: a budget that is not wanted any more. */
export function addRemove(budget: Command, shell: Shell): void {
  const text = {
    usage: 'remove <name>',
    summary: 'take a budget away, from talos.yaml and from what is in force',
    examples: ['talos budget remove each-key'],
    notes: [
      'What was counted is kept: if a budget of that name comes back within its period, what was spent counts in it. To keep one',
      'and have it refuse nothing: talos budget set <name> --mode warn.',
    ],
  };
  const remove: Handler<PlatformOptions> = async (call) => {
    const { io, output, args, options } = call;
    const [name = ''] = args;
    const platform = await openPlatform(io, options);
    const config = await changePolicy(call, platform, (yaml) => {
      if (!yaml.removeBudget(name))
        throw new TrustError('NOT_FOUND', `the policy has no budget ${name}`, {
          hint: 'talos budget status lists them',
        });
    });
    output.result({ ok: true, removed: name, config }, () =>
      output.line(output.color.green(`Not in force any more: ${name}.`)),
    );
    output.next('what is: talos budget status');
    return undefined;
  };
  withPlatform(defineCommand(budget, shell, text, remove), 'gateway');
}
