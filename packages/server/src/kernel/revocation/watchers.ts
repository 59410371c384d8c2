import type { Log } from '../../platform/log.js';

/** Listeners by name, each called once. */
export interface Watchers {
  add(names: readonly string[], listener: () => void): () => void;
  call(name: string): void;
}

export function createWatchers(log: Log): Watchers {
  const byName = new Map<string, Set<() => void>>();
  const remove = (name: string, listener: () => void): void => {
    const set = byName.get(name);
    if (set?.delete(listener) && set.size === 0) byName.delete(name);
  };
  const add = (names: readonly string[], listener: () => void): (() => void) => {
    // Wrapped: the same function may be added twice, and each addition is removed by itself.
    const once = (): void => {
      unsubscribe();
      listener();
    };
    const unsubscribe = (): void => {
      for (const name of names) remove(name, once);
    };
    for (const name of names) byName.set(name, (byName.get(name) ?? new Set()).add(once));
    return unsubscribe;
  };
  const call = (name: string): void => {
    for (const once of [...(byName.get(name) ?? [])]) {
      try {
        once();
      } catch (error) {
        // One listener's fault must not keep a revocation from the others.
        log.error('a listener for a revocation failed', { err: error });
      }
    }
  };
  return { add, call };
}
