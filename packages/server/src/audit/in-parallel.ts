/** Does something to each item, so many at a time, and stops at the first failure; results are in the order of the items. */
export async function inParallel<T, R>(
  items: Iterable<T>,
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items[Symbol.iterator]();
  let count = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && !failed; next = rest.next()) {
      const at = count;
      count += 1;
      results[at] = await work(next.value);
    }
  };
  const tell = (error: unknown): never => {
    failed = true;
    throw error;
  };
  await Promise.all(Array.from({ length: atATime }, () => worker().catch(tell)));
  return results;
}
