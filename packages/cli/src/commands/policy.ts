import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../platform.js';
import { withProgress } from '../progress.js';

/** `talos policy`: what talos.yaml says, as it is in force. */
export function addPolicyCommands(program: Command, shell: Shell): void {
  const policy = defineGroup(program, 'policy', 'the policy of talos.yaml that is in force');
  const text = {
    usage: 'reload',
    summary: 'put a change of talos.yaml in force, without a restart',
    examples: ['talos policy reload', 'talos policy reload --gateway https://gateway-2.example.com'],
    notes: [
      'Asks the gateway. A file with a fault is refused, and what was in force stays. Of several nodes each reads its own file, and',
      'this is for the one that answers: name each with --gateway, or send SIGHUP to each process.',
    ],
  };
  const reload: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { gateway } = await openPlatform(io, options);
    const { policy: hash } = await withProgress(io, output, 'Reading talos.yaml', gateway.reloadPolicy());
    output.result({ ok: true, policy: hash }, () => output.line(`In force: ${hash}`));
    output.next('who did it, and when: talos audit tail');
    return undefined;
  };
  withPlatform(defineCommand(policy, shell, text, reload), 'gateway');
}
