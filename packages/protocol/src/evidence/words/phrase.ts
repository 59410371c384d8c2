import { printable } from '../../encoding/printable.js';
import { formatTime } from '../../encoding/time.js';
import type { Spending } from '../costs.js';

/** Names in a sentence; more are only counted. */
const MAX_NAMES = 8;
const MAX_NAME = 300;

/** `12,345`. */
export function numberOf(count: number): string {
  return count.toLocaleString('en-GB');
}

/** `1 call`, `2 calls`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${numberOf(count)} ${count === 1 ? one : many}`;
}

/** A name from the evidence, so that it cannot change the sentence around it. */
export function nameOf(name: string): string {
  return printable(name, MAX_NAME);
}

/** `a, b and c`. */
export function listOf(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(nameOf);
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${more} more`] : shown;
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** The time of a record, `2026-11-23 12:00:00 UTC`. */
export function momentOf(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** Latest moment that a date can hold, in seconds. */
const LAST = 253_402_300_799;

/** The same of Unix seconds, which may be anything. */
export function secondOf(seconds: number): string {
  return seconds > LAST ? `${seconds} s after 1970` : momentOf(formatTime(seconds * 1000));
}

/** Micro-units as a decimal number with at least two places. */
export function moneyOf(units: string): string {
  const digits = units.padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0{1,4}$/, '');
  return `${digits.slice(0, -6)}.${fraction}`;
}

/** What calls came to, as a sentence. */
export function spendingOf({ currency, spent, held }: Spending): string {
  const open =
    held === '0'
      ? ''
      : ` At most ${moneyOf(held)} ${currency} more is held for calls whose end is not shown.`;
  return `The calls cost ${moneyOf(spent)} ${currency}.${open}`;
}

/** A chain as people call it. */
export function chainName(chain: string): string {
  if (chain === 'bitcoin') return 'Bitcoin';
  return chain === 'eip155:1' ? 'Ethereum' : `the chain ${nameOf(chain)}`;
}
