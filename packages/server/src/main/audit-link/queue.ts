import { AUDIT_BATCH } from '@talosprotocol/contracts';

type AuditDraft = import('../../audit/draft.js').AuditDraft;
type RecordedEvent = import('../../audit/draft.js').RecordedEvent;
type DenialSource = import('../../audit/denials.js').DenialSource;

/** `owed` is what must follow an accepted call: it finds room where nothing else does. */
export type Lane = 'main' | 'owed' | 'denial';

/** An event on its way to the audit process. */
export interface Entry {
  /** The entry of the batch, as JSON. */
  readonly text: string;
  readonly lane: Lane;
  readonly resolve: (event: RecordedEvent | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Events that wait, oldest first. */
export interface AuditQueue {
  isFull(lane: Lane): boolean;
  push(entry: Entry): void;
  isEmpty(): boolean;
  /** The next batch; at least one entry if there is one. */
  take(): Entry[];
  takeAll(): Entry[];
}

export interface QueueLimits {
  /** Entries that may wait: of the main lane, half as many more of what is owed, and of denials. */
  readonly main: number;
  readonly denials: number;
  /** Bytes of all that wait. */
  readonly bytes: number;
}

export const QUEUE_LIMITS: QueueLimits = { main: 8_192, denials: 1_024, bytes: 64 * 1024 * 1024 };

/** Bytes of a batch; the rest of the body is brackets. A single event fits in any case. */
const BATCH_BYTES = AUDIT_BATCH.bytes / 2;
/** What is owed may use so many times more. */
const OWED_ROOM = 1.5;

export function createAuditQueue(limits: QueueLimits = QUEUE_LIMITS): AuditQueue {
  let waiting: Entry[] = [];
  const count = { main: 0, denial: 0, bytes: 0 };
  const laneOf = (lane: Lane) => (lane === 'denial' ? 'denial' : 'main');
  const isFull = (lane: Lane): boolean => {
    const room = lane === 'owed' ? OWED_ROOM : 1;
    const most = lane === 'denial' ? limits.denials : limits.main * room;
    return count[laneOf(lane)] >= most || count.bytes >= limits.bytes * room;
  };
  const remove = (entries: readonly Entry[]): void => {
    for (const { lane, text } of entries) {
      count[laneOf(lane)] -= 1;
      count.bytes -= text.length;
    }
  };
  const takeFirst = (most: number): Entry[] => {
    const taken = waiting.slice(0, most);
    waiting = waiting.slice(most);
    remove(taken);
    return taken;
  };
  return {
    isFull,
    push: (entry) => {
      waiting.push(entry);
      count[laneOf(entry.lane)] += 1;
      count.bytes += entry.text.length;
    },
    isEmpty: () => waiting.length === 0,
    take: () => takeFirst(batchSize(waiting)),
    takeAll: () => takeFirst(waiting.length),
  };
}

function batchSize(waiting: readonly Entry[]): number {
  let bytes = 0;
  for (const [index, { text }] of waiting.slice(0, AUDIT_BATCH.entries).entries()) {
    bytes += 4 * text.length;
    if (index > 0 && bytes > BATCH_BYTES) return index;
  }
  return Math.min(waiting.length, AUDIT_BATCH.entries);
}

/** An entry as JSON: what of a draft the audit process takes. */
export function entryText(draft: AuditDraft, source?: DenialSource): string {
  const { id, type, tenant, principal, members, disclosures, notBefore, notAfter, address } = draft;
  const sent = { id, type, tenant, principal, members, disclosures, notBefore, notAfter, address };
  return JSON.stringify({ draft: sent, source });
}
