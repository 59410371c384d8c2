/** A text as somebody reads it: without case, without what cannot be seen, one space where there is any. */
export interface Folded {
  readonly text: string;
  /** Where in the original the character at `index` stands; the length of the original behind the last. */
  placeOf(index: number): number;
}

/** Joiners, marks of direction, soft hyphens, tags: what Unicode says nobody sees. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;

const PLAIN = /^[\x21-\x40\x5B-\x7E]*$/;

export function fold(original: string): Folded {
  const parts: string[] = [];
  const places: number[] = [];
  let at = 0;
  let wasSpace = false;
  for (const character of original) {
    const shown = foldCharacter(character);
    const isSpace = shown === ' ';
    if (shown !== '' && !(isSpace && wasSpace)) {
      parts.push(shown);
      for (let unit = 0; unit < shown.length; unit += 1) places.push(at);
    }
    if (shown !== '') wasSpace = isSpace;
    at += character.length;
  }
  return { text: parts.join(''), placeOf: (index) => places[index] ?? original.length };
}

function foldCharacter(character: string): string {
  if (PLAIN.test(character)) return character;
  if (UNSEEN.test(character)) return '';
  if (/\s/.test(character)) return ' ';
  const plain = character.normalize('NFKC');
  // A few characters are whole sentences.
  const shown = plain.length > 4 ? character : plain;
  return shown.toLowerCase().replaceAll(/\s/gu, ' ');
}
