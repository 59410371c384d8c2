import type { Detector, Finding } from './finding.js';

/** Stands between two texts that are looked through together: no pattern goes over it unless it takes whatever comes. */
const BETWEEN = '\n\0\n';

/** A detector that looks through all texts at once, which spares what a single one costs. What it finds over the end of a text
 *  is cut there. */
export function joined(detect: (text: string) => Promise<readonly Finding[]> | readonly Finding[]): Detector {
  return async (texts) => {
    const [only] = texts;
    if (only === undefined) return [];
    if (texts.length === 1) return [await detect(only)];
    const found = await detect(texts.join(BETWEEN));
    return split(found, texts);
  };
}

function split(found: readonly Finding[], texts: readonly string[]): Finding[][] {
  const out: Finding[][] = texts.map(() => []);
  const sorted = [...found].sort((a, b) => a.start - b.start);
  let [first, firstStart] = [0, 0];
  for (const { type, start, end } of sorted) {
    while (firstStart + (texts[first] as string).length + BETWEEN.length <= start) {
      firstStart += (texts[first] as string).length + BETWEEN.length;
      first += 1;
    }
    for (let [at, base] = [first, firstStart]; at < texts.length && base < end; at += 1) {
      const { length } = texts[at] as string;
      const from = Math.max(start - base, 0);
      const to = Math.min(end - base, length);
      if (from < to) (out[at] as Finding[]).push({ type, start: from, end: to });
      base += length + BETWEEN.length;
    }
  }
  return out;
}
