/** Reads by name, so that many callers at a time share one read and none gets an answer that is older than its question:
 *  whoever comes while a read runs waits for the next one. A read that fails fails for all who share it. */
export function createSharedRead<T>(read: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const running = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<T>>();

  const start = (name: string): Promise<T> => {
    const begun = read(name);
    const over = begun
      .catch(() => undefined)
      .then(() => {
        if (running.get(name) === over) running.delete(name);
      });
    running.set(name, over);
    return begun;
  };
  return (name) => {
    const before = running.get(name);
    if (before === undefined) return start(name);
    const known = next.get(name);
    if (known !== undefined) return known;
    const after = before.then(() => {
      next.delete(name);
      return start(name);
    });
    next.set(name, after);
    return after;
  };
}
