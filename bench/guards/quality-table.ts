import type { Result } from '../result.js';
import type { Quality } from './quality.js';
import type { Interval } from './score.js';

/** A result with a quality. */
export type Judged = Result & { readonly quality: Quality };

export const isJudged = (result: Result): result is Judged => result.quality !== undefined;

export const QUALITY_HEAD: readonly string[] = [
  'row',
  'texts',
  'n',
  'TP',
  'FP',
  'FN',
  'precision [95 %]',
  'recall [95 %]',
  'F1',
  'clean texts flagged',
  'ms/KiB',
];

/** The cells of one row, in the order of the head. `n` is how many there were to find. */
export function qualityCells({ name, params, quality }: Judged): readonly string[] {
  const { true_positives: tp, false_positives: fp, false_negatives: fn } = quality;
  return [
    `${name} ${params['split']} ${params['type']}`,
    String(quality.texts ?? ''),
    String(tp + fn),
    String(tp),
    // In a row of recall only, wrong findings are counted elsewhere.
    quality.f1 === null && tp + fn > 0 ? '-' : String(fp),
    String(fn),
    withInterval(quality.precision, quality.precision_95),
    withInterval(quality.recall, quality.recall_95),
    share(quality.f1),
    quality.clean_texts ? `${quality.clean_flagged} of ${quality.clean_texts}` : '',
    quality.ms_per_kib === undefined ? '' : String(Number(quality.ms_per_kib.toPrecision(3))),
  ];
}

/** The rows for people, in columns of one width each. */
export function formatQualities(results: readonly Judged[]): string {
  if (results.length === 0) return '';
  const rows = [QUALITY_HEAD, ...results.map(qualityCells)];
  const widths = QUALITY_HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

function withInterval(value: number | null, interval: Interval | null): string {
  return interval === null ? '-' : `${share(value)} [${share(interval[0])}, ${share(interval[1])}]`;
}

function share(value: number | null): string {
  return value === null ? '-' : value.toFixed(3);
}
