const DOT = String.raw`(?:\.|%(?:25)*2e)`;
const SLASH = String.raw`(?:[/\\]|%(?:25)*(?:2f|5c))`;
const PARAMETERS = '(?:;|%(?:25)*3b)';
const QUERY = '(?:[?#]|%(?:25)*(?:3f|23))';
/** What a server that takes parameters off a segment (`..;x`), or that decodes once more than others, goes up at. */
const DOTS = new RegExp(`(?:^|${SLASH})${DOT}(?:${DOT}?(?:${PARAMETERS}|${SLASH}|$)|${DOT}${QUERY})`, 'i');

/** True if some parser reads a segment of this path as `.` or `..` (CAP-17), whatever others make of it.
 *  @example readsAsDots('/api/..;x=y/admin') // true */
export function readsAsDots(path: string): boolean {
  return DOTS.test(path);
}
