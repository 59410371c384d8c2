import { writeUtf8 } from './utf8.js';

/** Room for one short text after another, whose characters are read as bytes, four at a time: with what it takes to write
 *  them, that is less than half of what asking the text for each takes. */
export interface AsciiLine {
  readonly view: DataView;
  /** Puts the text at the beginning; true if it is ASCII and not longer than the room is for. */
  write(text: string): boolean;
}

/** Makes a line for texts of at most so many characters. */
export function createAsciiLine(length: number): AsciiLine {
  // Other characters take two or three bytes: with room for them the count tells whether there are any.
  const bytes = new Uint8Array(3 * length);
  return {
    view: new DataView(bytes.buffer),
    write: (text) => text.length <= length && writeUtf8(text, bytes) === text.length,
  };
}
