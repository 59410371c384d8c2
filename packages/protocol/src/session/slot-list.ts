import { linkAt, linksOf, type Records } from './records.js';

/** One list of slots: whoever owns it (an authority, a subject, a second of the timer wheel) keeps both ends. Slots are
 *  written plus one, so that 0, which fresh memory holds, means none. */
export interface SlotList {
  first: number;
  last: number;
  size: number;
}

/** The lists a slot is in, as the offset of its links: those of its authority, its subject and its expiry. */
export const BY_AUTHORITY = 0;
export const BY_SUBJECT = 2;
export const BY_EXPIRY = 4;
type Kind = typeof BY_AUTHORITY | typeof BY_SUBJECT | typeof BY_EXPIRY;

/** An empty list. */
export function createSlotList(): SlotList {
  return { first: 0, last: 0, size: 0 };
}

/** The slot that was appended first, or -1. */
export function firstSlot(list: SlotList): number {
  return list.first - 1;
}

/** The slot after this one, or -1. */
export function slotAfter(records: Records, kind: Kind, slot: number): number {
  return (linksOf(records, slot)[linkAt(slot) + kind] as number) - 1;
}

/** Puts a slot at the end. */
export function appendSlot(records: Records, kind: Kind, list: SlotList, slot: number): void {
  setNext(records, kind, slot, 0);
  setPrevious(records, kind, slot, list.last);
  if (list.last === 0) list.first = slot + 1;
  else setNext(records, kind, list.last - 1, slot + 1);
  list.last = slot + 1;
  list.size += 1;
}

/** Takes a slot out of the list it is in. */
export function removeSlot(records: Records, kind: Kind, list: SlotList, slot: number): void {
  const at = linkAt(slot) + kind;
  const next = linksOf(records, slot)[at] as number;
  const previous = linksOf(records, slot)[at + 1] as number;
  if (previous === 0) list.first = next;
  else setNext(records, kind, previous - 1, next);
  if (next === 0) list.last = previous;
  else setPrevious(records, kind, next - 1, previous);
  list.size -= 1;
}

function setNext(records: Records, kind: Kind, slot: number, link: number): void {
  linksOf(records, slot)[linkAt(slot) + kind] = link;
}

function setPrevious(records: Records, kind: Kind, slot: number, link: number): void {
  linksOf(records, slot)[linkAt(slot) + kind + 1] = link;
}
