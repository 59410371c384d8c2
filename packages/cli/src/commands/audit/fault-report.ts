import type { LogFault } from '@talosprotocol/protocol';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';

/** What was looked at, and what is wrong with it. */
export interface LogReport {
  readonly origin: string;
  /** Under the checkpoint. */
  readonly size: number;
  /** Durable; as many where only files were read. */
  readonly sequenced: number;
  readonly pruned: number;
  readonly root: string;
  /** Rows of a database that were compared; 0 if none was there. */
  readonly rows: number;
  /** Of an archive: files of what opens commitments, each of which was opened. */
  readonly disclosures?: number;
  /** Of an archive: chain anchors that are of its tree, and witnesses whose cosignatures hold. */
  readonly anchors?: number;
  readonly cosigned?: readonly string[];
  /** What was not looked at. */
  readonly unchecked: readonly string[];
  readonly count: number;
  /** The first ones. */
  readonly faults: readonly LogFault[];
}

/** Faults that are printed for people. */
const SHOWN = 50;

export function reportLog(output: Output, report: LogReport): void {
  const { count, faults, rows } = report;
  output.result({ ok: count === 0, ...report }, () => {
    if (count === 0) {
      const what = rows > 0 ? 'files and database agree, and' : 'the files agree, and';
      output.line(output.color.green(`Nothing is wrong: ${what} lead to the signed root.`));
    } else
      output.line(
        output.color.red(`DAMAGED: ${count === 1 ? 'one fault' : `${count} faults`}, the first ones:`),
      );
    for (const fault of faults.slice(0, SHOWN)) output.line(`  ${describeFault(fault)}`);
    if (count > SHOWN) output.line(`  ... and ${count - Math.min(SHOWN, faults.length)} more`);
    printFacts(output, report);
  });
}

function printFacts(output: Output, report: LogReport): void {
  const { origin, size, sequenced, pruned, root, rows, disclosures, unchecked } = report;
  const { anchors = 0, cosigned = [] } = report;
  output.line(`  log        ${printable(origin)}`);
  output.line(`  events     ${size} signed${sequenced > size ? `, ${sequenced - size} more durable` : ''}`);
  if (pruned > 0) output.line(`  pruned     bodies of events below ${pruned}`);
  output.line(`  database   ${rows > 0 ? `${rows} rows compared` : 'not looked at: only files were read'}`);
  if (disclosures !== undefined) output.line(`  disclosed  ${disclosures} files opened`);
  if (anchors > 0) output.line(`  anchors    ${anchors} of this tree`);
  for (const name of cosigned) output.line(`  cosigned   by ${printable(name)}`);
  for (const what of unchecked) output.line(`  not looked at: ${what}`);
  output.line(`  root       ${printable(root)}`);
}

function describeFault({ where, index, what }: LogFault): string {
  return printable(`${where}${index === undefined ? '' : ` at ${index}`}: ${what}`);
}
