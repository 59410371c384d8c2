import { clock } from '../platform/system.js';

/** Told now and then how far a long command has come. */
export type TellProgress = (progress: { readonly done: number; readonly total: number }) => void;

const EVERY_MS = 100;

/** Passes on as much as a person can see. */
export function createProgress(tell: TellProgress): (done: number, total: number) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (done, total) => {
    const now = clock.monotonic();
    if (now - told < EVERY_MS) return;
    told = now;
    tell({ done, total });
  };
}
