/** A map of at most `capacity` entries that forgets the one used longest ago. */
export interface BoundedMap<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  size(): number;
}

export function createBoundedMap<K, V>(capacity: number): BoundedMap<K, V> {
  const entries = new Map<K, V>();
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      // A Map keeps the order of insertion: the first is the one used longest ago.
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set: (key, value) => {
      entries.delete(key);
      for (const oldest of entries.keys()) {
        if (entries.size < capacity) break;
        entries.delete(oldest);
      }
      entries.set(key, value);
    },
    delete: (key) => void entries.delete(key),
    size: () => entries.size,
  };
}

/** A set of the same kind. */
export function createBoundedSet(capacity: number): { has(key: string): boolean; add(key: string): void } {
  const map = createBoundedMap<string, true>(capacity);
  return { has: (key) => map.get(key) === true, add: (key) => map.set(key, true) };
}
