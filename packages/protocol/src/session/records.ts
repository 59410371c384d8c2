import { createWideWindows, type WideWindows } from './wide-windows.js';
import { markInWindow, type WindowWidth, windowCode } from './window.js';

/** A record has 16 words of 32 bits, one cache line: the random part of the sid, the replay window, the highest
 *  number (53 bits), the end, the authority. */
const WORDS = 16;
const WINDOW = 4;
const SEQ_LOW = 12;
const SEQ_HIGH = 13;
const EXP = 14;
const AUTHORITY = 15;

/** 21 bits of the highest number. The top bit of the same word says that the window is a wide one: then the first
 *  word of the record's own window is its number in the side pool. An authority has 22 bits. The ten bits that are
 *  left in each of the two words count the sessions the slot had; only they outlive a session. */
const HIGH_BITS = 0x1f_ffff;
const WIDE = 0x8000_0000;
const UPPER_TEN = 0x7fe0_0000;
const AUTHORITY_BITS = 0x3f_ffff;
const GENERATIONS = 2 ** 20;
const TWO_32 = 2 ** 32;

const KEY_WORDS = 8;
/** Next and previous in three lists. */
const LINK_WORDS = 6;

/** Slots come into being 4096 at a time, as the table grows. */
const SHIFT = 12;
const MASK = 2 ** SHIFT - 1;

/** What an open session takes, in bytes: its record, its key, its links. */
export const SESSION_BYTES = 4 * (WORDS + KEY_WORDS + LINK_WORDS);
/** Slots have 22 bits. */
export const SLOTS = 2 ** 22;
/** Most sessions a table can be made for: one slot is for the session that takes the place of another. */
export const MAX_SESSIONS = SLOTS - 1;

/** The packed part of all sessions, by slot. Knows nothing of whose they are. */
export interface Records {
  readonly capacity: number;
  readonly words: Uint32Array[];
  readonly keys: Uint32Array[];
  readonly links: Int32Array[];
  readonly wide: WideWindows;
  /** How many slots exist, in use or not. */
  grown: number;
  /** Slots that were in use once, a stack through the links; plus one, 0 for none. */
  free: number;
}

/** What a record is filled with. */
export interface PackedSession {
  /** 16 bytes. */
  readonly random: Uint8Array;
  /** 32 bytes; copied. */
  readonly key: Uint8Array;
  readonly exp: number;
  readonly authority: number;
  readonly window: WindowWidth;
}

/** Makes records without a slot yet. */
export function createRecords(capacity: number): Records {
  const arrays = { words: [], keys: [], links: [] };
  return { capacity, ...arrays, wide: createWideWindows(), grown: 0, free: 0 };
}

/** A slot that nobody uses; the caller fills it or puts it back. The caller knows that there is room. */
export function takeSlot(records: Records): number {
  const slot = records.free - 1;
  if (slot < 0) return growBySlot(records);
  records.free = linksOf(records, slot)[linkAt(slot)] as number;
  return slot;
}

/** Gives a slot back that is not filled. */
export function putBack(records: Records, slot: number): void {
  linksOf(records, slot)[linkAt(slot)] = records.free;
  records.free = slot + 1;
}

function growBySlot(records: Records): number {
  const slot = records.grown++;
  if ((slot & MASK) !== 0) return slot;
  const slots = Math.min(MASK + 1, records.capacity + 1 - slot);
  records.words.push(new Uint32Array(slots * WORDS));
  records.keys.push(new Uint32Array(slots * KEY_WORDS));
  records.links.push(new Int32Array(slots * LINK_WORDS));
  return slot;
}

export function fillRecord(records: Records, slot: number, session: PackedSession): void {
  const words = wordsOf(records, slot);
  const at = (slot & MASK) * WORDS;
  readWords(session.random, words, at);
  keyBytes(records, slot).set(session.key);
  if (session.window === 1024) {
    words[at + SEQ_HIGH] = (words[at + SEQ_HIGH] as number) | WIDE;
    words[at + WINDOW] = records.wide.take();
  }
  words[at + AUTHORITY] = (words[at + AUTHORITY] as number) | session.authority;
  words[at + EXP] = session.exp;
}

/** Wipes the record and the key; the slot's next session is of another generation. */
export function clearRecord(records: Records, slot: number): void {
  const words = wordsOf(records, slot);
  const at = (slot & MASK) * WORDS;
  if (((words[at + SEQ_HIGH] as number) & WIDE) !== 0) records.wide.putBack(words[at + WINDOW] as number);
  const generation = (generationAt(words, at) + 1) % GENERATIONS;
  words.fill(0, at, at + WORDS);
  words[at + SEQ_HIGH] = (generation >>> 10) << 21;
  words[at + AUTHORITY] = generation << 22;
  keyBytes(records, slot).fill(0);
  putBack(records, slot);
}

