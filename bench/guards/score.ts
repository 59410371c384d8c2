/** What was right and wrong, as counts. */
export interface Score {
  readonly true_positives: number;
  readonly false_positives: number;
  readonly false_negatives: number;
}

export type Interval = readonly [low: number, high: number];

/** The figures that follow from the counts; null where nothing was counted that they are a share of. */
export interface Figures {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  readonly precision_95: Interval | null;
  readonly recall_95: Interval | null;
}

export const NONE: Score = { true_positives: 0, false_positives: 0, false_negatives: 0 };

export function add(a: Score, b: Score): Score {
  return {
    true_positives: a.true_positives + b.true_positives,
    false_positives: a.false_positives + b.false_positives,
    false_negatives: a.false_negatives + b.false_negatives,
  };
}

/** Precision, recall and F1, with the 95 % intervals of the first two. */
export function figuresOf({ true_positives, false_positives, false_negatives }: Score): Figures {
  const found = true_positives + false_positives;
  const wanted = true_positives + false_negatives;
  const all = true_positives + (false_positives + false_negatives) / 2;
  return {
    precision: share(true_positives, found),
    recall: share(true_positives, wanted),
    f1: share(true_positives, all),
    precision_95: wilson(true_positives, found),
    recall_95: wilson(true_positives, wanted),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** The normal distribution has 95 % within so many deviations. */
const Z = 1.959964;

/** Wilson's score interval for `hits` of `tries`: it holds at both ends and for few tries, where the usual one does
 *  not. Null without tries. */
export function wilson(hits: number, tries: number): Interval | null {
  if (tries === 0) return null;
  const p = hits / tries;
  const square = Z ** 2 / tries;
  const middle = p + square / 2;
  const half = Z * Math.sqrt((p * (1 - p)) / tries + square / (4 * tries));
  // At none and all of the tries the bound is exactly 0 and 1, which rounding would miss.
  const low = hits === 0 ? 0 : (middle - half) / (1 + square);
  const high = hits === tries ? 1 : (middle + half) / (1 + square);
  return [low, high];
}
