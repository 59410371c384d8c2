import type { Metrics } from '../../../platform/metrics/metrics.js';

/** Counts how tool servers live. Their names are the operator's. */
export interface UpstreamMeter {
  /** One runs, or has ended. */
  ran(server: string, change: 1 | -1): void;
  /** One ended that should not have, or did not come to run. */
  failed(server: string): void;
}

export function measureUpstream(metrics: Metrics): UpstreamMeter {
  const running = new Map<string, number>();
  metrics.gauge(
    {
      name: 'talos_tool_server_processes',
      help: 'Processes of tool servers that run; they start with their first call.',
      labels: ['server'],
    },
    (observe) => {
      for (const [server, count] of running) observe(count, { server });
    },
  );
  const failures = metrics.counter({
    name: 'talos_tool_server_failures_total',
    help: 'Tool servers that ended by themselves, or did not come to run.',
    labels: ['server'],
  });
  return {
    ran: (server, change) => {
      const count = (running.get(server) ?? 0) + change;
      // Who was taken out of the policy leaves no trace once the last process is gone.
      if (count === 0) running.delete(server);
      else running.set(server, count);
    },
    failed: (server) => failures.with({ server }).add(),
  };
}
