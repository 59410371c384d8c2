import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defineCommand, type Handler, type Shell } from '../../define-command.js';
import { EXIT } from '../../exit-code.js';
import type { Output } from '../../output.js';
import { type PlaceOptions, withPlace } from '../../place.js';
import { printable } from '../../printable.js';
import { type Progress, withProgressBar } from '../../progress.js';
import { serverEnv } from '../../server-env.js';
import { runLongServerCommand } from '../../server-process.js';
import { type LogReport, reportLog } from './fault-report.js';

interface Options extends PlaceOptions {
  readonly config?: string;
}

/** `talos audit log import`: an archive becomes the log of an empty platform. */
export function addLogImport(log: Command, shell: Shell): void {
  const text = {
    usage: 'import <archive>',
    summary: 'bring a whole log back, into a data folder and a database that hold none',
    examples: ['talos audit log import ./log.tar --data ./restored'],
    notes: [
      'The data folder must hold the keys of the platform whose log it is (keys/*.key, without what else lies there) and its',
      'talos.yaml: neither is in an archive, nor are identities, revocations and administrators. Everything is verified against the',
      'key of the log before anything is written, and all rows come at once or none. No platform may run on the folder. Exit code 0',
      'imported, 3 the archive is damaged and nothing was written.',
    ],
  };
  const bring: Handler<Options> = async ({ io, output, args, options }) => {
    const archive = resolve(io.cwd, args[0] ?? '');
    const env = serverEnv(io, options);
    const work = (tell: (progress: Progress) => void) =>
      runLongServerCommand(['import-log', archive], env, tell);
    const answer = (await withProgressBar(io, output, 'Importing', work)) as Answer;
    if (!answer.imported) {
      const facts = { sequenced: answer.size, pruned: 0, rows: 0, unchecked: [] };
      reportLog(output, { ...facts, ...answer });
      return EXIT.proofInvalid;
    }
    output.result(answer, () => {
      output.line(
        output.color.green(`Imported ${answer.size} events, verified against the key of their log.`),
      );
      output.line(`  log        ${answer.origin}`);
      output.line(`  root       ${answer.root}`);
      for (const { policy, issuers } of answer.policies.slice(0, SHOWN))
        output.line(`  policy     ${policy}, on the word of the archive with ${issuersOf(issuers)}`);
      const more = answer.policies.length - SHOWN;
      if (more > 0) output.line(`  ... and ${more} policies more`);
      printProofs(output, answer);
    });
    output.aside(
      `It is the log as it was at ${answer.size} events. If more were signed since, elsewhere, do not start it: that would be a second history under one key, which every monitor calls a fork. Bring a newer archive instead.`,
    );
    output.next('talos up');
    return undefined;
  };
  withPlace(defineCommand(log, shell, text, bring)).option(
    '--config <file>',
    'the talos.yaml (default: TALOS_CONFIG, or that of the data folder)',
  );
}

/** What proves of the past more than the key of the log does. */
function printProofs(output: Output, { anchors, cosigned, leftOut }: Answer): void {
  if (anchors > 0)
    output.line(
      `  anchors    ${anchors}; whether their chains have their blocks is asked once the platform runs`,
    );
  for (const name of cosigned) output.line(`  cosigned   by ${printable(name)}`);
  if (leftOut > 0)
    output.line(
      `  left out   ${leftOut} cosignatures by keys that audit.witnesses of talos.yaml does not name`,
    );
}

/** Of a list; --json has all. */
const SHOWN = 8;

/** What they may grant is in the trust file. */
function issuersOf(issuers: readonly string[]): string {
  const shown = issuers.slice(0, SHOWN).map((iss) => printable(iss));
  if (shown.length === 0) return 'no anchors';
  return `anchors of ${shown.join(', ')}${issuers.length > SHOWN ? ` and ${issuers.length - SHOWN} more` : ''}`;
}

interface Answer extends Pick<LogReport, 'origin' | 'size' | 'root' | 'count' | 'faults'> {
  readonly imported: boolean;
  readonly policies: readonly { readonly policy: string; readonly issuers: readonly string[] }[];
  readonly anchors: number;
  readonly cosigned: readonly string[];
  readonly leftOut: number;
}
