import type { Role } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import type { Output } from '../../output.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { UsageError } from '../../usage-error.js';
import { readAll } from './pages.js';

interface RoleOptions extends PlatformOptions {
  readonly name?: string;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** `talos rbac role`: sets of permissions. */
export function addRoleCommands(rbac: Command, shell: Shell): void {
  const role = defineGroup(rbac, 'role', 'roles: sets of permissions that are allowed or denied');
  addList(role, shell);
  addCreate(role, shell);
  addChange(role, shell);
  addRemove(role, shell);
}

function addList(role: Command, shell: Shell): void {
  const text = { usage: 'list', summary: 'list the roles', examples: ['talos rbac role list'] };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { rbac } = await openPlatform(io, options);
    const roles = await readAll(rbac.listRoles, (page) => page.roles);
    output.result({ ok: true, roles }, () => {
      for (const one of roles) printRole(output, one);
    });
    return undefined;
  };
  withPlatform(defineCommand(role, shell, text, list), 'kernel');
}

function addCreate(role: Command, shell: Shell): void {
  const text = {
    usage: 'create',
    summary: 'make a role; you must hold everything in it',
    examples: ["talos rbac role create --name 'Reads the log' --allow audit:read node:read"],
  };
  const create: Handler<RoleOptions> = async ({ io, output, options }) => {
    const { rbac } = await openPlatform(io, options);
    const made = await rbac.createRole(rulesOf(options, options.name));
    output.result({ ok: true, role: made }, () => printRole(output, made));
    output.next(`give it to somebody: talos rbac binding create --role ${made.id} --service <id>`);
    return undefined;
  };
  withRules(withPlatform(defineCommand(role, shell, text, create), 'kernel'));
}

function addChange(role: Command, shell: Shell): void {
  const text = {
    usage: 'change <id>',
    summary: 'change what a role allows and denies, everywhere it is bound; --allow and --deny say all of it',
    examples: ['talos rbac role change role_0190... --allow audit:read --deny audit:export'],
  };
  const change: Handler<RoleOptions> = async ({ io, output, args, options }) => {
    const { rbac } = await openPlatform(io, options);
    const known = await findRole(rbac.listRoles, args[0] ?? '');
    const changed = await rbac.changeRole(
      known.id,
      known.version,
      rulesOf(options, options.name ?? known.name),
    );
    output.result({ ok: true, role: changed }, () => printRole(output, changed));
    return undefined;
  };
  withRules(withPlatform(defineCommand(role, shell, text, change), 'kernel'));
}

function addRemove(role: Command, shell: Shell): void {
  const text = {
    usage: 'remove <id>',
    summary: 'remove a role that nobody has',
    examples: ['talos rbac role remove role_0190...'],
  };
  const remove: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const { rbac } = await openPlatform(io, options);
    const { id, version } = await findRole(rbac.listRoles, args[0] ?? '');
    await rbac.removeRole(id, version);
    output.result({ ok: true, removed: id }, () => output.line(`removed ${id}`));
    return undefined;
  };
  withPlatform(defineCommand(role, shell, text, remove), 'kernel');
}

function withRules(command: Command): Command {
  return command
    .option('--name <text>', 'its name for people')
    .option('--allow <permission...>', 'namespace:action, namespace:* or *:*')
    .option('--deny <permission...>', 'the same; a deny wins over every allow');
}

function rulesOf({ allow = [], deny = [] }: RoleOptions, name: string | undefined) {
  if (name === undefined) throw new UsageError('what is it called?', 'add --name <text>');
  if (allow.length + deny.length === 0) throw new UsageError('it says nothing', 'add --allow or --deny');
  return { name, allow: [...allow], deny: [...deny] };
}

async function findRole(
  list: Parameters<typeof readAll<{ roles: Role[]; next: string | null }, Role>>[0],
  id: string,
): Promise<Role> {
  const found = (await readAll(list, (page) => page.roles)).find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new UsageError(`there is no role ${id}`, 'talos rbac role list shows them');
}

function printRole(output: Output, { id, name, allow, deny }: Role): void {
  output.line(`${output.color.bold(id)}  ${printable(name)}`);
  if (allow.length > 0) output.line(`  allows ${allow.join(' ')}`);
  if (deny.length > 0) output.line(`  denies ${deny.join(' ')}`);
}
