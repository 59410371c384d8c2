/** A text as it reads without a disguise. Places in it are lost. */
export interface Reading {
  readonly text: string;
  /** True if nobody writes so by chance. */
  readonly isOnPurpose: boolean;
}

/** Readings of a folded text that differ from it: letters of other scripts that look like Latin ones, spaced letters, marks
 *  between them, digits for letters, back to front. Each is as long as the text at most. */
export function readingsOf(text: string): readonly Reading[] {
  const readings: Reading[] = [];
  const add = (read: string, isOnPurpose: boolean): void => {
    if (read !== text) readings.push({ text: read, isOnPurpose });
  };
  if (LOOKALIKE.test(text))
    add(
      text.replaceAll(LOOKALIKES, (one) => LATIN.get(one) ?? one),
      true,
    );
  if (MARKS.test(text)) add(text.replaceAll(/<[^<>]{0,64}>|[*_~`]/g, '').replaceAll(/ {2,}/g, ' '), false);
  if (SPACED.test(text)) add(text.replaceAll(/(?<=(?:^| )\p{L}) (?=\p{L}(?: |$))/gu, ''), true);
  if (DIGITS.test(text))
    add(
      text.replaceAll(/[013457]/g, (one) => LETTERS[one] ?? one),
      false,
    );
  if (REVERSED.test(text)) add([...text].reverse().join(''), true);
  return readings;
}

/** Of Cyrillic and Greek, what looks like a Latin letter. */
const LATIN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{
      а: 'a',
      е: 'e',
      о: 'o',
      р: 'p',
      с: 'c',
      у: 'y',
      х: 'x',
      і: 'i',
      ј: 'j',
      ѕ: 's',
      һ: 'h',
      ԁ: 'd',
      ԛ: 'q',
      ԝ: 'w',
    },
    ...{
      в: 'b',
      к: 'k',
      м: 'm',
      н: 'h',
      т: 't',
      ο: 'o',
      α: 'a',
      ε: 'e',
      ι: 'i',
      ν: 'v',
      ρ: 'p',
      τ: 't',
      υ: 'u',
      κ: 'k',
    },
  }),
);
const LOOKALIKES = new RegExp(`[${[...LATIN.keys()].join('')}]`, 'gu');
/** One of them in a word that is Latin. */
const LOOKALIKE = new RegExp(
  `[a-z][${[...LATIN.keys()].join('')}]|[${[...LATIN.keys()].join('')}][a-z]`,
  'u',
);
const MARKS = /[a-z](?:<[^<>]{0,64}>|[*_~`]{1,3}){1,6} ?[a-z]|[*_~`]{1,3}[a-z]{1,24}[*_~`]{1,3}/;
const SPACED = /(?:^| )(?:\p{L} ){5,}/u;
const DIGITS = /[a-z][013457]{1,2}[a-z].{0,40}[a-z][013457]{1,2}[a-z]/;
const LETTERS: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't' };
/** Words that only such texts have, back to front. */
const REVERSED = /\b(?:snoitcurtsni|tpmorp|erongi|suoiverp|dragersid)\b/;

/** A part of a text that is another one in code. */
export interface Encoded {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const READABLE = /^[\t\n\r\x20-\x7E]{16,}$/;

/** Parts of a text that are text in base64, hexadecimal or binary digits, or turned by thirteen letters. */
export function* encodedParts(text: string): Generator<Encoded> {
  for (const { index, 0: match } of text.matchAll(/[A-Za-z0-9+/]{24,8192}={0,2}/g)) {
    const isHex = /^[0-9a-f]+$/i.test(match) && match.length % 2 === 0;
    const read = Buffer.from(match, isHex ? 'hex' : 'base64').toString('latin1');
    if (READABLE.test(read)) yield { start: index, end: index + match.length, text: read };
  }
  for (const { index, 0: match } of text.matchAll(/(?:[01]{8} ?){16,1024}/g)) {
    const read = String.fromCharCode(
      ...(match.match(/[01]{8}/g) ?? []).map((one) => Number.parseInt(one, 2)),
    );
    if (READABLE.test(read)) yield { start: index, end: index + match.length, text: read };
  }
  for (const { index, 0: match } of text.matchAll(
    /\b(?:vtaber|qvfertneq|birevehyr|vafgehpgvbaf)\b[^\n]{0,400}/gi,
  ))
    yield { start: index, end: index + match.length, text: match.replaceAll(/[a-z]/gi, turned) };
}

function turned(letter: string): string {
  const code = letter.charCodeAt(0);
  const first = code >= 97 ? 97 : 65;
  return String.fromCharCode(((code - first + 13) % 26) + first);
}
