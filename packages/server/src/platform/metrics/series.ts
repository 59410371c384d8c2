/** The value of every label of a metric. */
export type Labels<K extends string> = Readonly<Record<K, string>>;

/** What a series beyond the most that are kept is counted under, and a value that is not a label's. */
const OTHER = 'other';
/** Printable ASCII: nothing that a scraper, a log or a terminal could take for something else. */
const VALUE = /^[ -~]{0,96}$/;

/** One series: the values of its labels, and what is counted in it. */
export interface Series<T> {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: T;
}

/** The series of one metric. However many values its labels are given, it keeps `most` of them and one for the rest. */
export interface SeriesTable<K extends string, T> {
  /** The same cell for the same labels. */
  cell(labels: Labels<K>): T;
  all(): readonly Series<T>[];
}

/** `make` makes an empty cell. Labels that are not among `names` are not looked at. */
export function createSeriesTable<K extends string, T>(
  names: readonly K[],
  most: number,
  make: () => T,
): SeriesTable<K, T> {
  const byKey = new Map<string, Series<T>>();
  let overflow: Series<T> | undefined;
  const add = (values: readonly string[]): Series<T> => ({
    labels: Object.fromEntries(names.map((name, index) => [name, values[index] ?? OTHER])),
    cell: make(),
  });
  return {
    cell: (labels) => {
      const values = names.map((name) => (VALUE.test(labels[name]) ? labels[name] : OTHER));
      const key = values.join('\n');
      const known = byKey.get(key);
      if (known !== undefined) return known.cell;
      if (byKey.size >= most) {
        overflow ??= add(names.map(() => OTHER));
        return overflow.cell;
      }
      const series = add(values);
      byKey.set(key, series);
      return series.cell;
    },
    all: () => [...byKey.values(), ...(overflow === undefined ? [] : [overflow])],
  };
}
