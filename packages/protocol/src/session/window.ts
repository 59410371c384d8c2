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

  function check(seq: number): WindowVerdict {
    if (!Number.isSafeInteger(seq) || seq < 1 || seq <= highest - width) return 'below_window';
    if (seq > highest) return 'fresh';
    return isSet(bits, seq % width) ? 'seen' : 'fresh';
  }

  /** The bits between the old and the new highest number belong to numbers that left the window. */
  function advance(seq: number): void {
    if (seq - highest >= width) bits.fill(0);
    else for (let passed = highest + 1; passed < seq; passed++) clear(bits, passed % width);
    highest = seq;
  }

  function mark(seq: number): WindowVerdict {
    const verdict = check(seq);
    if (verdict !== 'fresh') return verdict;
    if (seq > highest) advance(seq);
    set(bits, seq % width);
    return verdict;
  }

  return { width, highest: () => highest, check, mark };
}

/** True for a width a session may have. */
export function isWindowWidth(value: unknown): value is WindowWidth {
  return value === 256 || value === 1024;
}

function isSet(bits: Uint32Array, index: number): boolean {
  return ((bits[index >>> 5] as number) & (1 << (index & 31))) !== 0;
}

function set(bits: Uint32Array, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] as number) | (1 << (index & 31));
}

function clear(bits: Uint32Array, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] as number) & ~(1 << (index & 31));
}
