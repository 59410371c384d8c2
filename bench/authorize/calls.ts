import type { CheckedItem } from '@talosprotocol/protocol';
import { parseItems } from '@talosprotocol/protocol';

/** What stands behind a call of the mix, and so how it must be decided. */
export type Kind = 'allowed' | 'other-folder' | 'write' | 'replay' | 'forged';

const MIX = Array.from({ length: 1024 }, (_, index): Kind => {
  if (index === 511) return 'forged';
  if ((index & 63) === 31) return 'replay';
  if ((index & 15) === 3) return 'other-folder';
  return (index & 15) === 11 ? 'write' : 'allowed';
});

/** One in 16 asks for another folder, one in 16 for a write, one in 64 repeats a number, one in 1024 is forged. */
export function kindOf(index: number): Kind {
  return MIX[index & 1023] as Kind;
}

const FOLDERS = 64;

/** The folder a holder may read. The number of holders that share sessions is a multiple of the number of folders, so
 *  that this is also the folder of a session. */
export function folderOf(holder: number): number {
  return holder % FOLDERS;
}

/** The folder a call of this kind asks for. */
function askedFolder(session: number, kind: Kind): number {
  return kind === 'other-folder' ? folderOf(session + 1) : folderOf(session);
}

/** The scope that covers one folder. */
export function scopeOfFolder(folder: number): string {
  return `tool:fs/method:read_file/resource:/docs/f${folder}`;
}

/** The text of the scope a call needs. */
function scopeOfCall(folder: number): string {
  return asReceived(`${scopeOfFolder(folder)}/guide.md`);
}

/** One piece of text, as a parser makes it, and not a chain of pieces. */
export function asReceived(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

const READS = Array.from({ length: FOLDERS }, (_, folder) => scopeOfCall(folder));
const ITEMS = {
  read: READS.map((scope) => parseItems([{ scope, op: 'read' }])),
  write: READS.map((scope) => parseItems([{ scope, op: 'write' }])),
};

/** The items of a call, as admission has them once the arguments were mapped. */
export function itemsOf(session: number, kind: Kind): readonly CheckedItem[] {
  return ITEMS[kind === 'write' ? 'write' : 'read'][askedFolder(session, kind)] as readonly CheckedItem[];
}

/** The only item of a call. */
export function itemOf(session: number, kind: Kind): CheckedItem {
  return itemsOf(session, kind)[0] as CheckedItem;
}

/** Its scope as text. */
export function scopeOf(session: number, kind: Kind): string {
  return READS[askedFolder(session, kind)] as string;
}

/** Sessions in an order that no cache foresees, always the same. */
export function shuffledSessions(sessions: number): Uint32Array {
  const order = new Uint32Array(1 << 18);
  let state = 0x9e3779b9;
  for (let i = 0; i < order.length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    order[i] = (state >>> 0) % sessions;
  }
  return order;
}

/** Ends a benchmark whose decisions are wrong: its speed would mean nothing. */
export function expectDecision(right: boolean, who: string, kind: Kind): void {
  if (!right) throw new Error(`${who} decided a call wrongly (${kind})`);
}
