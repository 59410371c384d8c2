import { shiftAt } from '../json-text.js';
import { type Finding, merged } from './finding.js';

/** What Unicode says nobody sees: joiners, marks of direction, soft hyphens, tags. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;
const SPACE = /\p{Zs}/u;
const HYPHEN = /[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]/u;
const DIGIT = /\p{Nd}/u;
/** Letters, digits and marks of ASCII in another width or face. */
const STYLED = /[\uFF01-\uFF5E\u{1D400}-\u{1D7FF}]/u;
const sourceOf = (patterns: readonly RegExp[]): string => patterns.map(({ source }) => source).join('|');
const IN_WORD = sourceOf([UNSEEN, HYPHEN, STYLED, /(?![0-9])\p{Nd}/u]);
const ALL = `${IN_WORD}|(?! )\\p{Zs}`;
const OTHER = new RegExp(ALL, 'u');
const OTHERS = new RegExp(ALL, 'gu');
const WORD = new RegExp(IN_WORD, 'u');

/** True of a character beyond ASCII that reads as one of a word of it, or as nothing. */
export function isInPlainWord(character: string): boolean {
  return WORD.test(character);
}

/** What is found in a text as it stands, and as it reads in ASCII's spaces, hyphens and digits without what nobody sees: a page or a
 *  document that something is copied from has others, and means the same. */
export function inPlain(text: string, detect: (text: string) => readonly Finding[]): readonly Finding[];
export function inPlain(
  text: string,
  detect: (text: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]>;
export function inPlain(
  text: string,
  detect: (text: string) => readonly Finding[] | Promise<readonly Finding[]>,
): readonly Finding[] | Promise<readonly Finding[]> {
  if (!OTHER.test(text)) return detect(text);
  const { text: read, placeOf } = plainOf(text);
  const both = (as: readonly Finding[], plain: readonly Finding[]): readonly Finding[] =>
    merged([...as, ...plain.map(({ type, ...place }) => ({ type, ...placeOf(place) }))]);
  const [own, more] = [detect(text), detect(read)];
  if (own instanceof Promise || more instanceof Promise)
    return Promise.all([own, more]).then(([as, plain]) => both(as, plain));
  return both(own, more);
}

type Place = Pick<Finding, 'start' | 'end'>;

function plainOf(original: string): { readonly text: string; placeOf(place: Place): Place } {
  /** From where on the original is longer, and by how much. */
  const [places, shifts]: [number[], number[]] = [[], []];
  let shift = 0;
  const text = original.replaceAll(OTHERS, (character, at: number) => {
    const shown = plainCharacter(character);
    if (shown.length === character.length) return shown;
    places.push(at - shift + shown.length);
    shift += character.length - shown.length;
    shifts.push(shift);
    return shown;
  });
  const placeOf = (at: number): number => at + shiftAt(places, shifts, at);
  return { text, placeOf: ({ start, end }) => ({ start: placeOf(start), end: placeOf(end) }) };
}

function plainCharacter(character: string): string {
  if (UNSEEN.test(character)) return '';
  if (SPACE.test(character)) return ' ';
  if (HYPHEN.test(character)) return '-';
  if (STYLED.test(character)) return character.normalize('NFKC');
  return digitOf(character.codePointAt(0) as number);
}

/** Ten digits stand in a row, from where the last figure of their number is 0 or 6. */
function digitOf(code: number): string {
  const last = code % 16;
  const isFromZero = last < 6 || (last < 10 && DIGIT.test(String.fromCodePoint(code - last)));
  return String(isFromZero ? last : last - 6);
}
