import type { Command } from 'commander';
import { defineCommand, defineGroup, type Handler, type Shell } from '../../define-command.js';
import { openPlatform, type PlatformOptions, withPlatform } from '../../platform.js';
import { printable } from '../../printable.js';
import { readAll } from './pages.js';

/** `talos rbac session`: people who are logged in. */
export function addSessionCommands(rbac: Command, shell: Shell): void {
  const session = defineGroup(rbac, 'session', 'sessions of people who logged in');
  const text = { usage: 'list', summary: 'list who is logged in', examples: ['talos rbac session list'] };
  const list: Handler<PlatformOptions> = async ({ io, output, options }) => {
    const { rbac: client } = await openPlatform(io, options);
    const sessions = await readAll(client.listSessions, (page) => page.sessions);
    output.result({ ok: true, sessions }, () => {
      for (const { id, subject, issuer, expires } of sessions)
        output.line(printable(`${id}  ${subject} at ${issuer}, until ${expires}`));
    });
    return undefined;
  };
  withPlatform(defineCommand(session, shell, text, list), 'kernel');
  addEnd(session, shell);
}

function addEnd(session: Command, shell: Shell): void {
  const text = {
    usage: 'end <id>',
    summary: 'end the session of a person, at once',
    examples: ['talos rbac session end log_0190...'],
  };
  const end: Handler<PlatformOptions> = async ({ io, output, args, options }) => {
    const { rbac: client } = await openPlatform(io, options);
    await client.endSession(args[0] ?? '');
    output.result({ ok: true, ended: args[0] }, () => output.line(`ended ${args[0]}`));
    return undefined;
  };
  withPlatform(defineCommand(session, shell, text, end), 'kernel');
}
