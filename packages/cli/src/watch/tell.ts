import type { WatchAlert } from '@talosprotocol/contracts';
import type { Finding } from '@talosprotocol/sdk';
import type { Output } from '../output.js';
import { printable } from '../printable.js';

/** An alert as one line: for programs whole, unless its evidence lies in a file. */
export function tellAlert(output: Output, alert: WatchAlert, file: string | undefined): void {
  const { evidence: _, ...bare } = alert;
  const { time, state, kind, url, detail } = alert;
  output.stream(file === undefined ? alert : { ...bare, evidence_file: file }, () => {
    const word = state === 'raised' ? output.color.red('ALERT') : output.color.green('ENDED');
    const where = file === undefined ? '' : `; evidence in ${file}`;
    output.line(`${time} ${word} ${kind} at ${printable(url)}: ${printable(detail)}${where}`);
  });
}

/** How a log is, after one look. */
export interface Looked {
  readonly origin: string;
  readonly size: number;
  /** Entries that were shown now, if they were fewer than before. */
  readonly shown?: number;
  /** Entries that were read by now; absent if none is to be read. */
  readonly read?: number;
  readonly findings: readonly Finding[];
  /** Where the evidence lies that was kept now. */
  readonly files: readonly string[];
}

export function tellLooked(output: Output, { findings, ...looked }: Looked): void {
  const ok = findings.length === 0;
  const bare = findings.map(({ evidence: _, ...finding }) => finding);
  output.result({ ok, ...looked, findings: bare }, () => {
    const { origin, size, shown, read, files } = looked;
    const tail = read === undefined ? '' : `, ${read} read`;
    const entries = `${printable(origin)}, ${size} entries${tail}`;
    if (ok) output.line(`${output.color.green('Nothing is wrong')} with ${entries}`);
    else output.line(`${output.color.red('SOMETHING IS WRONG')} with ${entries}`);
    if (shown !== undefined)
      output.line(
        `  a smaller state was shown: ${shown} entries of ${size}${ok ? '; forgiven for the time of --grace' : ''}`,
      );
    for (const { kind, url, detail } of findings)
      output.line(`  ${kind} at ${printable(url)}: ${printable(detail)}`);
    for (const file of files) output.line(`  evidence in ${file}`);
  });
}
