import type { Log } from './log.js';
import type { Metrics } from './metrics/metrics.js';

/** Something done again and again. */
export interface Task {
  readonly name: string;
  readonly everyMs: number;
  readonly run: () => Promise<void>;
}

/** The series of each room, whose name stays as it was first published. */
const FAILURES = {
  kernel: 'talos_task_failures_total',
  audit: 'talos_audit_task_failures_total',
  config: 'talos_config_task_failures_total',
} as const;

/** Runs each task at its interval until stopped; never twice at a time. A failure is logged once, until the task
 *  succeeds again. `stop` waits for what is running. */
export function startTasks(
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
  room: keyof typeof FAILURES,
  tasks: readonly Task[],
): { stop(): Promise<void> } {
  const running = new Map<string, Promise<void>>();
  const failing = new Set<string>();
  const failures = metrics.counter({
    name: FAILURES[room],
    help: `Runs of the periodic tasks of the ${room} room that failed.`,
    labels: ['task'],
  });
  const run = async ({ name, run: work }: Task): Promise<void> => {
    try {
      await work();
      failing.delete(name);
    } catch (error) {
      if (!failing.has(name)) log.warn('a periodic task fails', { stage: name, err: error });
      failing.add(name);
      failures.with({ task: name }).add();
    }
  };
  const timers = tasks.map((task) =>
    setInterval(() => {
      if (running.has(task.name)) return;
      running.set(
        task.name,
        run(task).finally(() => running.delete(task.name)),
      );
    }, task.everyMs).unref(),
  );
  return {
    stop: async () => {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}
