import type { Binding } from '@talosprotocol/contracts';
import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { UsageError } from '../../usage-error.js';
import { readAll } from './pages.js';
import {
  describeScope,
  describeSubject,
  readScope,
  readSubject,
  type ScopeOptions,
  type SubjectOptions,
  withScope,
  withSubject,
} from './place-options.js';
import { isRoutedPlace } from './routed-place.js';

interface CreateOptions extends PlatformOptions, SubjectOptions, ScopeOptions {
  readonly role?: string;
}

/** `talos rbac binding`: who has which role, where. */
export function addBindingCommands(rbac: Command, shell: Shell): void {
  const binding = defineGroup(rbac, 'binding', 'bindings: who has which role, and where');
  addList(binding, shell);
  addCreate(binding, shell);
  addRemove(binding, shell);
}

function addList(binding: Command, shell: Shell): void {
  const text = { usage: 'list', summary: 'list the bindings', examples: ['talos rbac binding list'] };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { rbac } = await openPlatform(io, options);
    const bindings = await readAll(rbac.listBindings, (page) => page.bindings);
    output.result({ ok: true, bindings }, () => {
      for (const one of bindings) output.line(describeBinding(one));
    });
    return undefined;
  };
  withPlatform(defineCommand(binding, shell, text, list), 'kernel');
}

function addCreate(binding: Command, shell: Shell): void {
  const text = {
    usage: 'create',
    summary: 'give a role to somebody; you must hold everything in it there',
    examples: [
      'talos rbac binding create --role auditor --person 1234 --issuer https://id.example.com',
      'talos rbac binding create --role operator --service svc_0190... --scope team:team_id=payments',
    ],
  };
  const create: Handler<CreateOptions> = async ({ io, output, options }) => {
    const subject = readSubject(options);
    if (subject === undefined)
      throw new UsageError('for whom?', 'add --service, --person, --email or --group');
    if (options.role === undefined) throw new UsageError('which role?', 'add --role <id>');
    const { rbac } = await openPlatform(io, options);
    const made = await rbac.createBinding({ role: options.role, subject, scope: readScope(options) });
    const isRouted = isRoutedPlace(made.scope);
    output.result({ ok: true, binding: made, routed: isRouted }, () => output.line(describeBinding(made)));
    if (!isRouted)
      output.aside(
        'No route of this version acts in such a place: it gives nothing there, and denies nothing, but for bindings. docs/permissions.md lists the places.',
      );
    return undefined;
  };
  withScope(withSubject(withPlatform(defineCommand(binding, shell, text, create), 'kernel'))).option(
    '--role <id>',
    'platform-admin, security-admin, operator, auditor, viewer, or a role of yours',
  );
}

function addRemove(binding: Command, shell: Shell): void {
  const text = {
    usage: 'remove <id>',
    summary: 'take a role from somebody, at once',
    examples: ['talos rbac binding remove bind_0190...'],
  };
  const remove: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const { rbac } = await openPlatform(io, options);
    await rbac.removeBinding(args[0] ?? '');
    output.result({ ok: true, removed: args[0] }, () => output.line(`removed ${args[0]}`));
    return undefined;
  };
  withPlatform(defineCommand(binding, shell, text, remove), 'kernel');
}

/** A binding in one line. */
export function describeBinding({ id, role, subject, scope }: Binding): string {
  return printable(`${id}  ${role}  ${describeSubject(subject)}  ${describeScope(scope)}`);
}
