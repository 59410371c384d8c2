import { printable } from '../../encoding/printable.js';
import type { Cosignature } from '../../log/witness-policy.js';
import type { BundleReport } from '../bundle-report.js';
import { chainName, countOf, listOf, nameOf, secondOf } from './phrase.js';

/** Ours, with a chain and an origin in it. */
const MAX_HINT = 1_000;

/** Who else had seen this state of the log. */
export function witnessSentences(cosignatures: readonly Cosignature[]): string[] {
  if (cosignatures.length === 0) return [];
  const last = Math.max(...cosignatures.map(({ time }) => time));
  return [
    `${countOf(cosignatures.length, 'witness', 'witnesses')} that you trust (${listOf(cosignatures.map(({ name }) => name))}) had seen this very state by ${secondOf(last)}, by their own clocks: whoever asks them was shown the same history.`,
  ];
}

/** Before which blocks it existed. */
export function anchorSentences({ anchors, to }: BundleReport): string[] {
  return anchors.flatMap(({ proven, size }) => {
    if (proven === undefined) return [];
    const what = size >= to ? 'All of this' : `What was in the log when it had ${countOf(size, 'record')}`;
    return [
      `${what} existed before block ${proven.number} of ${chainName(proven.chain)}, which is of ${secondOf(proven.time)}.`,
    ];
  });
}

/** Where no block shows it. */
export function anchorsNotShown({ anchors, to }: BundleReport): string[] {
  const failed = anchors.flatMap(({ kind, reason, hint }) => {
    if (reason === undefined) return [];
    const where = kind === 'evm' ? 'a chain' : 'Bitcoin';
    const help = hint === undefined ? '' : `. If you trust it, ${printable(hint, MAX_HINT)}`;
    return [`that it existed before a block of ${where}: ${nameOf(reason)}${help}`];
  });
  if (anchors.some(({ proven, size }) => proven !== undefined && size >= to)) return failed;
  return [
    ...failed,
    'that all of this existed at the time that the log says: no block that your trust file names shows it',
  ];
}
