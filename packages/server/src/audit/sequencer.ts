import { setTimeout as sleep } from 'node:timers/promises';
import { type CryptoProvider, isTrustError, isUuidv7, TrustError } from '@talosprotocol/protocol';
import type { Log } from '../platform/log.js';
import { isUniqueViolation, SqlError } from '../platform/sql-error.js';
import type { Clock } from '../platform/system.js';
import { UnsureError } from '../platform/unsure-error.js';
import { append } from './append.js';
import { type Batch, buildBatch, type Tip } from './batch.js';
import { type AuditDraft, chainOf, type RecordedEvent, uuidOf } from './draft.js';
import { DraftError } from './draft-error.js';
import type { Finisher } from './finished-event.js';
import { createHold, type Hold } from './hold.js';
import { createMemory } from './known.js';
import type { Lead } from './lead.js';

export interface SequencerDeps {
  readonly finish: Finisher;
  readonly emitter: string;
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly limits: SequencerLimits;
  /** Resolves when there is a place for the events below `size`. */
  readonly makeRoom: (size: number) => Promise<void>;
  /** Takes the log again after it was lost. @throws {TrustError} while that is not possible */
  readonly takeAgain: () => Promise<Lead>;
  /** Told of the new size after each batch. */
  readonly onSequenced: (size: number) => void;
}

export interface SequencerLimits {
  /** Drafts that may wait in a lane. */
  readonly queue: number;
  readonly denialQueue: number;
  /** Events of one transaction. */
  readonly batch: number;
  /** How long a batch is tried again before its callers are refused. */
  readonly retryMs: number;
}

/** Puts events in order: concurrent drafts are written in one transaction. */
export interface Sequencer {
  /** Resolves when the event is durable; with undefined for a chain that was logged before.
   *  @throws {TrustError} UNAVAILABLE | DISK_FULL; UnsureError if it may be in the log nevertheless */
  add(draft: AuditDraft, lane?: Lane): Promise<RecordedEvent | undefined>;
  /** True if a draft would find no place. */
  isFull(lane?: Lane): boolean;
  /** Drafts that wait. */
  waiting(): { readonly main: number; readonly denial: number };
  /** False while nobody knows whether the log can be written. */
  isUp(): boolean;
  readonly size: number;
  readonly epoch: number;
  /** Resolves when nothing waits, or after the time a batch is tried again. */
  flush(): Promise<void>;
  /** Refuses what waits and what comes: the database is gone. */
  giveUp(): void;
  /** Takes no more drafts, writes those that wait, gives up the hold on the log. */
  stop(): Promise<void>;
}

/** Denials have a queue of their own, so that a flood of them leaves the other one free; one is never written before
 *  a draft of the main queue that was handed in first. `owed` is the main queue with some room kept back for what
 *  must follow an accepted call. */
type Lane = 'main' | 'owed' | 'denial';

