import type { Io } from './io.js';
import type { Output } from './output.js';

const PATIENCE_MS = 300;

/** Shows on a terminal that something takes its time; nothing is written elsewhere, nor where `work` is quick. */
export async function withProgress<T>(
  io: Io,
  output: Output,
  text: string | (() => string),
  work: Promise<T>,
): Promise<T> {
  if (output.json) return work;
  let stop: (() => void) | undefined;
  const timer = setTimeout(() => {
    stop = io.spin(text);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    stop?.();
  }
}

/** How far something has come. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

const BAR = 24;

/** The same for work that tells how far it has come. */
export function withProgressBar<T>(
  io: Io,
  output: Output,
  text: string,
  work: (tell: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  let last: Progress | undefined;
  const show = (): string => (last === undefined ? text : `${text} ${formatBar(last)}`);
  const tell = (progress: Progress): void => {
    last = progress;
  };
  return withProgress(io, output, show, work(tell));
}

/** A bar, how much it is of the whole, and both numbers. */
export function formatBar({ done, total }: Progress): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  return `${drawBar(share)} ${String(Math.floor(share * 100)).padStart(3)} %  ${counted(done)} of ${counted(total)}`;
}

/** A bar of which so much is full, from 0 to 1. */
export function drawBar(share: number): string {
  const full = Math.floor(Math.min(1, share) * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
}

function counted(value: number): string {
  return value.toLocaleString('en-US');
}
