import { performance } from 'node:perf_hooks';
import type { Metrics } from './metrics.js';

/** What every process says of itself. */
export function observeProcess(metrics: Metrics, version: string): void {
  metrics.gauge(
    { name: 'talos_build_info', help: 'What runs; the value is always 1.', labels: ['version', 'node'] },
    (observe) => observe(1, { version, node: process.version }),
  );
  const started = (performance.timeOrigin / 1000) | 0;
  metrics.gauge(
    { name: 'talos_process_start_time_seconds', help: 'When the process started, in Unix time.' },
    (observe) => observe(started, {}),
  );
  metrics.observedCounter(
    { name: 'talos_process_cpu_seconds_total', help: 'Time of processors used.', labels: ['mode'] },
    (observe) => {
      const { user, system } = process.cpuUsage();
      observe(user / 1e6, { mode: 'user' });
      observe(system / 1e6, { mode: 'system' });
    },
  );
  metrics.gauge(
    { name: 'talos_process_memory_bytes', help: 'Memory of the process.', labels: ['kind'] },
    (observe) => {
      const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
      observe(rss, { kind: 'resident' });
      observe(heapTotal, { kind: 'heap' });
      observe(heapUsed, { kind: 'heap_used' });
      observe(external, { kind: 'external' });
    },
  );
  observeEventLoop(metrics);
}

/** Above 0.9 or so, requests wait for each other. */
function observeEventLoop(metrics: Metrics): void {
  let last = performance.eventLoopUtilization();
  metrics.gauge(
    {
      name: 'talos_process_event_loop_busy_ratio',
      help: 'Share of the time since the last reading in which the main thread was busy.',
    },
    (observe) => {
      const now = performance.eventLoopUtilization();
      observe(performance.eventLoopUtilization(now, last).utilization, {});
      last = now;
    },
  );
}
