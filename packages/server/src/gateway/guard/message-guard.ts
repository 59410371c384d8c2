import type { GuardPlace, GuardVerdict } from '@talosprotocol/contracts';
import type { JsonObject, TrustError } from '@talosprotocol/protocol';
import { type Finding, merged } from './detect/finding.js';
import type { GuardPolicy } from './guard.js';
import type { Looker } from './looker.js';
import { type Masks, plainMask, type Replacement } from './masks.js';
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

/** Looks at every text of a message with every guard that looks at its place. Services elsewhere are asked last, and only about
 *  what the others let pass, as they let it. */
export async function guardMessage(message: JsonObject, look: MessageLook): Promise<Guarded> {
  const tally = look.tally ?? createTally(look.guards);
  const [own, others] = [look.guards.filter(isOwn), look.guards.filter((guard) => !isOwn(guard))];
  let seen = await lookOnce(message, { ...look, guards: own, tally });
  if (others.length > 0 && tally.refusal() === undefined)
    seen = await lookOnce(seen, { ...look, guards: others, tally });
  if (look.place === 'answer' && look.masks !== undefined) seen = restored(seen, look.masks);
  return { message: seen, verdicts: tally.verdicts(), refusal: tally.refusal() };
}

const isOwn = ({ look }: GuardPolicy): boolean => look.kind !== 'external';

async function lookOnce(
  message: JsonObject,
  look: MessageLook & { readonly tally: Tally },
): Promise<JsonObject> {
  const { guards, place } = look;
  if (guards.length === 0) return message;
  const texts: PlacedText[] = [];
  rewriteTexts(message, place, (text) => {
    texts.push(text);
    return text.write([]);
  });
  const found = await Promise.all(guards.map((guard) => findingsOf(guard, texts, look)));
  // In the order of the message, so that what stands for a value stays the same while a conversation goes on.
  const inOrder = found.flat().sort((a, b) => a.index - b.index || a.start - b.start);
  if (inOrder.length === 0) return message;
  const parts = new Map<number, Replacement[]>();
  for (const one of inOrder) {
    const list = parts.get(one.index) ?? [];
    parts.set(one.index, list);
    list.push({ ...one, text: maskFor(one, look) });
  }
  let at = 0;
  return rewriteTexts(message, place, (text) => text.write(parts.get(at++) ?? []));
}

/** What stands for something is put back. */
function restored(message: JsonObject, masks: Masks): JsonObject {
  return rewriteTexts(message, 'answer', (text) => {
    const parts = masks.find(text.text).map(({ start, end, value }) => ({ start, end, text: value }));
    return text.write(text.isFixed ? [] : parts);
  });
}

interface Found extends Finding {
  readonly index: number;
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
  if (guard.findsDocuments) countDocuments(guard, texts, tally);
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
      for (const one of taken(guard, texts[index] as PlacedText, list, tally)) found.push({ ...one, index });
    });
  }
  return found;
}

/** Documents that nobody reads here may say anything, so that each guard has found something in them, wherever of the request it looks;
 *  and nothing may stand in their place. */
function countDocuments(guard: GuardPolicy, texts: readonly PlacedText[], tally: Tally): void {
  const documents = texts.filter(({ isUnread }) => isUnread);
  if (documents.length === 0) return;
  tally.add(
    guard,
    documents.map(() => ({ type: 'document', start: 0, end: 0 })),
  );
  if (guard.action === 'mask') tally.cannotMask(guard);
}

/** Counts what was found in one text, and gives what of it is to be masked. */
function taken(
  guard: GuardPolicy,
  { text, isFixed }: PlacedText,
  list: readonly Finding[],
  tally: Tally,
): Omit<Found, 'index'>[] {
  tally.add(guard, list);
  if (guard.action !== 'mask' || list.length === 0) return [];
  if (isFixed) {
    tally.cannotMask(guard);
    return [];
  }
  return merged(list).map((one) => ({ ...one, value: text.slice(one.start, one.end) }));
}

/** A schema is that of words, and not of arguments or of names. */
function concerns({ look }: GuardPolicy, place: GuardPlace, { text, isSpoken, ...at }: PlacedText): boolean {
  if (at.place !== place || text === '') return false;
  return look.kind !== 'scan' || look.spec.kind !== 'schema' || isSpoken;
}
