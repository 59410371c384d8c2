/** Whether a pattern covers a permission or another pattern: everything the second means, the first means too. */
export function patternCovers(pattern: string, other: string): boolean {
  if (pattern === '*:*' || pattern === other) return true;
  return pattern.endsWith(':*') && other.startsWith(pattern.slice(0, -1));
}

/** Whether some permission is meant by both. */
export function patternsMeet(one: string, other: string): boolean {
  return patternCovers(one, other) || patternCovers(other, one);
}

/** 2 for a permission, 1 for `namespace:*`, 0 for `*:*`. */
export function rankOfPattern(pattern: string): number {
  if (pattern === '*:*') return 0;
  return pattern.endsWith(':*') ? 1 : 2;
}
