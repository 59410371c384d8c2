// Control characters, and those that reorder or hide text: they would let a name rewrite what stands around it.
const UNPRINTABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
const MAX_SHOWN = 2_000;

/** Text from elsewhere, safe to show to people among other text: control characters, and those that change the direction
 *  of writing or are not seen, become `\u{...}`; it is cut at `most` UTF-16 units, 2,000 unless told otherwise. */
export function printable(text: string, most = MAX_SHOWN): string {
  const shown = text.length > most ? `${text.slice(0, most)}...` : text;
  return shown.replace(UNPRINTABLE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}
