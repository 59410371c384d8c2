// Control characters, and those that reorder or hide text: they would let a name rewrite the screen.
const UNPRINTABLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;
const MAX_SHOWN = 2_000;

/** Text from elsewhere, safe to write on a terminal: control characters become `\u{...}`, and it is cut at 2,000
 *  characters. */
export function printable(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return shown.replace(UNPRINTABLE, escapeCharacter);
}

/** JSON whose strings hold nothing a terminal would obey; the same value once parsed. */
export function printableJson(value: unknown, indent = 2): string {
  const text = JSON.stringify(value, null, indent);
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
