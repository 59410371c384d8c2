import type { CryptoProvider } from '@talosprotocol/protocol';
import { isTrustError, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import { isUniqueViolation, SqlError } from '../platform/sql-error.js';
import type { Clock } from '../platform/system.js';
import { UnsureError } from '../platform/unsure-error.js';
import { append } from './append.js';
import { type Batch, buildBatch, type Tip } from './batch.js';
import type { Waiting } from './draft-queues.js';
import type { Finisher } from './finished-event.js';
import { createHold, type Hold } from './hold.js';
import { createMemory } from './known.js';
import type { Lead } from './lead.js';

export interface WriterDeps {
  readonly finish: Finisher;
  readonly emitter: string;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  /** `retryMs`: how long a batch is tried again before its callers are refused. */
  readonly limits: { readonly retryMs: number };
  /** Resolves when there is a place for the events below `size`. */
  readonly makeRoom: (size: number) => Promise<void>;
  /** Takes the log again after it was lost. @throws {TrustError} while that is not possible */
  readonly takeAgain: () => Promise<Lead>;
  /** Told of the new size after each batch. */
  readonly onSequenced: (size: number) => void;
}

/** How often a batch is tried again. */
const ATTEMPTS = 3;

/** Writes batches while the log is held. */
export interface Writer {
  readonly hold: Hold;
  tip(): Tip;
  /** Writes a batch and settles its drafts; false if the log is not held any more. */
  writeOrRefuse(batch: readonly Waiting[]): Promise<boolean>;
}

export function createWriter(deps: WriterDeps, first: Lead, onLost: () => void): Writer {
  const hold = createHold({ clock: deps.clock, log: deps.log, take: deps.takeAgain, onLost }, first);
  const memory = createMemory(deps.crypto);
  let known = first;
  let tip = tipOf(first);

  const write = async (batch: readonly Waiting[], careful: boolean): Promise<void> => {
    const { lead } = hold;
    if (lead.isLost()) throw unavailable('the log was lost');
    if (lead !== known) {
      known = lead;
      tip = tipOf(lead);
      memory.forget();
    }
    const drafts = batch.map(({ draft }) => draft);
    const facts = await lead.within(memory.read(lead, drafts, careful));
    const now = deps.clock.now();
    const built = buildBatch(drafts, tip, facts, { finish: deps.finish, timeOf: () => now });
    const size = built.size + built.events.length;
    await deps.makeRoom(size);
    const places = await lead.within(memory.place(lead, built));
    if (size > built.size) await lead.within(append(lead.session, { ...built, ...places }, deps.emitter));
    tip = { epoch: tip.epoch, size, emitter: built.emitter };
    memory.learn(built, places.newFacets);
    deps.onSequenced(tip.size);
    settle(batch, built);
  };

  /** What is in the log already is looked up only when the database says so: it is rare. */
  const writeOnce = async (batch: readonly Waiting[], careful: boolean): Promise<void> => {
    try {
      await write(batch, careful);
    } catch (error) {
      if (careful || !isUniqueViolation(error)) throw error;
      await write(batch, true);
    }
  };

  const refuse = (batch: readonly Waiting[], error: unknown, isSure: boolean): void => {
    deps.log.error('events could not be written', { count: batch.length, err: error });
    const refusal = isSure ? refusalOf(error) : new UnsureError('the event may not have been written', error);
    for (const { reject } of batch) reject(refusal);
  };

  const writeOrRefuse = async (batch: readonly Waiting[]): Promise<boolean> => {
    let isSure = true;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await writeOnce(batch, attempt > 0);
        return true;
      } catch (error) {
        // The first of several tries may have been the one that wrote it.
        isSure &&= isRefusal(error);
        const final = isRefusal(error) || attempt === ATTEMPTS;
        if (!final && (await hold.takeAgain(deps.limits.retryMs))) continue;
        refuse(batch, error, isSure);
        return hold.isUp();
      }
    }
  };

  return { hold, tip: () => tip, writeOrRefuse };
}

function tipOf({ head }: Lead): Tip {
  return { epoch: head.epoch, size: head.size, emitter: head.emitter };
}

/** A refusal of the database: the statement did nothing, and trying again would not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof SqlError || (isTrustError(error) && error.code === 'DISK_FULL');
}

function refusalOf(error: unknown): TrustError {
  return isTrustError(error) ? error : unavailable('the event could not be written', error);
}

function settle(batch: readonly Waiting[], { settled }: Batch): void {
  for (const [i, { resolve, reject }] of batch.entries()) {
    const end = settled[i];
    if (end !== undefined && 'fault' in end) reject(end.fault);
    else resolve(end?.event);
  }
}

function unavailable(reason: string, cause?: unknown): TrustError {
  return new TrustError('UNAVAILABLE', reason, {}, cause);
}
