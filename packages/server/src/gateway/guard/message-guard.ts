import type { GuardPlace, GuardVerdict } from '@talosprotocol/contracts';
import type { JsonObject, TrustError } from '@talosprotocol/protocol';
import { type Finding, merged } from './detect/finding.js';
import type { GuardPolicy } from './guard.js';
import type { Looker } from './looker.js';
import { escaped, type Masks, plainMask, type Replacement, replaceParts, unescaped } from './masks.js';
import { createTally, type Tally } from './tally.js';
import { type PlacedText, rewriteTexts } from './texts.js';

/** What guards said of a whole message, and the message that may go on. */
export interface Guarded {
  readonly message: JsonObject;
  readonly verdicts: readonly GuardVerdict[];
  readonly refusal: TrustError | undefined;
}

/** How a message is looked at. */
export interface MessageLook {
  readonly guards: readonly GuardPolicy[];
  readonly looker: Looker;
  readonly place: 'prompt' | 'answer';
  /** Of a request: gets what is masked. Of an answer: what of it is put back. */
  readonly masks: Masks | undefined;
  /** Counts for what it is a part of; absent: for itself. */
  readonly tally?: Tally;
}

/** Looks at every text of a message with every guard that looks at its place. */
export async function guardMessage(message: JsonObject, look: MessageLook): Promise<Guarded> {
  const { guards, looker, place, masks } = look;
  const texts: PlacedText[] = [];
  rewriteTexts(message, place, (text) => {
    texts.push(text);
    return text.text;
  });
  const tally = look.tally ?? createTally(guards);
  const parts: Replacement[][] = texts.map(() => []);
  const found = await Promise.all(guards.map((guard) => findingsOf(guard, texts, { looker, tally })));
  // In the order of the message, so that what stands for a value stays the same while a conversation goes on.
  const inOrder = found.flat().sort((a, b) => a.index - b.index || a.start - b.start);
  for (const one of inOrder) parts[one.index]?.push({ ...one, text: maskFor(one, look) });
  if (place === 'answer' && masks !== undefined) restore(texts, parts, masks);
  let at = 0;
  const rewritten = rewriteTexts(message, place, (text) => replaceParts(text.text, parts[at++] ?? []));
  return {
    message: rewritten === message ? message : withoutLogprobs(rewritten, place),
    verdicts: tally.verdicts(),
    refusal: tally.refusal(),
  };
}

interface Found {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly value: string;
}

function maskFor({ type, value }: Found, { place, masks }: MessageLook): string {
  return place === 'answer' || masks === undefined ? plainMask(type) : masks.maskOf(type, value);
}

async function findingsOf(
  guard: GuardPolicy,
  texts: readonly PlacedText[],
  { looker, tally }: { readonly looker: Looker; readonly tally: Tally },
): Promise<Found[]> {
  const found: Found[] = [];
  for (const place of guard.places) {
    const indexes = [...texts.keys()].filter((index) => concerns(guard, place, texts[index] as PlacedText));
    if (indexes.length === 0) continue;
    const own = indexes.map((index) => (texts[index] as PlacedText).text);
    const findings = await looker(guard, place, own).catch(() => undefined);
    if (findings === undefined) {
      tally.fail(guard);
      continue;
    }
    findings.forEach((list, position) => {
      const index = indexes[position] as number;
      const text = texts[index] as PlacedText;
      found.push(...taken(guard, text, list, tally).map((one) => ({ ...one, index })));
    });
  }
  return found;
}

/** Counts what was found in one text, and gives what of it is to be masked. */
function taken(
  guard: GuardPolicy,
  { text, form, within }: PlacedText,
  list: readonly Finding[],
  tally: Tally,
): Omit<Found, 'index'>[] {
  const partOf = ({ start, end }: Finding): string => text.slice(start, end);
  const own = within === undefined ? list : list.filter((one) => !within.includes(partOf(one)));
  tally.add(guard, own);
  if (guard.action !== 'mask' || own.length === 0) return [];
  if (form === 'fixed') {
    tally.cannotMask(guard);
    return [];
  }
  return merged(own).map((one) => ({
    ...one,
    value: form === 'json' ? unescaped(partOf(one)) : partOf(one),
  }));
}

/** A schema is that of words, and not of arguments or of names. */
function concerns({ look }: GuardPolicy, place: GuardPlace, text: PlacedText): boolean {
  if (text.place !== place) return false;
  return look.kind !== 'scan' || look.spec.kind !== 'schema' || text.isSpoken;
}

function restore(texts: readonly PlacedText[], parts: Replacement[][], masks: Masks): void {
  texts.forEach(({ text, form }, index) => {
    if (form === 'fixed') return;
    for (const { start, end, value } of masks.find(text))
      parts[index]?.push({ start, end, text: form === 'json' ? escaped(value) : value });
  });
}

/** Tokens of an answer say again what was taken out of it. */
function withoutLogprobs(message: JsonObject, place: GuardPlace): JsonObject {
  if (place !== 'answer') return message;
  return JSON.parse(JSON.stringify(message), (name, value) =>
    name === 'logprobs' ? null : value,
  ) as JsonObject;
}
