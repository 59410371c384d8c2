import type { SignatureJob } from '@talosprotocol/protocol';

/** A queue of batches in shared memory: one thread writes, one reads, first in, first out, and the answers come back the
 *  same way. Copying messages instead would take the writing thread half as long as the signatures themselves. */
export interface SignatureRing {
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;
  /** Writes a batch and wakes the reader. The caller never has more batches under way than there are slots.
   *  @throws {RangeError} a batch that fits no slot */
  write(ticket: number, jobs: readonly SignatureJob[]): void;
  /** The next answer; undefined if there is none yet, and then the reader will say so when there is. */
  takeAnswer(): RingAnswer | undefined;
}

/** What was found out about a batch. */
export interface RingAnswer {
  /** What the writer knows the batch by. */
  readonly ticket: number;
  /** Place of the first signature that does not hold, or -1. */
  readonly place: number;
}

/** A batch as the reader finds it. */
export interface RingBatch {
  readonly jobs: readonly SignatureJob[];
  /** True if the writer is to be told that there are answers. */
  answer(place: number): boolean;
}

/** A chain has at most 8 links (CAP-4). */
export const BATCH_JOBS = 8;
const SIGNATURE = 64;
const KEY = 32;
/** The messages of a chain are shorter than it, which is at most 16 KiB (CAP-4). */
const MESSAGES = 16_384;

/** A slot begins with the ticket, the answer, the count of jobs and the length of each message. */
const TICKET = 0;
const ANSWER = 1;
const COUNT = 2;
const LENGTHS = 3;
const HEAD = 4 * (LENGTHS + BATCH_JOBS);
const SLOT = HEAD + BATCH_JOBS * (SIGNATURE + KEY) + MESSAGES;

/** Before the slots stand the counts of batches written and answered so far, and whether the writer waits to be told. */
const WRITTEN = 0;
const ANSWERED = 1;
const ASKED = 2;
const COUNTERS = 4 * 3;

/** Makes the memory of a ring. */
export function createSignatureRing(slots: number): SignatureRing {
  const memory = new SharedArrayBuffer(COUNTERS + slots * SLOT);
  const counters = new Int32Array(memory, 0, 3);
  Atomics.store(counters, ASKED, 1);
  let taken = 0;
  /** Both sides order these accesses, so that no answer is left lying with nobody told of it. */
  const isAnswered = (): boolean => {
    if (Atomics.load(counters, ANSWERED) !== taken) return true;
    Atomics.store(counters, ASKED, 1);
    return Atomics.load(counters, ANSWERED) !== taken;
  };
  return {
    memory,
    write(ticket, jobs) {
      assertFits(jobs);
      writeBatch(slotOf(memory, Atomics.load(counters, WRITTEN)), ticket, jobs);
      // Ordered after the bytes, so that the reader finds the batch whole.
      Atomics.add(counters, WRITTEN, 1);
      Atomics.notify(counters, WRITTEN);
    },
    takeAnswer() {
      if (!isAnswered()) return undefined;
      const { head } = slotOf(memory, taken);
      taken = (taken + 1) | 0;
      return { ticket: head[TICKET] as number, place: head[ANSWER] as number };
    },
  };
}

/** Waits for the batches of a ring, one after another, and blocks its thread while there is none. */
export function* readSignatureRing(memory: SharedArrayBuffer): Generator<RingBatch, never> {
  const counters = new Int32Array(memory, 0, 3);
  for (let read = 0; ; read = (read + 1) | 0) {
    while (Atomics.load(counters, WRITTEN) === read) Atomics.wait(counters, WRITTEN, read);
    const slot = slotOf(memory, read);
    yield {
      jobs: readBatch(slot),
      answer(place) {
        slot.head[ANSWER] = place;
        Atomics.add(counters, ANSWERED, 1);
        return Atomics.exchange(counters, ASKED, 0) === 1;
      },
    };
  }
}

interface Slot {
  readonly head: Int32Array;
  readonly bytes: Uint8Array;
}

function writeBatch({ head, bytes }: Slot, ticket: number, jobs: readonly SignatureJob[]): void {
  head[TICKET] = ticket;
  head[ANSWER] = BATCH_JOBS;
  head[COUNT] = jobs.length;
  let at = 0;
  for (const [index, { signature, publicKey, message }] of jobs.entries()) {
    head[LENGTHS + index] = message.length;
    bytes.set(signature, at);
    bytes.set(publicKey, at + SIGNATURE);
    bytes.set(message, at + SIGNATURE + KEY);
    at += SIGNATURE + KEY + message.length;
  }
}

/** Copies: native code takes no shared memory, and nothing may change between check and use. */
function readBatch({ head, bytes }: Slot): SignatureJob[] {
  const jobs: SignatureJob[] = [];
  let at = 0;
  for (let index = 0; index < (head[COUNT] as number); index++) {
    const end = at + SIGNATURE + KEY + (head[LENGTHS + index] as number);
    jobs.push({
      signature: bytes.slice(at, at + SIGNATURE),
      publicKey: bytes.slice(at + SIGNATURE, at + SIGNATURE + KEY),
      message: bytes.slice(at + SIGNATURE + KEY, end),
    });
    at = end;
  }
  return jobs;
}

function slotOf(memory: SharedArrayBuffer, count: number): Slot {
  const slots = (memory.byteLength - COUNTERS) / SLOT;
  const start = COUNTERS + ((count >>> 0) % slots) * SLOT;
  return {
    head: new Int32Array(memory, start, HEAD / 4),
    bytes: new Uint8Array(memory, start + HEAD, SLOT - HEAD),
  };
}

function assertFits(jobs: readonly SignatureJob[]): void {
  let bytes = 0;
  for (const { signature, publicKey, message } of jobs) {
    if (signature.length !== SIGNATURE || publicKey.length !== KEY)
      throw new RangeError('a key or signature');
    bytes += message.length;
  }
  if (jobs.length < 1 || jobs.length > BATCH_JOBS || bytes > MESSAGES)
    throw new RangeError('a batch too large');
}
