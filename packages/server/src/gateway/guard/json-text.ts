/** JSON as it reads: what is written in escapes is what it stands for. */
export interface ReadJson {
  readonly text: string;
  /** Where in the JSON the character at `index` begins; its length, behind the last. */
  rawAt(index: number): number;
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;
const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads JSON, or a part of it, whether it is whole or not. */
export function readJson(raw: string): ReadJson {
  if (!raw.includes('\\')) return { text: raw, rawAt: (index) => index };
  const parts: string[] = [];
  /** Where in the text an escape stands, and how much longer the JSON is behind it. */
  const places: number[] = [];
  const shifts: number[] = [];
  let [at, length, shift] = [0, 0, 0];
  for (const { index, 0: written, 1: code, 2: short } of raw.matchAll(ESCAPE)) {
    const plain = raw.slice(at, index);
    const one =
      code === undefined
        ? (SHORT[short ?? ''] ?? short ?? '')
        : String.fromCharCode(Number.parseInt(code, 16));
    parts.push(plain, one);
    length += plain.length + 1;
    at = index + written.length;
    shift = at - length;
    places.push(length);
    shifts.push(shift);
  }
  parts.push(raw.slice(at));
  return { text: parts.join(''), rawAt: (index) => index + shiftAt(places, shifts, index) };
}

/** By how much what was read is longer than the text before a place in it: `places` are those from where it is longer by `shifts`. */
export function shiftAt(places: readonly number[], shifts: readonly number[], index: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] as number) <= index) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : (shifts[low - 1] as number);
}

/** Where a part of JSON may begin at most at `index`: not in the middle of an escape. */
export function beforeEscape(raw: string, index: number): number {
  let at = Math.max(0, index - 6);
  while (at > 0 && raw[at - 1] === '\\') at -= 1;
  return index === 0 ? 0 : at;
}

/** A text as it stands within a string of JSON. */
export function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