interface Waiting {
  /** Counts the drafts of both queues. */
  readonly turn: number;
  readonly draft: AuditDraft;
  readonly resolve: (event: RecordedEvent | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Of each batch at most this share goes to denials while other drafts wait. */
const DENIAL_SHARE = 0.2;
/** The main queue takes so many times more of what is owed. */
const OWED_ROOM = 1.5;
/** How often a batch is tried again. */
const ATTEMPTS = 3;

/** Starts with the log held. */
export function createSequencer(deps: SequencerDeps, first: Lead): Sequencer {
  const { limits } = deps;
  const queues = createQueues(limits);
  const writer = createWriter(deps, first, () => work());
  let working: Promise<void> | undefined;
  let refusing: TrustError | undefined;

  const work = (): void => {
    // The next turn of the loop: what is handed in until then goes into one batch.
    working ??= new Promise<void>((resolve) => setImmediate(resolve)).then(drain).finally(() => {
      working = undefined;
      if (!queues.isEmpty()) work();
    });
  };

  const drain = async (): Promise<void> => {
    if (writer.hold.lead.isLost() && !(await writer.hold.takeAgain(limits.retryMs))) await refuseUntilUp();
    while (!queues.isEmpty()) {
      if (!(await writer.writeOrRefuse(queues.take()))) await refuseUntilUp();
    }
  };

  const refuseUntilUp = async (): Promise<void> => {
    refusing ??= unavailable('the log cannot be written');
    for (const { reject } of queues.takeAll()) reject(refusing);
    await writer.hold.takeAgainAtLast();
    if (writer.hold.isUp()) refusing = undefined;
  };

  const settled = async (): Promise<void> => {
    while (working !== undefined) await working;
  };
  const flush = async (): Promise<void> => {
    const late = new AbortController();
    const limit = sleep(limits.retryMs, undefined, { signal: late.signal }).catch(() => undefined);
    await Promise.race([settled(), limit]);
    late.abort();
  };

  return {
    add: (draft, lane = 'main') => {
      if (refusing !== undefined) return Promise.reject(refusing);
      if (queues.isFull(lane)) return Promise.reject(unavailable('too many events wait for the log'));
      if (!isSound(draft))
        return Promise.reject(new DraftError('MALFORMED', 'a draft whose ids are not ids'));
      return new Promise((resolve, reject) => {
        queues.push({ draft, resolve, reject }, lane);
        work();
      });
    },
    isFull: (lane = 'main') => queues.isFull(lane),
    waiting: queues.waiting,
    isUp: () => refusing === undefined && writer.hold.isUp(),
    get size() {
      return writer.tip().size;
    },
    get epoch() {
      return writer.tip().epoch;
    },
    flush,
    giveUp: () => {
      refusing = unavailable('the database is gone');
      writer.hold.giveUp();
      for (const { reject } of queues.takeAll()) reject(refusing);
    },
    stop: async () => {
      refusing = unavailable('the log is being closed');
      await flush();
      await writer.hold.close();
      await settled();
    },
  };
}

interface Queues {
  push(waiting: Omit<Waiting, 'turn'>, lane: Lane): void;
  isFull(lane: Lane): boolean;
  isEmpty(): boolean;
  waiting(): { readonly main: number; readonly denial: number };
  /** The next batch, oldest first. */
  take(): Waiting[];
  takeAll(): Waiting[];
}

function createQueues(limits: SequencerLimits): Queues {
  const main: Waiting[] = [];
  const denials: Waiting[] = [];
  let turn = 0;
  return {
    push: (waiting, lane) => {
      turn += 1;
      (lane === 'denial' ? denials : main).push({ ...waiting, turn });
    },
    isFull: (lane) => {
      if (lane === 'denial') return denials.length >= limits.denialQueue;
      return main.length >= (lane === 'owed' ? limits.queue * OWED_ROOM : limits.queue);
    },
    isEmpty: () => main.length + denials.length === 0,
    waiting: () => ({ main: main.length, denial: denials.length }),
    take: () => {
      const share = main.length === 0 ? limits.batch : Math.ceil(limits.batch * DENIAL_SHARE);
      const first = [...main.slice(0, limits.batch), ...denials.slice(0, share)]
        .sort((a, b) => a.turn - b.turn)
        .slice(0, limits.batch);
      const taken = new Set(first);
      main.splice(0, countTaken(main, taken));
      denials.splice(0, countTaken(denials, taken));
      return first;
    },
    takeAll: () => [...main.splice(0), ...denials.splice(0)],
  };
}

/** Of a queue a batch takes the front. */
function countTaken(queue: readonly Waiting[], taken: ReadonlySet<Waiting>): number {
  const end = queue.findIndex((waiting) => !taken.has(waiting));
  return end < 0 ? queue.length : end;
}

interface Writer {
  readonly hold: Hold;
  tip(): Tip;
  /** Writes a batch and settles its drafts; false if the log is not held any more. */
  writeOrRefuse(batch: readonly Waiting[]): Promise<boolean>;
}

function createWriter(deps: SequencerDeps, first: Lead, onLost: () => void): Writer {
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

/** What goes into a query before the event is checked as a whole. */
function isSound(draft: AuditDraft): boolean {
  const cth = draft.type === 'chain' ? draft.members.cth : chainOf(draft);
  const texts = [draft.principal?.sub, cth].filter((text) => text !== undefined);
  const ids = [draft.id, ...(draft.type === 'outcome' ? [draft.members.decision] : [])];
  return ids.every((id) => isUuidv7(uuidOf(id))) && texts.every((text) => /^[!-~]{1,256}$/.test(text));
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
