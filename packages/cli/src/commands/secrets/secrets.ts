import type { SecretRecord } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { readSecretValue } from '../../secret-value.js';

interface SetOptions extends PlatformOptions {
  readonly file?: string;
}

/** `talos secrets`: what the platform needs to know and nobody else, such as keys to model providers. */
export function addSecretsCommands(program: Command, shell: Shell): void {
  const secrets = defineGroup(
    program,
    'secrets',
    'secrets the platform uses, such as keys to model providers',
  );
  addSet(secrets, shell);
  addList(secrets, shell);
  addRemove(secrets, shell);
}

function addSet(secrets: Command, shell: Shell): void {
  const text = {
    usage: 'set <name>',
    summary: 'keep a secret, encrypted; it is asked for and not shown, and no command gives it back',
    examples: ['talos secrets set openai-key', 'talos secrets set openai-key --file - < openai.key'],
  };
  const set: Handler<SetOptions> = async ({ io, output, args, options }) => {
    const name = args[0] ?? '';
    const { secrets: client } = await openPlatform(io, options);
    const secret = await client.set(
      name,
      await readSecretValue(io, `Value of ${name}`, { file: options.file, option: '--file' }),
    );
    output.result({ ok: true, secret }, () => output.line(describe(secret)));
    return undefined;
  };
  withPlatform(defineCommand(secrets, shell, text, set), 'kernel').option(
    '--file <file>',
    'read it from a file instead of asking, - for standard input; a line feed at its end does not count',
  );
}

function addList(secrets: Command, shell: Shell): void {
  const text = {
    usage: 'list',
    summary: 'list the secrets, without their values',
    examples: ['talos secrets list'],
  };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { secrets: client } = await openPlatform(io, options);
    const { secrets: all } = await client.list();
    output.result({ ok: true, secrets: all }, () => {
      for (const secret of all) output.line(describe(secret));
      if (all.length === 0) output.line('no secrets');
    });
    if (all.length === 0) output.next('keep one: talos secrets set <name>');
    return undefined;
  };
  withPlatform(defineCommand(secrets, shell, text, list), 'kernel');
}

function addRemove(secrets: Command, shell: Shell): void {
  const text = {
    usage: 'remove <name>',
    summary: 'forget a secret; what uses it is refused from then on',
    examples: ['talos secrets remove openai-key'],
  };
  const remove: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const name = args[0] ?? '';
    const { secrets: client } = await openPlatform(io, options);
    await client.remove(name);
    output.result({ ok: true, removed: name }, () => output.line(`${name} is removed`));
    return undefined;
  };
  withPlatform(defineCommand(secrets, shell, text, remove), 'kernel');
}

function describe({ name, version, changed }: SecretRecord): string {
  return `${name}  version ${version}, set ${changed}`;
}
