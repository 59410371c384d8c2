import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLog } from './log.js';
import { createMetrics } from './metrics/metrics.js';
import { startTasks } from './tasks.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function started(run: () => Promise<void>) {
  const lines: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const log = createLog({ level: 'warn', format: 'json', clock, write: (line) => void lines.push(line) });
  const metrics = createMetrics();
  return {
    lines,
    metrics,
    tasks: startTasks({ log, metrics }, 'kernel', [{ name: 'one', everyMs: 1_000, run }]),
  };
}

it('runs again after a failure, and says once that it fails until it works again', async () => {
  let runs = 0;
  let broken = true;
  const { lines, metrics, tasks } = started(async () => {
    runs += 1;
    if (broken) throw new Error('down');
  });
  await vi.advanceTimersByTimeAsync(3_000);
  expect([runs, lines.length]).toEqual([3, 1]);
  broken = false;
  await vi.advanceTimersByTimeAsync(1_000);
  broken = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect([runs, lines.length]).toEqual([5, 2]);
  expect(metrics.text()).toContain('talos_task_failures_total{task="one"} 4\n');
  await tasks.stop();
});

it('never runs a task twice at a time, and waits for it at the end', async () => {
  let runs = 0;
  let release = (): void => undefined;
  const { tasks } = started(() => {
    runs += 1;
    return new Promise((resolve) => {
      release = resolve;
    });
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(runs).toBe(1);
  let stopped = false;
  const stopping = tasks.stop().then(() => {
    stopped = true;
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect([runs, stopped]).toEqual([1, false]);
  release();
  await stopping;
  expect(stopped).toBe(true);
});
