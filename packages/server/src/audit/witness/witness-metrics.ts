import type { Metrics } from '../../platform/metrics/metrics.js';
import type { Witnessing } from './witnessing.js';

/** Counts what witnesses do; `witnessing` gives them once the log is open. Gives what each fault is counted with. */
export function measureWitnesses(
  metrics: Metrics,
  witnessing: () => Witnessing | undefined,
): (witness: string, code: string) => void {
  metrics.gauge(
    {
      name: 'talos_audit_witnessed_entries',
      help: 'Events below the last checkpoint that as many witnesses as must have cosigned.',
    },
    (observe) => {
      const now = witnessing();
      observe(now?.isOn() === true ? (now.witnessed()?.size ?? 0) : Number.NaN, {});
    },
  );
  metrics.gauge(
    { name: 'talos_audit_witness_up', help: '1 while a witness cosigns, else 0.', labels: ['witness'] },
    (observe) => {
      for (const { name, confirmed, fault } of witnessing()?.view().witnesses ?? [])
        observe(confirmed && fault === undefined ? 1 : 0, { witness: name });
    },
  );
  const faults = metrics.counter({
    name: 'talos_audit_witness_faults_total',
    help: 'What witnesses did instead of cosigning.',
    labels: ['witness', 'fault'],
  });
  return (witness, code) => faults.with({ witness, fault: code }).add();
}
