import type { Finding } from './finding.js';
import { type Folded, fold } from './folded.js';
import { SIGNALS } from './injection-signals.js';

/** Signs that a text, which somebody found or was sent, speaks to the model that reads it. They are signs: what is put in other words is
 *  not found, and a text about such attacks may be. */
export function detectInjection(text: string): readonly Finding[] {
  const found = [...hiddenText(text), ...signsIn(fold(text))];
  for (const { start, end, plain } of decodedParts(text)) {
    if (weightOf(signsIn(fold(plain))) >= ENOUGH) found.push({ type: 'encoded', start, end, weight: ENOUGH });
  }
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
  for (const { name, weight, pattern } of SIGNALS) {
    for (const { index, 0: match } of text.matchAll(pattern))
      signs.push({ type: name, weight, start: placeOf(index), end: placeOf(index + match.length) });
  }
  return signs;
}

/** Text that no person sees: tags, which spell letters, and long runs of what has no width. */
const HIDDEN = /(?:[\u{E0020}-\u{E007E}]){4,}|[\u200B-\u200D\u2060-\u2064\uFEFF]{8,}/gu;

function hiddenText(text: string): Sign[] {
  return [...text.matchAll(HIDDEN)].map(({ index, 0: match }) => ({
    type: 'hidden',
    weight: ENOUGH,
    start: index,
    end: index + match.length,
  }));
}

const ENCODED = /[A-Za-z0-9+/]{40,8192}={0,2}/g;
const READABLE = /^[\t\n\r\x20-\x7E]{30,}$/;

/** What stands in the text in base64, and is text. */
function* decodedParts(text: string): Generator<{ start: number; end: number; plain: string }> {
  for (const { index, 0: match } of text.matchAll(ENCODED)) {
    const plain = Buffer.from(match, 'base64').toString('latin1');
    if (READABLE.test(plain)) yield { start: index, end: index + match.length, plain };
  }
}
