import type { Sql } from '../sql.js';
import type { Metrics } from './metrics.js';

/** How busy the pool of the database is. */
export function observeSql(metrics: Metrics, sql: Pick<Sql, 'load'>): void {
  metrics.gauge(
    { name: 'talos_postgres_connections', help: 'Connections of the pool.', labels: ['state'] },
    (observe) => {
      const { open, idle } = sql.load();
      observe(open - idle, { state: 'used' });
      observe(idle, { state: 'idle' });
    },
  );
  metrics.gauge(
    { name: 'talos_postgres_waiting_callers', help: 'Callers that wait for a connection.' },
    (observe) => observe(sql.load().waiting, {}),
  );
  metrics.observedCounter(
    {
      name: 'talos_postgres_refused_callers_total',
      help: 'Callers that were refused because too many waited for a connection.',
    },
    (observe) => observe(sql.load().refused, {}),
  );
}
