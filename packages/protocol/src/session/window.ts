import { BELOW_WINDOW, SEEN } from './session-code.js';

/** The widths a session may have. */
export const WINDOW_WIDTHS = [256, 1024] as const;

/** How many of the highest numbers a receiver remembers. */
export type WindowWidth = (typeof WINDOW_WIDTHS)[number];

/** What a window says of a number: never seen, seen before, or too old to tell (which counts as seen). */
export type WindowVerdict = 'fresh' | 'seen' | 'below_window';

/** Remembers which of the latest numbers of a session were used. */
export interface ReplayWindow {
  readonly width: WindowWidth;
  /** The highest number marked so far; 0 before the first. */
  highest(): number;
  /** The verdict on `seq`; changes nothing. */
  check(seq: number): WindowVerdict;
  /** The verdict on `seq`; a fresh number is used up by this call. */
  mark(seq: number): WindowVerdict;
}

/** Makes the sliding window of SES-9: one bit for each of the `width` highest numbers, in a ring, so that neither
 *  call allocates. Numbers are safe integers from 1, as `parseTalosAuthorization` gives them; anything else is
 *  a caller's bug and answered `below_window`, which refuses it. */
export function createReplayWindow(width: WindowWidth): ReplayWindow {
  const bits = new Uint32Array(width >>> 5);
  let highest = 0;
  const check = (seq: number): WindowVerdict => verdictOf(windowCode(bits, 0, width, highest, seq));

  function mark(seq: number): WindowVerdict {
    const verdict = check(seq);
    if (verdict !== 'fresh') return verdict;
    markInWindow(bits, 0, width, highest, seq);
    highest = Math.max(highest, seq);
    return verdict;
  }

  return { width, highest: () => highest, check, mark };
}

/** True for a width a session may have. */
export function isWindowWidth(value: unknown): value is WindowWidth {
  return value === 256 || value === 1024;
}

function verdictOf(code: number): WindowVerdict {
  if (code === SEEN) return 'seen';
  return code === BELOW_WINDOW ? 'below_window' : 'fresh';
}

/** 0 for a fresh number, else SEEN or BELOW_WINDOW. The ring of `width` bits starts at word `at`; a width is a power
 *  of two, so the low 32 bits of a number say where in the ring it is. */
export function windowCode(
  words: Uint32Array,
  at: number,
  width: number,
  highest: number,
  seq: number,
): number {
  if (seq > highest) return Number.isSafeInteger(seq) ? 0 : BELOW_WINDOW;
  if (!Number.isSafeInteger(seq) || seq < 1 || seq <= highest - width) return BELOW_WINDOW;
  const index = (seq >>> 0) & (width - 1);
  return ((words[at + (index >>> 5)] as number) & (1 << (index & 31))) === 0 ? 0 : SEEN;
}

/** Uses a fresh number up. The bits between the old and the new highest number belong to numbers that left the
 *  window. */
export function markInWindow(
  words: Uint32Array,
  at: number,
  width: number,
  highest: number,
  seq: number,
): void {
  if (seq - highest >= width) words.fill(0, at, at + (width >>> 5));
  else for (let passed = highest + 1; passed < seq; passed++) clearBit(words, at, passed & (width - 1));
  const index = (seq >>> 0) & (width - 1);
  const word = at + (index >>> 5);
  words[word] = (words[word] as number) | (1 << (index & 31));
}

function clearBit(words: Uint32Array, at: number, index: number): void {
  const word = at + (index >>> 5);
  words[word] = (words[word] as number) & ~(1 << (index & 31));
}
