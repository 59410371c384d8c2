import type { Finding } from './detect/finding.js';
import { beforeEscape, placeBefore, readJson } from './json-text.js';

/** What one guard knows of a text that comes bit by bit. Places are counted from its beginning. */
export interface Watch {
  lookedTo: number;
  takenTo: number;
  findings: readonly Finding[];
}

/** What a guard is to look at. */
export interface Unseen {
  /** As it reads. */
  readonly text: string;
  /** Where in the whole it begins and ends, and where in it a character of `text` begins. */
  readonly from: number;
  readonly to: number;
  rawAt(index: number): number;
}

/** What of the text is there: it begins at `base`. */
export interface KeptText {
  readonly text: string;
  readonly base: number;
  readonly isJson: boolean;
}

/** So much of what was looked at is looked at again with what follows it. */
export const CONTEXT = 4096;

export function unseenBy({ lookedTo, findings }: Watch, { text, base, isJson }: KeptText): Unseen {
  // One that may go on is seen from its beginning again.
  const open = findings.filter(({ end }) => end === lookedTo).map(({ start }) => start);
  const wanted = Math.max(
    0,
    Math.min(base + placeBefore(text, lookedTo - base, CONTEXT, isJson), ...open) - base,
  );
  const from = isJson ? beforeEscape(text, wanted) : wanted;
  const raw = text.slice(from);
  const read = isJson ? readJson(raw) : { text: raw, rawAt: (index: number) => index };
  return { ...read, from: base + from, to: base + text.length };
}

/** Takes what was found in what was unseen. */
export function learn(watch: Watch, { from, to, rawAt }: Unseen, findings: readonly Finding[]): void {
  watch.lookedTo = to;
  const before = watch.findings.filter(({ start }) => start < from);
  const known = before.reduce((most, { end }) => Math.max(most, end), from);
  const found = findings
    .map(({ type, start, end }) => ({ type, start: from + rawAt(start), end: from + rawAt(end) }))
    .filter(({ start }) => start >= known);
  watch.findings = [...before, ...found];
}

/** What was found before `end`, once; `late` is what began before an earlier one, and was not known then. */
export function takeTo(
  watch: Watch,
  end: number,
): { readonly whole: readonly Finding[]; readonly late: readonly Finding[] } {
  const { findings, takenTo } = watch;
  watch.takenTo = Math.max(takenTo, end);
  return {
    whole: findings.filter((one) => one.start >= takenTo && one.end <= end),
    late: findings.filter((one) => one.start < takenTo && one.end > takenTo),
  };
}

/** Before `safe`, and before whatever goes on behind it, or may. */
export function safeBefore({ findings, lookedTo }: Watch, safe: number, isClosed: boolean): number {
  let end = safe;
  for (const one of findings) {
    const mayGrow = one.end === lookedTo && !isClosed;
    if (one.start < end && (one.end > end || mayGrow)) end = one.start;
  }
  return end;
}
