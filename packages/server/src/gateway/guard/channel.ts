import type { Finding } from './detect/finding.js';
import { isInPlainWord } from './detect/plain.js';
import type { GuardPolicy } from './guard.js';
import { escaped, placeBefore, unitAt, unitStart } from './json-text.js';
import { type Masks, plainMask, type Replacement } from './masks.js';
import { CONTEXT, learn, safeBefore, takeTo, type Unseen, unseenBy, type Watch } from './watch.js';

/** One text of a stream that comes bit by bit. Places are counted in characters from its beginning. */
export interface Channel {
  /** Those that look at it. */
  readonly guards: readonly GuardPolicy[];
  /** Adds a piece; gives where it stands. */
  add(piece: string): { readonly start: number; readonly end: number };
  /** Nothing more comes. */
  close(): void;
  /** What a guard has not looked at, with as much before it as it needs; undefined if it is not worth a look yet. */
  unseen(guard: GuardPolicy): Unseen | undefined;
  /** What a guard found in `unseen`, in its places. */
  seen(guard: GuardPolicy, unseen: Unseen, findings: readonly Finding[]): void;
  /** Up to here every guard has looked, and nothing that was found goes on behind it. */
  settledTo(): number;
  /** What was found before `end`, once; `late` is what began before an earlier one, and was not known then. */
  take(
    guard: GuardPolicy,
    end: number,
  ): { readonly whole: readonly Finding[]; readonly late: readonly Finding[] };
  /** A piece as it may be shown. */
  shown(start: number, end: number): string;
  /** Nothing before this place is asked for any more. */
  forget(before: number): void;
  /** True once it is complete, and all of it looked at. */
  isDone(): boolean;
  /** Characters that are kept. */
  size(): number;
}

/** A finding that is shorter than this is seen whole before any of it is shown, wherever the stream is cut. */
const WINDOW = 128;
/** Longer ones are too, where no space is in them: keys and tokens. */
const LONGEST_WORD = 2048;

export function createChannel(
  guards: readonly GuardPolicy[],
  masks: Masks | undefined,
  isJson: boolean,
): Channel {
  let [text, base, closed] = ['', 0, false];
  const length = (): number => base + text.length;
  const watches = new Map<GuardPolicy, Watch>(
    guards.map((guard) => [guard, { lookedTo: 0, takenTo: 0, findings: [] }]),
  );
  const watch = (guard: GuardPolicy): Watch => watches.get(guard) as Watch;
  const looked = (): number => Math.min(length(), ...[...watches.values()].map(({ lookedTo }) => lookedTo));
  const window = guards.length === 0 ? 0 : WINDOW;
  // Both follow from what came and what was found, and are asked for again and again meanwhile.
  let settled: number | undefined;
  let parts: readonly Replacement[] | undefined;
  const changed = (): void => {
    [settled, parts] = [undefined, undefined];
  };
  const settledTo = (): number => (settled ??= findSettled());
  const findSettled = (): number => {
    const end = looked();
    let safe = closed
      ? end
      : base + Math.min(placeBefore(text, end - base, window, isJson), wordStart(text, end - base, isJson));
    for (const own of watches.values()) safe = safeBefore(own, safe, closed);
    return Math.max(safe, 0);
  };
  return {
    guards,
    add(piece) {
      const start = length();
      text += piece;
      // More of what seemed complete: what is held of it counts again.
      closed = false;
      changed();
      return { start, end: length() };
    },
    close: () => {
      closed = true;
      changed();
    },
    unseen(guard) {
      const { lookedTo } = watch(guard);
      const isDue = length() - lookedTo >= guard.step || (closed && length() > lookedTo);
      return isDue ? unseenBy(watch(guard), { text, base, isJson }) : undefined;
    },
    seen(guard, unseen, findings) {
      learn(watch(guard), unseen, findings);
      changed();
    },
    settledTo,
    take: (guard, end) => takeTo(watch(guard), end),
    shown(start, end) {
      parts ??= replacementsIn(watches, text, base, { masks, isJson });
      return shownPart(text, base, parts, start, end);
    },
    forget(before) {
      const from = base + placeBefore(text, Math.min(before, looked()) - base, CONTEXT, isJson);
      if (from <= base) return;
      text = text.slice(from - base);
      base = from;
      changed();
      for (const own of watches.values()) own.findings = own.findings.filter(({ end }) => end > from);
    },
    isDone: () => closed && settledTo() === length(),
    size: () => text.length,
  };
}

/** Where the word begins that goes on at `end`: at most so far before it that what is kept has a bound. */
function wordStart(text: string, end: number, isJson: boolean): number {
  // Each unit of JSON may be an escape of six.
  const hasEscapes = isJson && text.slice(Math.max(0, end - 6 * LONGEST_WORD), end).includes('\\');
  let at = end;
  for (let left = LONGEST_WORD; left > 0 && at > 0; left -= 1) {
    const start = hasEscapes ? unitStart(text, at) : at - 1;
    const code = start === at - 1 ? text.charCodeAt(start) : unitAt(text, start, at);
    if (!(code <= 0x7e ? isInAsciiWord(code) : isInOtherWord(code, text, start, hasEscapes))) break;
    at = start;
  }
  return at;
}

/** What keys are made of, no space and no quote. */
function isInAsciiWord(code: number): boolean {
  return code > 0x20 && code !== 0x22 && code !== 0x27 && code !== 0x60;
}

/** Whatever reads as that, or as nothing, where detectors look. */
function isInOtherWord(code: number, text: string, start: number, hasEscapes: boolean): boolean {
  if (code >= 0x200b && code <= 0x206f) return true;
  // Of one that is cut in two nobody knows yet.
  if ((code & 0xfc00) === 0xd800) return true;
  if ((code & 0xfc00) !== 0xdc00) return isInPlainWord(String.fromCharCode(code));
  const first = start > 0 ? unitAt(text, hasEscapes ? unitStart(text, start) : start - 1, start) : 0;
  return isInPlainWord(String.fromCharCode(first, code));
}

function replacementsIn(
  watches: ReadonlyMap<GuardPolicy, Watch>,
  text: string,
  base: number,
  { masks, isJson }: { readonly masks: Masks | undefined; readonly isJson: boolean },
): Replacement[] {
  const masked = [...watches].flatMap(([{ action }, { findings }]) =>
    action === 'mask' ? findings.map((one) => ({ ...one, text: plainMask(one.type) })) : [],
  );
  const restored = (masks?.find(text) ?? []).map(({ start, end, value }) => ({
    start: start + base,
    end: end + base,
    text: isJson ? escaped(value) : value,
  }));
  return [...masked, ...restored].sort((a, b) => a.start - b.start);
}

/** What stands between two places, where what replaces a part stands at its beginning. */
function shownPart(
  text: string,
  base: number,
  replacements: readonly Replacement[],
  start: number,
  end: number,
): string {
  const out: string[] = [];
  let at = start;
  for (const one of replacements) {
    if (one.end <= at || one.start >= end) continue;
    if (one.start >= at) out.push(text.slice(at - base, one.start - base), one.text);
    at = Math.max(at, Math.min(one.end, end));
  }
  out.push(text.slice(at - base, end - base));
  return out.join('');
}
