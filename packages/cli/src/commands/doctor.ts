import { TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import { EXIT } from '../exit-code.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';
import { type ServerEnvOptions, serverEnv, withServerEnv } from '../server-env.js';
import { runServerCommand } from '../server-process.js';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly mend?: string;
}

/** `talos doctor`: what is wrong here, and how to mend it. */
export function addDoctor(program: Command, shell: Shell): void {
  const text = {
    usage: 'doctor',
    summary: 'say what is wrong with this machine or the data folder, and how to mend it',
    examples: ['talos doctor'],
    notes: ['No network. Exit code 0 all is well, 4 something must be mended.'],
  };
  const doctor: Handler<ServerEnvOptions> = async ({ io, output, options }) => {
    const work = runServerCommand('doctor', serverEnv(io, options));
    const { ok, checks } = parseExamination(await withProgress(io, output, 'Examining', work));
    output.result({ ok, checks }, () => {
      for (const check of checks) {
        const mark = check.ok ? output.color.green('ok   ') : output.color.red('wrong');
        output.line(`${mark} ${check.name.padEnd(18)} ${printable(check.detail)}`);
        if (!check.ok && check.mend !== undefined) output.line(`      mend: ${printable(check.mend)}`);
      }
    });
    output.next(ok ? 'talos up' : 'mend what is wrong, then run talos doctor again');
    return ok ? EXIT.ok : EXIT.unavailable;
  };
  withServerEnv(defineCommand(program, shell, text, doctor));
}

function parseExamination(value: unknown): { readonly ok: boolean; readonly checks: readonly Check[] } {
  const { ok, checks } = Object(value) as { ok?: unknown; checks?: unknown };
  if (typeof ok === 'boolean' && Array.isArray(checks)) return { ok, checks: checks as Check[] };
  throw new TrustError('INTERNAL', 'the examination gave no answer that can be read');
}
