/** Finds everything that stands under a name. */
export interface Index<T> {
  add(name: string, value: T): void;
  remove(name: string, value: T): void;
  /** In the order of addition; a copy, so that values may be removed meanwhile. */
  find(name: string): readonly T[];
  count(name: string): number;
}

/** Makes an index that forgets a name with its last value. */
export function createIndex<T>(): Index<T> {
  const sets = new Map<string, Set<T>>();
  return {
    add(name, value) {
      const set = sets.get(name);
      if (set === undefined) sets.set(name, new Set([value]));
      else set.add(value);
    },
    remove(name, value) {
      const set = sets.get(name);
      if (set?.delete(value) && set.size === 0) sets.delete(name);
    },
    find: (name) => [...(sets.get(name) ?? [])],
    count: (name) => sets.get(name)?.size ?? 0,
  };
}
