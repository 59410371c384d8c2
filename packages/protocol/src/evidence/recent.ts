import { ownText } from '../encoding/utf8.js';

/** The values of those who were put last, so many at most. Of an entry that a name was read out of nothing else is kept. */
export interface Recent<T> {
  get(name: string): T | undefined;
  put(name: string, value: T): void;
  /** The last one last. */
  all(): [name: string, value: T][];
  /** True if there may have been others, which were forgotten. */
  isFull(): boolean;
}

/** `known` was put before, in this order. */
export function createRecent<T>(known: Iterable<readonly [string, T]>, most: number): Recent<T> {
  const values = new Map(known);
  return {
    get: (name) => values.get(name),
    put: (name, value) => {
      values.delete(name);
      values.set(ownText(name), value);
      if (values.size <= most) return;
      const [oldest] = values.keys();
      values.delete(oldest as string);
    },
    all: () => [...values],
    isFull: () => values.size >= most,
  };
}
