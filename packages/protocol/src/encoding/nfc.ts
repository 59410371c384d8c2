/** Text below has neither combining marks nor what composes with them: it is NFC. */
const BEYOND_LATIN = /[\u0300-\uffff]/;
const LONG_RUN = /\p{M}{31}/u;

/** True for text in NFC (UAX #15) without a run of more than 30 combining marks, which no language writes (UAX #15
 *  section 13, Stream-Safe Text Format): the time to put a run in order grows with the square of its length. */
export function isNfc(text: string): boolean {
  if (!BEYOND_LATIN.test(text)) return true;
  return !LONG_RUN.test(text) && text.normalize('NFC') === text;
}
