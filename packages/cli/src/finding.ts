import type { Finding } from '@talosprotocol/contracts';
import { printable } from './printable.js';

/** A finding of the lint as one line for people. */
export function describeFinding({ at, exceeds, what, bound }: Finding): string {
  if (bound === undefined || what.includes(bound)) return printable(`${at} ${what}`);
  return printable(`${at} ${what} (${exceeds === 'exp' ? timeOf(bound) : bound})`);
}

function timeOf(seconds: string): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? seconds : time.toISOString();
}
