/** What is shorter could be a password that somebody put there by mistake, and be found by trying out. */
const SHORTEST = 32;

/** How an event names what a caller presented and nobody verified: by a hash, unless it is too short to be hidden by
 *  one (AUD-5). */
export function presentedToken(
  text: string,
  hashText: (text: string) => string,
): { readonly token?: string } {
  return text.length < SHORTEST ? {} : { token: hashText(text) };
}
