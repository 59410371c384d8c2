import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { addBindingCommands, describeBinding } from './binding.js';
import {
  readScope,
  readSubject,
  type ScopeOptions,
  type SubjectOptions,
  withScope,
  withSubject,
} from './place-options.js';
import { addRoleCommands } from './role.js';
import { addServiceAccountCommands } from './service-account.js';
import { addSessionCommands } from './session.js';

/** `talos rbac`: who may administer the platform. */
export function addRbacCommands(program: Command, shell: Shell): void {
  const rbac = defineGroup(program, 'rbac', 'who may administer the platform: roles, bindings, accounts');
  addWhoAmI(rbac, shell);
  addCheck(rbac, shell);
  addRoleCommands(rbac, shell);
  addBindingCommands(rbac, shell);
  addServiceAccountCommands(rbac, shell);
  addSessionCommands(rbac, shell);
}

function addWhoAmI(rbac: Command, shell: Shell): void {
  const text = {
    usage: 'whoami',
    summary: 'show as whom this machine administers the platform, and its bindings',
    examples: ['talos rbac whoami'],
  };
  const whoAmI: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { rbac: client } = await openPlatform(io, options);
    const { principal, bindings } = await client.whoAmI();
    output.result({ ok: true, principal, bindings }, () => {
      output.line(printable(`${principal.kind} ${principal.id} (by ${principal.how})`));
      for (const binding of bindings) output.line(`  ${describeBinding(binding)}`);
    });
    return undefined;
  };
  withPlatform(defineCommand(rbac, shell, text, whoAmI), 'kernel');
}

type CheckOptions = PlatformOptions & SubjectOptions & ScopeOptions;

function addCheck(rbac: Command, shell: Shell): void {
  const text = {
    usage: 'check <permission>',
    summary: 'ask whether you, or somebody, may do something somewhere, and why',
    examples: [
      'talos rbac check capability:issue',
      'talos rbac check audit:read --service svc_0190... --scope team:team_id=payments',
    ],
    notes: ['Changes nothing. Exit code 0 if it is allowed, 2 if it is denied.'],
  };
  const check: Handler<CheckOptions> = async ({ io, output, args, options }) => {
    const [subject, scope] = [readSubject(options), readScope(options)];
    const { rbac: client } = await openPlatform(io, options);
    const asked = { permission: args[0] ?? '', scope, ...(subject === undefined ? {} : { subject }) };
    const decision = await client.check(asked);
    output.result({ ok: decision.effect === 'allow', ...decision }, () => {
      const { effect, reason, binding, role, pattern } = decision;
      const why = binding === undefined ? reason.replace('_', ' ') : `${pattern} of ${role} by ${binding}`;
      output.line(
        `${effect === 'allow' ? output.color.green('allowed') : output.color.red('denied')}: ${why}`,
      );
    });
    return decision.effect === 'allow' ? EXIT.ok : EXIT.denied;
  };
  withScope(withSubject(withPlatform(defineCommand(rbac, shell, text, check), 'kernel')));
}
