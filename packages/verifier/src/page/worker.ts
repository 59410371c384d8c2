import { portableCrypto } from '@talosprotocol/protocol';
import type { Ask, Report } from './result.js';
import { verifyInSteps } from './verification.js';

/** Talks to the page from a worker: takes one request, says how far it is, then what came of it. */
export function startWorker(scope: Pick<DedicatedWorker, 'onmessage' | 'postMessage'>): void {
  scope.onmessage = ({ data }) => {
    try {
      const steps = verifyInSteps(data, portableCrypto);
      for (let step = steps.next(); ; step = steps.next()) {
        scope.postMessage(step.done === true ? { result: step.value } : { ...step.value });
        if (step.done === true) return;
      }
    } catch (error) {
      scope.postMessage({ fault: error instanceof Error ? error.message : String(error) });
    }
  };
}

/** A worker as its own code sees it; the types of the page have only its other side. */
export interface DedicatedWorker {
  onmessage: ((event: { readonly data: Ask }) => void) | null;
  postMessage(report: Report): void;
}
