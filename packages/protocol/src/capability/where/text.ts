import { type ArgumentsMemo, isDotsIn, lengthIn } from './memo.js';
import { type ArgumentTest, ofString } from './test.js';

/** `prefix`: a string that starts with it. For paths and URLs use `within` and `url`. */
export function hasPrefix(value: string): ArgumentTest {
  return ofString((argument) => argument.startsWith(value));
}

/** `maxLength`: a string of at most so many UTF-8 bytes. */
export function isNotLonger(value: number): ArgumentTest {
  return ofString((argument, memo) => argument.length <= value && lengthIn(argument, memo) <= value);
}

/** `glob`: `*` stands for any run of characters except `/`, and never for what some parser reads as `.` or `..`.
 *  No backtracking: within one segment the earliest place for a literal is the best one, since only `*` follows. */
export function matchesGlob(pattern: string): ArgumentTest {
  const segments = pattern.split('/').map((segment) => segment.split('*'));
  return ofString((argument, memo) => {
    let at = 0;
    for (const [index, literals] of segments.entries()) {
      const slash = argument.indexOf('/', at);
      const isLast = index === segments.length - 1;
      if (isLast !== slash < 0) return false;
      const segment = argument.slice(at, isLast ? undefined : slash);
      if (!matchesSegment(literals, segment, memo)) return false;
      at = slash + 1;
    }
    return true;
  });
}

function matchesSegment(literals: readonly string[], segment: string, memo: ArgumentsMemo): boolean {
  const first = literals[0] as string;
  if (literals.length === 1) return segment === first;
  const last = literals[literals.length - 1] as string;
  const end = segment.length - last.length;
  if (!segment.startsWith(first) || !segment.endsWith(last)) return false;
  let at = first.length;
  for (const literal of literals.slice(1, -1)) {
    const found = segment.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at <= end && !isDotsIn(segment, memo);
}
