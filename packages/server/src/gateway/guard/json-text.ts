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

const WRITTEN = /^u[0-9a-fA-F]{4}$/;

/** Where in JSON the unit begins that ends at `end`, as it reads: one may be an escape. */
export function unitStart(text: string, end: number): number {
  const isWritten = text[end - 5] === 'u' && isEscape(text, end - 6);
  if (isWritten && WRITTEN.test(text.slice(end - 5, end))) return end - 6;
  return isEscape(text, end - 2) && (text[end - 1] as string) in SHORTS ? end - 2 : end - 1;
}

/** What the unit stands for that was found there. */
export function unitAt(text: string, start: number, end: number): number {
  if (end - start === 6) return Number.parseInt(text.slice(start + 2, end), 16);
  if (end - start === 2) return SHORTS[text[start + 1] as string] as number;
  return text.charCodeAt(start);
}

const SHORTS: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('"\\/bfnrt', (short) => [short, (SHORT[short] ?? short).charCodeAt(0)]),
);

/** Of more backslashes in a row it does not matter which belong together: to look through all of them for each would take long. */
const MOST_BACKSLASHES = 6;

/** True if an escape begins there: a backslash that is not escaped itself. */
function isEscape(text: string, at: number): boolean {
  if (at < 0 || text.charCodeAt(at) !== 0x5c) return false;
  let first = at;
  while (first > 0 && at - first < MOST_BACKSLASHES && text.charCodeAt(first - 1) === 0x5c) first -= 1;
  return (at - first) % 2 === 0;
}

/** The place so many characters before `end`, of JSON as they read, or one before that; less than 0 if there are fewer. */
export function placeBefore(text: string, end: number, count: number, isJson: boolean): number {
  if (!isJson) return end - count;
  for (let size = count; ; ) {
    const needed = count + longerBy(text, Math.max(0, end - size), end);
    if (needed <= size || size > end) return end - needed;
    size = Math.max(needed, 2 * size);
  }
}

/** By how much JSON is longer there than what it reads as. */
function longerBy(text: string, from: number, end: number): number {
  let more = 0;
  for (let at = text.indexOf('\\', from); at >= 0 && at < end; ) {
    const extra = text[at + 1] === 'u' ? 5 : 1;
    more += extra;
    at = text.indexOf('\\', at + extra + 1);
  }
  return more;
}

/** A text as it stands within a string of JSON. */
export function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
