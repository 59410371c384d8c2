import type { Log } from '../../platform/log.js';
import type { SignedCheckpoint } from '../checkpoint.js';
import { type Candidate, readWitnessed, type WitnessedCheckpoint } from './candidate.js';
import type { WitnessSet } from './witness-set.js';

export interface WitnessedDeps {
  readonly set: () => WitnessSet;
  /** Keeps a witnessed checkpoint over a restart; its failure costs nothing but that. */
  readonly keep: (witnessed: WitnessedCheckpoint) => Promise<void>;
  readonly log: Log;
}

/** The newest checkpoint that as many witnesses as must have seen. */
export interface Witnessed {
  /** Undefined without witnesses, and before the first. */
  newest(): WitnessedCheckpoint | undefined;
  /** Takes up what an earlier run gathered, if it still counts. */
  resume(checkpoint: SignedCheckpoint): void;
  /** Takes a candidate if as many as must have cosigned it, and nothing newer is there. */
  take(candidate: Candidate): void;
  /** The first one that covers `size` events; undefined if there are no witnesses, or none does within the time. */
  reach(size: number, limitMs: number): Promise<WitnessedCheckpoint | undefined>;
  /** Nobody waits any more. */
  end(): void;
}

export function createWitnessed({ set, keep, log }: WitnessedDeps): Witnessed {
  const waiters = createWaiters();
  let witnessed: WitnessedCheckpoint | undefined;
  let judged: WitnessSet | undefined;
  /** Under another policy it may be too few who have seen it. */
  const newest = (): WitnessedCheckpoint | undefined => {
    const now = set();
    if (judged !== now && witnessed !== undefined)
      witnessed = now.members.length === 0 ? undefined : readWitnessed(witnessed, now.policy);
    judged = now;
    return witnessed;
  };
  return {
    newest,
    resume: (checkpoint) => {
      judged = set();
      witnessed ??= readWitnessed(checkpoint, judged.policy);
    },
    take: (candidate) => {
      const next = candidate.witnessed();
      if (next === undefined || next.size === 0 || next.size < (newest()?.size ?? 0)) return;
      witnessed = next;
      waiters.wake(next);
      keep(next).catch((err: unknown) => log.warn('a witnessed checkpoint was not kept', { err }));
    },
    reach: async (size, limitMs) => {
      if (set().members.length === 0) return undefined;
      const now = newest();
      return now !== undefined && now.size >= size ? now : waiters.wait(size, limitMs);
    },
    end: waiters.end,
  };
}

interface Waiters {
  wait(size: number, limitMs: number): Promise<WitnessedCheckpoint | undefined>;
  wake(witnessed: WitnessedCheckpoint): void;
  end(): void;
}

function createWaiters(): Waiters {
  type Done = (witnessed: WitnessedCheckpoint | undefined) => void;
  const waiting = new Map<Done, number>();
  return {
    wait: (size, limitMs) =>
      new Promise((resolve) => {
        const done: Done = (witnessed) => {
          clearTimeout(limit);
          waiting.delete(done);
          resolve(witnessed);
        };
        const limit = setTimeout(() => done(undefined), limitMs);
        waiting.set(done, size);
      }),
    wake: (witnessed) => {
      for (const [done, size] of waiting) if (witnessed.size >= size) done(witnessed);
    },
    end: () => {
      for (const done of [...waiting.keys()]) done(undefined);
    },
  };
}
