import { RE2JS } from 're2js';
import { type Finding, merged } from './finding.js';
import { fold } from './folded.js';

/** What is not to be said. */
export interface DenyList {
  /** Words and phrases, whole, however they are written. */
  readonly words: readonly string[];
  /** Expressions of RE2, each with the name that stands for what it finds. */
  readonly patterns: readonly { readonly name: string; readonly pattern: string }[];
}

/** Builds what looks for them. Patterns are those of RE2, which takes no longer than a text is long, whatever the pattern.
 *  @throws {Error} not a pattern */
export function createDenyDetector({ words, patterns }: DenyList): (text: string) => readonly Finding[] {
  const folded = words.map((word) => fold(word.trim()).text).filter((word) => word !== '');
  const compiled = patterns.map(({ name, pattern }) => ({ name, pattern: RE2JS.compile(pattern) }));
  return (text) => {
    const found: Finding[] = [];
    if (folded.length > 0) findWords(text, folded, found);
    for (const { name, pattern } of compiled) {
      const matcher = pattern.matcher(text);
      while (matcher.find())
        if (matcher.end() > matcher.start())
          found.push({ type: name, start: matcher.start(), end: matcher.end() });
    }
    return merged(found);
  };
}

function findWords(text: string, words: readonly string[], found: Finding[]): void {
  const { text: read, placeOf } = fold(text);
  for (const word of words) {
    for (let at = read.indexOf(word); at >= 0; at = read.indexOf(word, at + 1)) {
      const end = at + word.length;
      if (isWordBetween(read, at, end)) found.push({ type: 'word', start: placeOf(at), end: placeOf(end) });
    }
  }
}

const LETTER = /[\p{L}\p{N}]/u;

/** Neither end goes on in the middle of a word. Scripts that put no space between words have no such ends. */
function isWordBetween(text: string, start: number, end: number): boolean {
  const goesOn = (inside: string, outside: string): boolean =>
    LETTER.test(inside) && LETTER.test(outside) && !SPACELESS.test(inside);
  return !(goesOn(text[start] ?? '', text[start - 1] ?? '') || goesOn(text[end - 1] ?? '', text[end] ?? ''));
}

const SPACELESS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
