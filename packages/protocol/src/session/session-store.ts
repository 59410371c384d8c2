import type { NewSession, Session } from './session.js';
import { createIndex } from './session-index.js';
import { encodeSessionId } from './sid.js';
import { createReplayWindow, type ReplayWindow } from './window.js';

/** A session with what only the table may see. */
export interface SessionEntry<T> extends Session<T> {
  readonly slot: number;
  readonly key: Uint8Array;
  readonly seen: ReplayWindow;
}

/** Where sessions lie: by slot, by link, by subject. */
export interface SessionStore<T> {
  insert(session: NewSession<T>): SessionEntry<T>;
  /** Takes a session out and wipes its key. */
  remove(entry: SessionEntry<T>): void;
  at(slot: number): SessionEntry<T> | undefined;
  all(): readonly SessionEntry<T>[];
  ofLink(lid: string): readonly SessionEntry<T>[];
  countOfLink(lid: string): number;
  /** Oldest first. */
  ofSubject(subject: string): readonly SessionEntry<T>[];
  size(): number;
}

/** Makes an empty store. Slots are used again; the random part of the id tells their sessions apart. */
export function createSessionStore<T>(deps: {
  readonly node: number;
  readonly boot: number;
  readonly random: (length: number) => Uint8Array;
}): SessionStore<T> {
  const { node, boot, random } = deps;
  const slots: (SessionEntry<T> | undefined)[] = [];
  const free: number[] = [];
  const byLid = createIndex<SessionEntry<T>>();
  const bySubject = createIndex<SessionEntry<T>>();

  function insert({ deriveKey, ...session }: NewSession<T>): SessionEntry<T> {
    const slot = free.at(-1) ?? slots.length;
    const sid = encodeSessionId({ node, boot, slot, random: random(16) });
    const key = deriveKey(sid); // may throw: nothing has changed yet
    const entry = { ...session, sid, slot, key, seen: createReplayWindow(session.window) };
    free.pop();
    slots[slot] = entry;
    for (const lid of entry.lids) byLid.add(lid, entry);
    bySubject.add(entry.subject, entry);
    return entry;
  }

  function remove(entry: SessionEntry<T>): void {
    slots[entry.slot] = undefined;
    free.push(entry.slot);
    for (const lid of entry.lids) byLid.remove(lid, entry);
    bySubject.remove(entry.subject, entry);
    entry.key.fill(0);
  }

  return {
    insert,
    remove,
    at: (slot) => slots[slot],
    all: () => slots.filter((entry) => entry !== undefined),
    ofLink: byLid.find,
    countOfLink: byLid.count,
    ofSubject: bySubject.find,
    size: () => slots.length - free.length,
  };
}
