import type { Health } from '../health.js';
import type { Metrics } from './metrics.js';

/** What stands between this process and its calls. Shown as it was when somebody last asked: so does whoever reads the
 *  metrics, before they are read. */
export function observeHealth(metrics: Metrics, { last }: Pick<Health, 'last'>): void {
  metrics.gauge({ name: 'talos_ready', help: '1 while this process takes calls, else 0.' }, (observe) =>
    observe(last()?.ready === true ? 1 : 0, {}),
  );
  metrics.gauge(
    { name: 'talos_health_check_passing', help: '1 while the check passes, else 0.', labels: ['check'] },
    (observe) => {
      for (const [check, state] of Object.entries(last()?.checks ?? {}))
        observe(state === 'ok' ? 1 : 0, { check });
    },
  );
}
