import type { Finding } from './detect/finding.js';
import { isInPlainWord } from './detect/plain.js';
import type { GuardPolicy } from './guard.js';
import { escaped } from './json-text.js';
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
    let safe = closed ? end : Math.min(end - window, wordStart(text, end - base) + base);
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
      const from = Math.min(before, looked()) - CONTEXT;
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
function wordStart(text: string, end: number): number {
  let at = end;
  while (at > 0 && end - at < LONGEST_WORD && isInWord(text, at - 1)) at -= 1;
  return at;
}

/** Of ASCII what keys are made of, no space and no quote; and whatever reads as that, or as nothing, where detectors look. */
function isInWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code > 0x7e) return (code >= 0x200b && code <= 0x206f) || isInPlainWord(characterAt(text, at));
  return code > 0x20 && code !== 0x22 && code !== 0x27 && code !== 0x60;
}

/** The character of which one unit stands there: a piece may end within it. */
function characterAt(text: string, at: number): string {
  const isSecondHalf = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
  return String.fromCodePoint(text.codePointAt(isSecondHalf && at > 0 ? at - 1 : at) as number);
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
