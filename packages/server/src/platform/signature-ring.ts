import type { SignatureJob } from '@talosprotocol/protocol';

/** A queue of batches in shared memory: one thread writes, one reads, first in, first out. Sharing saves the copying of
 *  messages, which would take the writing thread half as long as the signatures themselves. */
export interface SignatureRing {
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;
  /** Writes a batch and wakes the reader. The caller never has more batches under way than there are slots.
   *  @throws {RangeError} a batch that fits no slot */
  write(ticket: number, jobs: readonly SignatureJob[]): void;
}

/** A batch as the reader finds it. */
export interface RingBatch {
  /** What the writer knows the batch by. */
  readonly ticket: number;
  readonly jobs: readonly SignatureJob[];
}

/** A chain has at most 8 links (CAP-4). */
export const BATCH_JOBS = 8;
const SIGNATURE = 64;
const KEY = 32;
/** The messages of a chain are shorter than it, which is at most 16 KiB (CAP-4). */
const MESSAGES = 16_384;

/** A slot begins with the ticket, the count of jobs and the length of each message. */
const HEAD = 4 * (2 + BATCH_JOBS);
const SLOT = HEAD + BATCH_JOBS * (SIGNATURE + KEY) + MESSAGES;

/** Before the slots stands the count of batches written so far. */
const COUNTER = 4;

/** Makes the memory of a ring. */
export function createSignatureRing(slots: number): SignatureRing {
  const memory = new SharedArrayBuffer(COUNTER + slots * SLOT);
  const written = new Int32Array(memory, 0, 1);
  return {
    memory,
    write(ticket, jobs) {
      assertFits(jobs);
      const slot = slotOf(memory, Atomics.load(written, 0));
      slot.head[0] = ticket;
      slot.head[1] = jobs.length;
      let at = 0;
      for (const [index, { signature, publicKey, message }] of jobs.entries()) {
        slot.head[2 + index] = message.length;
        slot.bytes.set(signature, at);
        slot.bytes.set(publicKey, at + SIGNATURE);
        slot.bytes.set(message, at + SIGNATURE + KEY);
        at += SIGNATURE + KEY + message.length;
      }
      // Ordered after the bytes, so that the reader finds the batch whole.
      Atomics.add(written, 0, 1);
      Atomics.notify(written, 0);
    },
  };
}

/** Waits for the batches of a ring, one after another, and blocks its thread while there is none. */
export function* readSignatureRing(memory: SharedArrayBuffer): Generator<RingBatch, never> {
  const written = new Int32Array(memory, 0, 1);
  for (let read = 0; ; read = (read + 1) | 0) {
    while (Atomics.load(written, 0) === read) Atomics.wait(written, 0, read);
    const { head, bytes } = slotOf(memory, read);
    const jobs: SignatureJob[] = [];
    let at = 0;
    for (let index = 0; index < (head[1] as number); index++) {
      const end = at + SIGNATURE + KEY + (head[2 + index] as number);
      // Copies: native code takes no shared memory, and nothing may change between check and use.
      jobs.push({
        signature: bytes.slice(at, at + SIGNATURE),
        publicKey: bytes.slice(at + SIGNATURE, at + SIGNATURE + KEY),
        message: bytes.slice(at + SIGNATURE + KEY, end),
      });
      at = end;
    }
    yield { ticket: head[0] as number, jobs };
  }
}

function slotOf(memory: SharedArrayBuffer, count: number): { head: Int32Array; bytes: Uint8Array } {
  const slots = (memory.byteLength - COUNTER) / SLOT;
  const start = COUNTER + ((count >>> 0) % slots) * SLOT;
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
