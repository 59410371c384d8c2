import type { CounterSeries, Metrics } from '../platform/metrics/metrics.js';
import type { AuditPort } from './audit-link/audit-link.js';

type AuditDraft = import('../audit/draft.js').AuditDraft;

/** The same sink, that counts the decisions and outcomes which are handed to it: all of this process come by here. */
export function countDecisions(sink: AuditPort, metrics: Metrics): AuditPort {
  const decisions = metrics.counter({
    name: 'talos_decisions_total',
    help: 'Decisions handed to the log, by where they were made and, if they were denied, why.',
    labels: ['surface', 'effect', 'code'],
  });
  const outcomes = metrics.counter({
    name: 'talos_outcomes_total',
    help: 'What became of allowed calls, as it was handed to the log.',
    labels: ['status'],
  });
  const bySurface = new Map<string, Map<string | null, CounterSeries>>();
  const count = (draft: AuditDraft): void => {
    if (draft.type === 'outcome') outcomes.with({ status: draft.members.status }).add();
    if (draft.type !== 'decision') return;
    const { surface, effect, code } = draft.members;
    const byCode = bySurface.get(surface) ?? new Map<string | null, CounterSeries>();
    bySurface.set(surface, byCode);
    const series = byCode.get(code) ?? decisions.with({ surface, effect, code: code ?? 'none' });
    byCode.set(code, series);
    series.add();
  };
  return {
    ...sink,
    record: ((draft: AuditDraft) => {
      count(draft);
      return sink.record(draft);
    }) as AuditPort['record'],
    recordDenial: (draft, source) => {
      count(draft);
      return sink.recordDenial(draft, source);
    },
  };
}
