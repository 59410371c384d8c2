import { TrustError } from '@talosprotocol/protocol';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../define-command.js';
import { EXIT } from '../exit-code.js';
import type { Output } from '../output.js';
import { dataFolder } from '../place.js';
import { printable } from '../printable.js';
import { withProgress } from '../progress.js';
import { type ServerEnvOptions, serverEnv, withServerEnv } from '../server-env.js';
import { runServerCommand } from '../server-process.js';
import { isRunning, readServerRecord, type ServerRecord } from '../server-record.js';

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
    notes: [
      'No network but to a database and a Redis of yours. Exit code 0 all is well, 4 something must be mended.',
    ],
  };
  const doctor: Handler<ServerEnvOptions> = async ({ io, output, options }) => {
    const work = runServerCommand('doctor', serverEnv(io, options));
    const { ok, checks } = parseExamination(await withProgress(io, output, 'Examining', work));
    output.result({ ok, checks }, () => {
      for (const check of checks) {
        const mark = markOf(check, output.color);
        output.line(`${mark} ${check.name.padEnd(18)} ${printable(check.detail)}`);
        if (check.mend !== undefined) output.line(`      mend: ${printable(check.mend)}`);
      }
    });
    output.next(ok ? nextOf(await runningOn(dataFolder(io, options))) : MEND);
    return ok ? EXIT.ok : EXIT.unavailable;
  };
  withServerEnv(defineCommand(program, shell, text, doctor));
}

/** What is well, but had better be otherwise, keeps nothing from starting. */
function markOf({ ok, mend }: Check, color: Output['color']): string {
  if (!ok) return color.red('wrong');
  return mend === undefined ? color.green('ok   ') : color.yellow('look ');
}

const MEND = 'mend what is wrong, then run talos doctor again';

function nextOf(running: ServerRecord | undefined): string {
  if (running === undefined) return 'talos up';
  return `nothing to mend: the platform runs (process ${running.pid}), its gateway at ${running.gateway}/mcp`;
}

/** A record that cannot be read is no part of the examination. */
async function runningOn(data: string): Promise<ServerRecord | undefined> {
  const record = await readServerRecord(data).catch(() => undefined);
  return record !== undefined && isRunning(record) ? record : undefined;
}

function parseExamination(value: unknown): { readonly ok: boolean; readonly checks: readonly Check[] } {
  const { ok, checks } = Object(value) as { ok?: unknown; checks?: unknown };
  if (typeof ok === 'boolean' && Array.isArray(checks)) return { ok, checks: checks as Check[] };
  throw new TrustError('INTERNAL', 'the examination gave no answer that can be read');
}
