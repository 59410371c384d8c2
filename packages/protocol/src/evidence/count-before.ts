/** How many of these, which are in order, lie before an index. */
export function countBefore<T>(list: readonly T[], index: number, at: (one: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(list[middle] as T) < index) low = middle + 1;
    else high = middle;
  }
  return low;
}
