/** Where in a text something was found. Offsets in UTF-16 units, `end` excluded. */
export interface Finding {
  /** What it is: a word of the detector's own list, or one that the operator chose. */
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Looks through texts, each of which stands alone; gives the findings of each, in their order. */
export type Detector = (texts: readonly string[]) => Promise<readonly (readonly Finding[])[]>;

/** Findings without those that lie within another one, in order; two that overlap become one, of the type of the first. */
export function merged(findings: readonly Finding[]): readonly Finding[] {
  const sorted = [...findings].sort((a, b) => a.start - b.start || b.end - a.end);
  const out: Finding[] = [];
  for (const one of sorted) {
    const last = out.at(-1);
    if (last === undefined || one.start >= last.end) out.push(one);
    else if (one.end > last.end) out[out.length - 1] = { ...last, end: one.end };
  }
  return out;
}
