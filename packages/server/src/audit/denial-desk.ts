import type { Log } from '../platform/log.js';
import { createDenialGate, type DenialLimits, type DenialSource, type DenialSummary } from './denials.js';
import type { AuditDraft, RecordedEvent } from './draft.js';

/** Records denials one by one up to a rate, and the rest in summaries. */
export interface DenialDesk {
  record(draft: AuditDraft<'decision'>, source: DenialSource): Promise<RecordedEvent | undefined>;
  start(): void;
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
  readonly summarize: (summary: DenialSummary) => AuditDraft<'denials'>;
  readonly log: Log;
}

const PERIOD_MS = 5_000;

export function createDenialDesk(deps: DenialDeskDeps): DenialDesk {
  const gate = createDenialGate(deps.limits, deps.now, deps.sourceOf);
  let timer: NodeJS.Timeout | undefined;
  /** Summaries that could not be written are tried again: at most as many as there are sources. */
  let unwritten: AuditDraft<'denials'>[] = [];
  const flush = async (all = false): Promise<void> => {
    const drafts = [...unwritten, ...gate.summaries(all).map(deps.summarize)];
    unwritten = [];
    for (const draft of drafts) {
      // One after the other: summaries must not fill the queue that single denials use.
      await deps.add(draft).catch((error: unknown) => {
        deps.log.warn('a summary of denials waits', { err: error });
        if (unwritten.length < deps.limits.sources) unwritten.push(draft);
      });
    }
  };
  let flushing: Promise<void> = Promise.resolve();
  return {
    record: async (draft, source) => {
      const { effect, code } = draft.members;
      if (effect !== 'deny' || code === null) throw new TypeError('a denial has a code');
      if (deps.isOpen() && gate.admits(source)) return deps.add(draft);
      gate.count(source, code, draft.principal);
      return undefined;
    },
    start: () => {
      timer = setInterval(() => {
        flushing = flushing.then(() => flush());
      }, PERIOD_MS);
      timer.unref();
    },
    stop: async () => {
      clearInterval(timer);
      await flushing;
      await flush(true);
    },
  };
}