/** True if the slot is in use under the four random words that begin at `at`. */
export function isRecordOf(records: Records, slot: number, random: Uint32Array, at: number): boolean {
  if (slot >= records.grown) return false;
  const words = wordsOf(records, slot);
  const base = (slot & MASK) * WORDS;
  const difference =
    ((words[base] as number) ^ (random[at] as number)) |
    ((words[base + 1] as number) ^ (random[at + 1] as number)) |
    ((words[base + 2] as number) ^ (random[at + 2] as number)) |
    ((words[base + 3] as number) ^ (random[at + 3] as number));
  return difference === 0 && words[base + EXP] !== 0;
}

/** Unix seconds; 0 if the slot is not in use. */
export function expOf(records: Records, slot: number): number {
  return wordsOf(records, slot)[(slot & MASK) * WORDS + EXP] as number;
}

export function authorityOf(records: Records, slot: number): number {
  return (wordsOf(records, slot)[(slot & MASK) * WORDS + AUTHORITY] as number) & AUTHORITY_BITS;
}

/** 31 bits that tell the sessions of a slot apart: how many there were before, modulo 2^20, and eleven bits of the
 *  randomness of this one. */
export function tagOf(records: Records, slot: number): number {
  const words = wordsOf(records, slot);
  const at = (slot & MASK) * WORDS;
  return (generationAt(words, at) << 11) | ((words[at] as number) & 2047);
}

function generationAt(words: Uint32Array, at: number): number {
  const upper = ((words[at + SEQ_HIGH] as number) & UPPER_TEN) >>> 21;
  return (upper << 10) | ((words[at + AUTHORITY] as number) >>> 22);
}

export function widthOf(records: Records, slot: number): WindowWidth {
  const high = wordsOf(records, slot)[(slot & MASK) * WORDS + SEQ_HIGH] as number;
  return (high & WIDE) === 0 ? 256 : 1024;
}

/** The array that holds the slot's key, its 32 bytes as they are, in eight words from `keyAt(slot)` on. */
export function keysOf(records: Records, slot: number): Uint32Array {
  return records.keys[slot >>> SHIFT] as Uint32Array;
}

/** The 32 bytes themselves, not a copy. */
export function keyBytes(records: Records, slot: number): Uint8Array {
  return new Uint8Array(keysOf(records, slot).buffer, 4 * keyAt(slot), 4 * KEY_WORDS);
}

export function keyAt(slot: number): number {
  return (slot & MASK) * KEY_WORDS;
}

/** 0 for a fresh number, else SEEN or BELOW_WINDOW. */
export function checkNumber(records: Records, slot: number, seq: number): number {
  const words = wordsOf(records, slot);
  const at = (slot & MASK) * WORDS;
  const high = words[at + SEQ_HIGH] as number;
  const highest = (high & HIGH_BITS) * TWO_32 + (words[at + SEQ_LOW] as number);
  if ((high & WIDE) === 0) return windowCode(words, at + WINDOW, 256, highest, seq);
  return windowCode(records.wide.words, 32 * (words[at + WINDOW] as number), 1024, highest, seq);
}

/** Uses a number up that `checkNumber` found fresh. */
export function markNumber(records: Records, slot: number, seq: number): void {
  const words = wordsOf(records, slot);
  const at = (slot & MASK) * WORDS;
  const high = words[at + SEQ_HIGH] as number;
  const highest = (high & HIGH_BITS) * TWO_32 + (words[at + SEQ_LOW] as number);
  if ((high & WIDE) === 0) markInWindow(words, at + WINDOW, 256, highest, seq);
  else markInWindow(records.wide.words, 32 * (words[at + WINDOW] as number), 1024, highest, seq);
  if (seq <= highest) return;
  words[at + SEQ_LOW] = seq >>> 0;
  words[at + SEQ_HIGH] = (high & ~HIGH_BITS) | Math.floor(seq / TWO_32);
}

/** Next and previous of a slot, in list 0, 1 or 2: words of this array from `linkAt(slot)` on. */
export function linksOf(records: Records, slot: number): Int32Array {
  return records.links[slot >>> SHIFT] as Int32Array;
}

export function linkAt(slot: number): number {
  return (slot & MASK) * LINK_WORDS;
}

function wordsOf(records: Records, slot: number): Uint32Array {
  return records.words[slot >>> SHIFT] as Uint32Array;
}

/** Four big-endian words, as the sid reads them. */
function readWords(bytes: Uint8Array, words: Uint32Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = 0; i < 4; i++) words[at + i] = view.getUint32(4 * i);
}
