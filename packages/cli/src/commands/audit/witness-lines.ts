import { type Cosignature, formatTime } from '@talosprotocol/protocol';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';

/** Who had seen the checkpoint, and when by their clocks (AUD-28). */
export function printWitnesses(output: Output, cosignatures: readonly Cosignature[]): void {
  for (const { name, time } of cosignatures)
    output.line(`  witness    ${printable(name)} had seen it at ${timeText(time)}`);
}

/** What is not proven where no witness had to see the checkpoint. */
export function withoutWitnesses(quorum: number): readonly string[] {
  if (quorum > 0) return [];
  return ['that everybody was shown the same history: your trust file demands no witnesses of the log'];
}

/** Latest time that a date can hold, in seconds. */
const LAST = 253_402_300_799;

function timeText(seconds: number): string {
  return seconds > LAST ? `${seconds} s after 1970` : formatTime(seconds * 1000);
}
