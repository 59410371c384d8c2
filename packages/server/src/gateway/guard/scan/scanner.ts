import { Worker } from 'node:worker_threads';
import { TrustError } from '@talosprotocol/protocol';
import type { DetectorSpec } from '../detect/detector.js';
import type { Finding } from '../detect/finding.js';
import { createFairQueue, type FairQueue } from './fair-queue.js';
import type { ScanAnswer, ScanJob } from './scan-thread.js';

/** Looks through texts in a thread of its own: whatever a text does to a pattern, calls go on meanwhile. */
export interface Scanner {
  /** The findings of each text. @throws {TrustError} UNAVAILABLE: it took too long, failed, or too much waits */
  scan(
    spec: DetectorSpec,
    texts: readonly string[],
    by: ScannedFor,
  ): Promise<readonly (readonly Finding[])[]>;
  stop(): Promise<void>;
}

/** For whom it is. */
export interface ScannedFor {
  /** Those who ask have their turns one after another, however much each of them asks. */
  readonly owner: string;
  /** False once nobody waits for it any more. */
  isWanted(): boolean;
}

interface Waiting {
  readonly by: ScannedFor;
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly spec: DetectorSpec;
  readonly texts: readonly string[];
  resolve(findings: readonly (readonly Finding[])[]): void;
  reject(error: TrustError): void;
}

/** Most scans that wait for the thread, and of one owner: a stream has one at a time. */
const MOST_WAITING = 1024;
const MOST_OF_ONE = 256;
/** Longest time until one is begun. */
const WAIT_MS = 10_000;
/** Longest time of one scan, in milliseconds: as long as the slowest detector needs for the largest body there is by default, twice. */
const SCAN_MS = 5_000;

/** A thread that knows so many detectors has those of policies that are gone. */
const MOST_KNOWN = 256;
/** More than any scan needs; what needs more ends its thread, and not the process. */
const MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 };

const PROGRAM = new URL('./scan-thread.js', import.meta.url);

/** Builds it; the thread starts with the first scan. One scan is under way at a time, so that one that never ends is known, and
 *  ended with its thread, and those behind it are not lost. */
export function createScanner(limitMs = SCAN_MS, program = PROGRAM): Scanner {
  const waiting = createFairQueue<Waiting>(MOST_WAITING, MOST_OF_ONE);
  let thread: Thread | undefined;
  let running = false;
  let stopped = false;
  const next = (): void => {
    if (running || stopped) return;
    const one = nextWanted(waiting);
    if (one === undefined) return;
    running = true;
    if (thread !== undefined && thread.known.size >= MOST_KNOWN) {
      void thread.end();
      thread = undefined;
    }
    thread ??= startThread(program);
    const { key, job } = jobOf(one, thread);
    thread.ask(job, limitMs).then(
      (answer) => {
        thread?.known.add(key);
        if (answer === undefined) one.reject(unavailable('a guard could not look'));
        else one.resolve(answer);
        running = false;
        next();
      },
      () => {
        void thread?.end();
        thread = undefined;
        one.reject(unavailable('a guard took too long, or its thread ended'));
        running = false;
        next();
      },
    );
  };
  return {
    scan: (spec, texts, by) =>
      new Promise((resolve, reject) => {
        const one = { spec, texts, by, resolve, reject, since: performance.now() };
        if (stopped || !waiting.push(by.owner, one)) return reject(unavailable('too much waits for guards'));
        next();
      }),
    async stop() {
      stopped = true;
      for (const { reject } of waiting.drain()) reject(unavailable('the gateway stops'));
      await thread?.end();
    },
  };
}

/** The next that somebody still waits for, and has not waited too long for. */
function nextWanted(waiting: FairQueue<Waiting>): Waiting | undefined {
  for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
    if (one.by.isWanted() && performance.now() - one.since < WAIT_MS) return one;
    one.reject(unavailable('nobody waits for it any more, or it waited too long'));
  }
  return undefined;
}

function unavailable(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason, { hint: 'Try again in a moment.' });
}

/** The key of a spec is made once. */
const keys = new WeakMap<DetectorSpec, string>();

function jobOf({ spec, texts }: Waiting, { known }: Thread): { key: string; job: ScanJob } {
  const key = keys.get(spec) ?? JSON.stringify(spec);
  keys.set(spec, key);
  return { key, job: known.has(key) ? { key, texts } : { key, spec, texts } };
}

interface Thread {
  /** Keys of the specs that it was sent. */
  readonly known: Set<string>;
  /** Rejects if the thread ends, or gives no answer in time. */
  ask(job: ScanJob, limitMs: number): Promise<ScanAnswer>;
  end(): Promise<unknown>;
}

function startThread(program: URL): Thread {
  const worker = new Worker(program, { resourceLimits: MEMORY });
  let settle: { resolve(answer: ScanAnswer): void; reject(error: Error): void } | undefined;
  let fault: Error | undefined;
  const fail = (error: Error): void => {
    fault = error;
    settle?.reject(error);
  };
  worker.on('message', (answer: ScanAnswer) => settle?.resolve(answer));
  worker.once('error', fail);
  worker.once('exit', (code) => fail(new Error(`the thread ended with ${code}`)));
  worker.unref();
  return {
    known: new Set(),
    ask: (job, limitMs) =>
      new Promise((resolve, reject) => {
        if (fault !== undefined) return reject(fault);
        const timer = setTimeout(() => settle?.reject(new Error('no answer in time')), limitMs);
        settle = {
          resolve: (answer) => {
            clearTimeout(timer);
            resolve(answer);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        };
        worker.postMessage(job);
      }),
    end: () => worker.terminate(),
  };
}
