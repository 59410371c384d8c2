import type { Log } from './log.js';

/** What happens at the end, in this order: stop accepting calls, let running ones finish, write down what is
 *  owed, close what they used (database last). */
export const SHUTDOWN_STAGES = ['stop-accepting', 'finish', 'flush', 'close'] as const;
export type ShutdownStage = (typeof SHUTDOWN_STAGES)[number];

/** The orderly end of a process. Signals are for `main` to bind. */
export interface Shutdown {
  /** Registers a step. Within a stage the last one registered runs first. */
  add(stage: ShutdownStage, name: string, step: () => Promise<unknown>): void;
  /** Runs every step once, however often it is called; a step that fails or is late does not stop the others.
   *  True if all went well. */
  run(reason: string): Promise<boolean>;
  readonly started: boolean;
}

/** `stepLimitMs` bounds each step; 15 s by default (longer than the steps' own limits). */
export function createShutdown(deps: { readonly log: Log; readonly stepLimitMs?: number }): Shutdown {
  const steps: { stage: ShutdownStage; name: string; step: () => Promise<unknown> }[] = [];
  const limitMs = deps.stepLimitMs ?? 15_000;
  let running: Promise<boolean> | undefined;
  const runAll = async (reason: string): Promise<boolean> => {
    deps.log.info('shutting down', { signal: reason });
    let clean = true;
    for (const stage of SHUTDOWN_STAGES) {
      for (const { name, step } of steps.filter((one) => one.stage === stage).reverse()) {
        clean = (await runStep(name, step, limitMs, deps.log)) && clean;
      }
    }
    return clean;
  };
  return {
    add: (stage, name, step) => void steps.push({ stage, name, step }),
    run: (reason) => {
      running ??= runAll(reason);
      return running;
    },
    get started() {
      return running !== undefined;
    },
  };
}

async function runStep(
  name: string,
  step: () => Promise<unknown>,
  limitMs: number,
  log: Log,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([Promise.resolve().then(step), late]);
    return true;
  } catch (error) {
    log.error('a step of the shutdown failed', { stage: name, err: error });
    return false;
  } finally {
    clearTimeout(timer);
  }
}
