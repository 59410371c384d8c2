import type { NewServiceKey, ServiceAccount } from '@talosprotocol/contracts';
import type { RbacClient } from '@talosprotocol/sdk';
import type { Command } from 'commander';
import {
  defineCommand,
  defineGroup,
  type Handler,
  type Invocation,
  type Shell,
} from '../../define-command.js';
import { parseDuration } from '../../grant/duration.js';
import { writeNewFile } from '../../new-file.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { UsageError } from '../../usage-error.js';
import { readAll } from './pages.js';

interface KeyOptions extends PlatformOptions {
  readonly name?: string;
  readonly expires?: string;
  readonly overlap?: string;
  readonly out?: string;
}

/** `talos rbac service-account`: accounts of programs. */
export function addServiceAccountCommands(rbac: Command, shell: Shell): void {
  const account = defineGroup(rbac, 'service-account', 'accounts of programs, and their keys');
  addList(account, shell);
  addCreate(account, shell);
  addRotate(account, shell);
  addSwitch(account, shell, true);
  addSwitch(account, shell, false);
}

function addList(account: Command, shell: Shell): void {
  const text = {
    usage: 'list',
    summary: 'list the service accounts, without their secrets',
    examples: ['talos rbac service-account list'],
  };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { rbac } = await openPlatform(io, options);
    const accounts = await readAll(rbac.listServiceAccounts, (page) => page.service_accounts);
    output.result({ ok: true, service_accounts: accounts }, () => {
      for (const one of accounts) printAccount(output, one);
    });
    return undefined;
  };
  withPlatform(defineCommand(account, shell, text, list), 'kernel');
}

function addCreate(account: Command, shell: Shell): void {
  const text = {
    usage: 'create',
    summary: 'make a service account; its key is written to a file and never shown again',
    examples: ['talos rbac service-account create --name ci --expires 30d --out ci.key'],
  };
  const create: Handler<KeyOptions> = async (call) => {
    const { name } = call.options;
    if (name === undefined) throw new UsageError('what is it called?', 'add --name <text>');
    const asked = { name, ...lifeOf(call.options) };
    return handOver(call, (rbac) => rbac.createServiceAccount(asked));
  };
  withKey(withPlatform(defineCommand(account, shell, text, create), 'kernel')).option(
    '--name <text>',
    'its name for people',
  );
}

function addRotate(account: Command, shell: Shell): void {
  const text = {
    usage: 'rotate <id>',
    summary: 'make another key; the others end after the overlap',
    examples: ['talos rbac service-account rotate svc_0190... --overlap 1h --out ci.key'],
  };
  const rotate: Handler<KeyOptions> = async (call) => {
    const { args, options } = call;
    const overlap = options.overlap === undefined ? {} : { overlap: secondsOf(options.overlap) };
    const asked = { ...lifeOf(options), ...overlap };
    return handOver(call, (rbac) => rbac.rotateKey(args[0] ?? '', asked));
  };
  withKey(withPlatform(defineCommand(account, shell, text, rotate), 'kernel')).option(
    '--overlap <duration>',
    'how long the other keys go on; 0 ends them at once (default: 1h)',
  );
}

function addSwitch(account: Command, shell: Shell, disabled: boolean): void {
  const verb = disabled ? 'disable' : 'enable';
  const text = {
    usage: `${verb} <id>`,
    summary: disabled ? 'let none of its keys count any more' : 'let its keys count again',
    examples: [`talos rbac service-account ${verb} svc_0190...`],
  };
  const change: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const { rbac } = await openPlatform(io, options);
    const { id, version } = await rbac.getServiceAccount(args[0] ?? '');
    const changed = await rbac.setDisabled(id, version, disabled);
    output.result({ ok: true, service_account: changed }, () => printAccount(output, changed));
    return undefined;
  };
  withPlatform(defineCommand(account, shell, text, change), 'kernel');
}

function withKey(command: Command): Command {
  return command
    .option('--expires <duration>', 'life of the key, up to 366d (default: 90d)')
    .option('--out <file>', 'a new file for the key, mode 0600');
}

/** The key is a secret: it goes into a file, not onto a screen. */
function outOf({ out }: KeyOptions): string {
  if (out === undefined) throw new UsageError('where to?', 'add --out <file>');
  return out;
}

const lifeOf = ({ expires }: KeyOptions) =>
  expires === undefined ? {} : { expires_in: parseDuration(expires) };

const secondsOf = (text: string): number => (text === '0' ? 0 : parseDuration(text));

/** Asks for the key once there is a file for it: a key that nobody holds would count until it ends. */
async function handOver(
  { io, output, options }: Invocation<KeyOptions>,
  ask: (rbac: RbacClient) => Promise<NewServiceKey>,
): Promise<undefined> {
  const { path: file, made } = await writeNewFile(io, outOf(options), {
    make: async () => ask((await openPlatform(io, options)).rbac),
    textOf: ({ key }) => `${key}\n`,
  });
  const { service_account: account } = made;
  output.result({ ok: true, service_account: account, file }, () => {
    printAccount(output, account);
    output.line(`  its new key is in ${file}`);
  });
  output.next(`what it may do: talos rbac binding create --role <id> --service ${account.id}`);
  return undefined;
}

function printAccount(output: Output, { id, name, disabled, keys }: ServiceAccount): void {
  output.line(`${output.color.bold(id)}  ${printable(name)}${disabled ? '  disabled' : ''}`);
  for (const key of keys)
    output.line(`  key ${key.id} until ${key.expires}, last used ${key.last_used ?? 'never'}`);
}
