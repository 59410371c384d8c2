import type { AuditDraft, RecordedEvent } from './draft.js';

/** How many drafts may wait, and how many are taken at a time. */
export interface QueueLimits {
  readonly queue: number;
  readonly denialQueue: number;
  /** Events of one transaction. */
  readonly batch: number;
}

/** Denials have a queue of their own, so that a flood of them leaves the other one free; one is never written before
 *  a draft of the main queue that was handed in first. `owed` is the main queue with some room kept back for what
 *  must follow an accepted call. */
export type Lane = 'main' | 'owed' | 'denial';

/** A draft that waits, and whoever waits for it. */
export interface Waiting {
  /** Counts the drafts of both queues. */
  readonly turn: number;
  /** False of what follows an answer that is out. */
  readonly isAwaited: boolean;
  readonly draft: AuditDraft;
  readonly resolve: (event: RecordedEvent | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Of each batch at most this share goes to denials while other drafts wait. */
const DENIAL_SHARE = 0.2;
/** The main queue takes so many times more of what is owed. */
const OWED_ROOM = 1.5;

/** Drafts that wait, in bounds. */
export interface Queues {
  push(waiting: Omit<Waiting, 'turn' | 'isAwaited'>, lane: Lane): void;
  isFull(lane: Lane): boolean;
  isEmpty(): boolean;
  /** True if somebody waits for an answer until one of them is written. */
  isAwaited(): boolean;
  waiting(): { readonly main: number; readonly denial: number };
  /** The next batch, oldest first. */
  take(): Waiting[];
  takeAll(): Waiting[];
}

export function createQueues(limits: QueueLimits): Queues {
  const main: Waiting[] = [];
  const denials: Waiting[] = [];
  let turn = 0;
  return {
    push: (waiting, lane) => {
      turn += 1;
      (lane === 'denial' ? denials : main).push({ turn, isAwaited: lane !== 'owed', ...waiting });
    },
    isFull: (lane) => {
      if (lane === 'denial') return denials.length >= limits.denialQueue;
      return main.length >= (lane === 'owed' ? limits.queue * OWED_ROOM : limits.queue);
    },
    isEmpty: () => main.length + denials.length === 0,
    isAwaited: () => denials.length > 0 || main.some(({ isAwaited }) => isAwaited),
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
