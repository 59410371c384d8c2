import type { SignatureVerifier } from '@talosprotocol/protocol';
import { type SignatureThread, startSignatureThread, unavailable } from './signature-thread.js';

/** Threads that verify the signatures of chains, so that several cores do. All else of a decision, and every state,
 *  stays with the thread that asks. */
export interface SignaturePool {
  /** For `VerifyContext.signatures`. Rejects with UNAVAILABLE where all threads have all they can hold, and where the
   *  thread that had the batch ended. */
  readonly verify: SignatureVerifier;
  /** Threads that run now. */
  readonly size: () => number;
  /** Refuses what comes, waits for what is under way, and ends the threads. */
  close(): Promise<void>;
}

/** What the pool is made of. */
export interface SignaturePoolDeps {
  /** How many threads, 1 to 64. */
  readonly workers: number;
  /** Batches a thread may have before it, each one chain; default 256. */
  readonly slots?: number;
  /** Hears of a thread that ended; it is replaced. */
  readonly onThreadEnd?: (cause: unknown) => void;
  /** The threads' program, for tests. */
  readonly program?: URL;
}

const MAX_WORKERS = 64;
const SLOTS = 256;
/** Wait before a thread is replaced that never answered: it would likely end again. */
const PAUSE_MS = 1000;

/** Starts the threads.
 *  @throws {RangeError} `workers` outside 1 to 64 */
export function createSignaturePool(deps: SignaturePoolDeps): SignaturePool {
  const { workers, slots = SLOTS, onThreadEnd } = deps;
  if (!Number.isInteger(workers) || workers < 1 || workers > MAX_WORKERS) {
    throw new RangeError(`signature threads are 1 to ${MAX_WORKERS}`);
  }
  const program = deps.program ?? new URL('./signature-worker.js', import.meta.url);
  const threads = new Set<SignatureThread>();
  const timers = new Set<NodeJS.Timeout>();
  let closing = false;

  function start(): void {
    const thread = startSignatureThread(program, slots, (cause) => {
      threads.delete(thread);
      if (closing) return;
      replace(thread.hasAnswered() ? 0 : PAUSE_MS);
      onThreadEnd?.(cause);
    });
    threads.add(thread);
  }
  function replace(afterMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      start();
    }, afterMs);
    timer.unref();
    timers.add(timer);
  }
  for (let i = 0; i < workers; i++) start();

  return {
    size: () => threads.size,
    async verify(jobs) {
      const thread = closing ? undefined : leastBusy(threads);
      if (thread === undefined) throw unavailable('no thread verifies signatures');
      return thread.submit(jobs);
    },
    async close() {
      closing = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all([...threads].map((thread) => thread.idle()));
      await Promise.all([...threads].map((thread) => thread.stop()));
    },
  };
}

function leastBusy(threads: ReadonlySet<SignatureThread>): SignatureThread | undefined {
  let best: SignatureThread | undefined;
  for (const thread of threads) if (best === undefined || thread.pending() < best.pending()) best = thread;
  return best;
}
