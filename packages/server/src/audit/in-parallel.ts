/** Does something to each item, so many at a time; results are in the order of the items. The first failure stops it, and is
 *  thrown once what was begun has ended: nothing is written any more after that. */
export async function inParallel<T, R>(
  items: Iterable<T>,
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items[Symbol.iterator]();
  let count = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && failures.length === 0; next = rest.next()) {
      const at = count;
      count += 1;
      results[at] = await work(next.value);
    }
  };
  const workers = Array.from({ length: atATime }, () => worker().catch((error) => void failures.push(error)));
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
  return results;
}
