import type { Log } from '../platform/log.js';
import type { DenialStore } from './denial-store.js';
import { createDenialGate, type DenialLimits, type DenialSource, type DenialSummary } from './denials.js';
import type { AuditDraft, RecordedEvent } from './draft.js';
import { DraftError } from './draft-error.js';

/** Records denials one by one up to a rate, and the rest in summaries. */
export interface DenialDesk {
  record(draft: AuditDraft<'decision'>, source: DenialSource): Promise<RecordedEvent | undefined>;
  /** Takes up what an earlier run counted. */
  start(): Promise<void>;
  /** Writes the summaries that are owed. */
  stop(): Promise<void>;
}

export interface DenialDeskDeps {
  readonly limits: DenialLimits;
  readonly now: () => number;
  readonly sourceOf: (text: string) => string;
  /** False while single denials are only counted. */
  readonly isOpen: () => boolean;
  readonly add: (draft: AuditDraft) => Promise<RecordedEvent | undefined>;
  /** The same id for the same part and code. */
  readonly summarize: (summary: DenialSummary) => AuditDraft<'denials'>;
  readonly store: DenialStore;
  readonly log: Log;
}

const PERIOD_MS = 5_000;

export function createDenialDesk(deps: DenialDeskDeps): DenialDesk {
  const { store, log } = deps;
  const gate = createDenialGate(deps.limits, deps.now, deps.sourceOf);
  let timer: NodeJS.Timeout | undefined;
  /** Summaries that could not be written are tried again: at most as many as there are sources. */
  let unwritten: AuditDraft<'denials'>[] = [];
  const flush = async (all = false): Promise<void> => {
    const drafts = [...unwritten, ...gate.summaries(all).map(deps.summarize)];
    const written = new Set<string>();
    for (const draft of drafts) {
      // One after the other: summaries must not fill the queue that single denials use.
      if (await isWritten(draft, deps)) written.add(draft.id);
    }
    const waiting = drafts.filter(({ id }) => !written.has(id));
    unwritten = waiting.slice(0, deps.limits.sources);
    const count = waiting.length - unwritten.length;
    if (count > 0) log.warn('summaries of denials wait for the next start', { count });
    const owed = [...waiting, ...gate.underWay().map(deps.summarize)];
    const lost = owed.length === 0 ? 0 : await store.keep(owed);
    if (lost > 0) log.error('summaries of denials found no room to wait in', { count: lost });
    if (written.size > 0) await store.forget([...written]);
  };
  const flushSafely = (all?: boolean): Promise<void> =>
    flush(all).catch((err: unknown) => log.warn('counts of denials were not kept', { err }));
  let flushing: Promise<void> = Promise.resolve();
  return {
    record: async (draft, source) => {
      const { effect, code } = draft.members;
      if (effect !== 'deny' || code === null) throw new TypeError('a denial has a code');
      if (deps.isOpen() && gate.admits(source)) return deps.add(draft);
      gate.count(source, code, draft.principal);
      return undefined;
    },
    start: async () => {
      // What an earlier run counted and could not sum up any more.
      unwritten = await store.left();
      timer = setInterval(() => {
        flushing = flushing.then(() => flushSafely());
      }, PERIOD_MS);
      timer.unref();
    },
    stop: async () => {
      clearInterval(timer);
      await flushing;
      await flushSafely(true);
    },
  };
}

/** False if it waits. Under an id that is taken stands what a run counted that was killed before it could forget that: at
 *  least as many as it kept. */
async function isWritten(draft: AuditDraft<'denials'>, { add, log }: DenialDeskDeps): Promise<boolean> {
  try {
    await add(draft);
    return true;
  } catch (error) {
    const isThere = error instanceof DraftError && error.code === 'CONFLICT';
    if (isThere) {
      log.warn('a summary of denials is in the log with another count', { count: draft.members.count });
    } else log.warn('a summary of denials waits', { err: error });
    return isThere;
  }
}
