import { type MessagePort, Worker } from 'node:worker_threads';
import { type CryptoProvider, type SignatureJob, TrustError } from '@talosprotocol/protocol';
import { BATCH_JOBS, createSignatureRing, type RingAnswer, readSignatureRing } from './signature-ring.js';

/** A thread that verifies signatures. It knows nothing but the batch it works on: no key of ours, no replay state. */
export interface SignatureThread {
  /** Batches under way. */
  pending(): number;
  /** True once it has answered: it is no thread that cannot even start. */
  hasAnswered(): boolean;
  /** @throws {RangeError} a batch larger than that of a chain */
  submit(jobs: readonly SignatureJob[]): Promise<number>;
  /** Settles once nothing is under way. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

interface Waiting {
  resolve(place: number): void;
  reject(error: unknown): void;
}

/** Starts the thread. `onEnd` is called once, however it ends; what is under way then is refused, not repeated: it may
 *  be what ended the thread. */
export function startSignatureThread(
  program: URL,
  slots: number,
  onEnd: (cause: unknown) => void,
): SignatureThread {
  const ring = createSignatureRing(slots);
  const worker = new Worker(program, { workerData: ring.memory });
  const waiting = new Map<number, Waiting>();
  let ticket = 0;
  let answered = false;
  let ended = false;
  let whenIdle: (() => void) | undefined;

  const end = (cause: unknown): void => {
    if (ended) return;
    ended = true;
    for (const { reject } of waiting.values()) reject(unavailable('a thread that verifies signatures ended'));
    waiting.clear();
    whenIdle?.();
    onEnd(cause);
  };
  const settle = ({ ticket: of, place }: RingAnswer): boolean => {
    const [expected] = waiting.keys();
    const taken = waiting.get(of);
    // Answers come in the order of the batches. One that does not fit could be that of another chain.
    if (taken === undefined || of !== expected || place < -1 || place >= BATCH_JOBS) return false;
    waiting.delete(of);
    taken.resolve(place);
    return true;
  };
  worker.on('message', () => {
    for (let answer = ring.takeAnswer(); answer !== undefined; answer = ring.takeAnswer()) {
      if (!settle(answer)) {
        void worker.terminate();
        return end(new Error('an answer that belongs to no batch'));
      }
      answered = true;
    }
    if (waiting.size === 0) whenIdle?.();
  });
  worker.once('error', end);
  worker.once('exit', (code) => end(new Error(`the thread ended with ${code}`)));

  return {
    pending: () => waiting.size,
    hasAnswered: () => answered,
    submit: (jobs) =>
      new Promise((resolve, reject) => {
        if (ended || waiting.size === slots) return reject(unavailable('too many signatures at once'));
        ticket = (ticket + 1) & 0x7fffffff;
        ring.write(ticket, jobs);
        waiting.set(ticket, { resolve, reject });
      }),
    idle: () =>
      new Promise((resolve) => {
        whenIdle = resolve;
        if (waiting.size === 0) resolve();
      }),
    async stop() {
      await worker.terminate();
    },
  };
}

/** The thread's own side: answers batch after batch, and never returns. */
export function serveSignatures(port: MessagePort, memory: SharedArrayBuffer, crypto: CryptoProvider): never {
  for (const { jobs, answer } of readSignatureRing(memory)) {
    // The first that does not hold decides, so that a forged chain costs no more than it must.
    if (answer(jobs.findIndex((job) => !holds(job, crypto)))) port.postMessage(null);
  }
  throw new Error('a ring has no end');
}

/** Refuses where nobody could look: the chain is not accepted, and may be tried again. */
export function unavailable(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason, { hint: 'Try again in a moment.' });
}

function holds({ signature, message, publicKey }: SignatureJob, crypto: CryptoProvider): boolean {
  return crypto.ed25519Verify(signature, message, publicKey);
}
