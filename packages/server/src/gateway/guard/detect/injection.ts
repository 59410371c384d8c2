import { encodedParts, type Reading, readingsOf } from './disguises.js';
import type { Finding } from './finding.js';
import { type Folded, fold } from './folded.js';
import { SIGNALS } from './injection-signals.js';

/** Signs that a text, which somebody found or was sent, speaks to the model that reads it. They are signs: what is put in other words is
 *  not found, and a text about such attacks may be. */
export function detectInjection(text: string): readonly Finding[] {
  const folded = fold(text);
  const found = [...hiddenText(text), ...signsIn(folded)];
  for (const reading of readingsOf(folded.text))
    found.push(...disguised({ ...reading, start: 0, end: text.length }, 'disguised'));
  for (const part of encodedParts(text)) found.push(...disguised({ ...part, isOnPurpose: true }, 'encoded'));
  if (weightOf(found) < ENOUGH) return [];
  return found.map(({ type, start, end }) => ({ type, start, end })).sort((a, b) => a.start - b.start);
}

interface Sign extends Finding {
  readonly weight: number;
}

/** Of the weights of the signals, each of which counts once. */
const ENOUGH = 3;

function weightOf(signs: readonly Sign[]): number {
  const heaviest = new Map<string, number>();
  for (const { type, weight } of signs) heaviest.set(type, Math.max(weight, heaviest.get(type) ?? 0));
  return [...heaviest.values()].reduce((sum, weight) => sum + weight, 0);
}

function signsIn({ text, placeOf }: Folded): Sign[] {
  const signs: Sign[] = [];
  for (const { name, weight, pattern, within } of SIGNALS) {
    for (const { index, 0: match } of text.matchAll(pattern))
      if (within === undefined || within.test(match))
        signs.push({ type: name, weight, start: placeOf(index), end: placeOf(index + match.length) });
  }
  return signs;
}

/** Who hides an order on purpose needs to say less of it. */
function disguised(
  { text, isOnPurpose, start, end }: Reading & Pick<Finding, 'start' | 'end'>,
  type: string,
): Sign[] {
  const enough = isOnPurpose ? ENOUGH - 1 : ENOUGH;
  return weightOf(signsIn(fold(text))) >= enough ? [{ type, weight: ENOUGH, start, end }] : [];
}

/** Text that no person sees: tags and selectors, which spell letters, and long runs of what has no width. */
const HIDDEN =
  /(?:[\u{E0020}-\u{E007E}]){4,}|[\u{E0100}-\u{E01EF}]{4,}|[\u200B-\u200D\u2060-\u2064\uFEFF]{8,}|(?:\p{L}[\u200B-\u200D\u2060-\u2064\uFEFF]{1,2}){5,}/gu;

function hiddenText(text: string): Sign[] {
  return [...text.matchAll(HIDDEN)].map(({ index, 0: match }) => ({
    type: 'hidden',
    weight: ENOUGH,
    start: index,
    end: index + match.length,
  }));
}
