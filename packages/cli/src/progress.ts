import type { Io } from './io.js';
import type { Output } from './output.js';

const PATIENCE_MS = 300;

/** Shows on a terminal that something takes its time; nothing is written elsewhere, nor where `work` is quick. */
export async function withProgress<T>(io: Io, output: Output, text: string, work: Promise<T>): Promise<T> {
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
