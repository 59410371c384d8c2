/** Work that waits, of many who each have their turn. */
export interface FairQueue<T> {
  /** False if there is no more room for it. */
  push(owner: string, work: T): boolean;
  /** The next one: of whoever had none for longest. */
  shift(): T | undefined;
  drain(): readonly T[];
}

/** Builds it: `most` of all, `mostOfOne` of each owner. */
export function createFairQueue<T>(most: number, mostOfOne: number): FairQueue<T> {
  // A map keeps its keys in the order in which they came: whoever had its turn comes last again.
  const owners = new Map<string, T[]>();
  let size = 0;
  return {
    push(owner, work) {
      const own = owners.get(owner) ?? [];
      if (size >= most || own.length >= mostOfOne) return false;
      own.push(work);
      owners.set(owner, own);
      size += 1;
      return true;
    },
    shift() {
      const [next] = owners;
      if (next === undefined) return undefined;
      const [owner, own] = next;
      const work = own.shift();
      owners.delete(owner);
      if (own.length > 0) owners.set(owner, own);
      size -= 1;
      return work;
    },
    drain() {
      const all = [...owners.values()].flat();
      owners.clear();
      size = 0;
      return all;
    },
  };
}
