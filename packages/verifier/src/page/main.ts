import { startPage } from './view/page.js';
import { type DedicatedWorker, startWorker } from './worker.js';

// One script is both: the page starts itself again as a worker.
if (typeof document === 'undefined') startWorker(globalThis as unknown as DedicatedWorker);
else startPage(document.currentScript?.textContent ?? '');
