import { portableCrypto } from '@talosprotocol/protocol';
import type { Ask, Report } from './result.js';
import { verifyInSteps } from './verification.js';

/** Verifies beside the page; `tell` hears of each step and of the end. Gives the function that stops it.
 *  `script` is the code of the page, which is the worker's too. */
export function runVerification(script: string, ask: Ask, tell: (report: Report) => void): () => void {
  const worker = openWorker(script);
  if (worker === undefined) return runInSlices(ask, tell);
  worker.onmessage = ({ data }: MessageEvent<Report>) => tell(data);
  worker.onerror = () => tell({ fault: 'the worker of this page ended' });
  worker.postMessage(ask);
  return () => worker.terminate();
}

/** Undefined where a page from a disk may have no worker. */
function openWorker(script: string): Worker | undefined {
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  try {
    return new Worker(url);
  } catch {
    return undefined;
  } finally {
    // The worker has its code by then, or never will.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/** Milliseconds after which the page is given a turn. */
const SLICE_MS = 12;

function runInSlices(ask: Ask, tell: (report: Report) => void): () => void {
  const steps = verifyInSteps(ask, portableCrypto);
  let stopped = false;
  const slice = (): void => {
    const until = performance.now() + SLICE_MS;
    try {
      while (!stopped) {
        const step = steps.next();
        if (step.done === true) {
          tell({ result: step.value });
          return;
        }
        if (performance.now() < until) continue;
        tell(step.value);
        setTimeout(slice);
        return;
      }
    } catch (error) {
      tell({ fault: error instanceof Error ? error.message : String(error) });
    }
  };
  setTimeout(slice);
  return () => {
    stopped = true;
  };
}
