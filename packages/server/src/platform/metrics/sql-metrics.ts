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
}
