import { canonicalize, TrustError } from '@talosprotocol/protocol';
import { type AuditDraft, chainOf, type RecordedEvent, uuidOf } from './draft.js';
import type { FinishedEvent, Finisher } from './finished-event.js';
import type { Append, EmitterHead } from './lead-store.js';

/** Where the log ends while a batch is built. */
export interface Tip {
  readonly epoch: number;
  readonly size: number;
  readonly emitter: EmitterHead;
}

/** What must be known before a batch is built. */
export interface Known {
  /** Last counts of every subject of the batch. */
  readonly subjects: ReadonlyMap<string, number>;
  readonly hasChain: (cth: string) => boolean;
  /** Whether a decision is in the log, allowed, and on that request. UUIDs. */
  readonly isAllowed: (decision: string, request: string) => boolean;
  /** Events that are in the log already: by UUID, and outcomes by `outcome <UUID of the decision>`. */
  readonly recorded: ReadonlyMap<string, RecordedEvent>;
}

/** The end of each draft, in order: where it stands, or why it is refused. A chain that was logged before stands
 *  nowhere new. */
type Settled = { readonly event: RecordedEvent | undefined } | { readonly fault: unknown };

/** Drafts turned into what is written. */
export interface Batch {
  readonly append: Append;
  readonly settled: readonly Settled[];
  /** Chains this batch logs. */
  readonly chains: readonly string[];
  /** Requests of the decisions it allows, by decision. UUIDs. */
  readonly allowed: ReadonlyMap<string, string>;
}

/** Turns drafts into events, in order. A draft that is not valid is refused alone and uses up no number. */
export function buildBatch(
  drafts: readonly AuditDraft[],
  tip: Tip,
  known: Known,
  tools: { readonly finish: Finisher; readonly now: number },
): Batch {
  const building = startBatch(tip, known);
  const settled = drafts.map((draft): Settled => {
    try {
      return { event: addDraft(building, draft, tools) };
    } catch (fault) {
      return { fault };
    }
  });
  const { events, emitter, subjects, paid, chains, allowed } = building;
  const owed = [...building.owed.values()];
  return {
    append: { epoch: tip.epoch, size: tip.size, events, emitter, subjects, owed, paid },
    settled,
    chains,
    allowed,
  };
}

interface Building {
  readonly size: number;
  readonly known: Known;
  readonly events: FinishedEvent[];
  emitter: EmitterHead;
  readonly subjects: Map<string, number>;
  readonly chains: string[];
  readonly allowed: Map<string, string>;
  readonly own: Map<string, RecordedEvent>;
  readonly owed: Map<string, Append['owed'][number]>;
  readonly paid: string[];
}

function startBatch(tip: Tip, known: Known): Building {
  return {
    size: tip.size,
    known,
    events: [],
    emitter: tip.emitter,
    subjects: new Map(),
    chains: [],
    allowed: new Map(),
    own: new Map(),
    owed: new Map(),
    paid: [],
  };
}

function addDraft(
  building: Building,
  draft: AuditDraft,
  tools: { readonly finish: Finisher; readonly now: number },
): RecordedEvent | undefined {
  const { known, own } = building;
  const keys = keysOf(draft);
  for (const key of keys) {
    const before = own.get(key) ?? known.recorded.get(key);
    if (before !== undefined) return before;
  }
  const hasChain = (cth: string): boolean => known.hasChain(cth) || building.chains.includes(cth);
  if (draft.type === 'chain' && hasChain(draft.members.cth)) return undefined;
  const refers = chainOf(draft);
  if (refers !== undefined && !hasChain(refers)) {
    throw new TypeError(`a ${draft.type} event refers to a chain that was not recorded`);
  }
  if (draft.type === 'outcome') assertOutcome(building, draft);
  const event = { id: draft.id, index: building.size + building.events.length };
  addEvent(building, draft, tools);
  for (const key of keys) own.set(key, event);
  return event;
}

/** An outcome names an allowed decision on the same request (AUD-22). */
function assertOutcome({ known, allowed }: Building, { members }: AuditDraft<'outcome'>): void {
  const [decision, request] = [uuidOf(members.decision), uuidOf(members.request)];
  if (allowed.get(decision) === request || known.isAllowed(decision, request)) return;
  throw new TypeError('an outcome of a decision that was not recorded as allowed');
}

function addEvent(
  building: Building,
  draft: AuditDraft,
  { finish, now }: { readonly finish: Finisher; readonly now: number },
): void {
  const { emitter, subjects, known } = building;
  const sub = draft.principal?.sub;
  const pseq = sub === undefined ? 1 : (subjects.get(sub) ?? known.subjects.get(sub) ?? 0) + 1;
  // A clock that was set back must not make the log run backwards (AUD-21).
  const timeMs = Math.max(now, emitter.timeMs);
  assertTimely(draft, timeMs);
  const eseq = emitter.eseq + 1;
  const event = finish(draft, { timeMs, eseq, prev: emitter.prev, pseq });
  building.events.push(event);
  building.emitter = { eseq, prev: event.hash, timeMs };
  if (sub !== undefined) subjects.set(sub, pseq);
  if (draft.type === 'chain') building.chains.push(draft.members.cth);
  if (event.effect === 'allow') building.allowed.set(event.id, event.request ?? '');
  if (event.owed) building.owed.set(event.id, owedBy(draft, event));
  // Of a decision in the same batch there is no row to delete yet.
  if (event.decision !== null && !building.owed.delete(event.decision)) building.paid.push(event.decision);
}

/** Whoever handed the draft in looked at its times before; since then the log may have stalled, or the clock been set.
 *  One event out of its time makes every bundle with it unprovable, so it is not taken. */
function assertTimely(
  { notBefore = 0, notAfter = Number.POSITIVE_INFINITY }: AuditDraft,
  timeMs: number,
): void {
  if (notBefore <= timeMs && timeMs < notAfter) return;
  const when = timeMs < notBefore ? 'early' : 'late';
  throw new TrustError('UNAVAILABLE', `it is too ${when} to record this so that it can be verified`);
}

function owedBy(draft: AuditDraft, event: FinishedEvent): Append['owed'][number] {
  const { principal } = draft;
  return {
    decision: event.id,
    request: event.request ?? '',
    principal: principal && canonicalize(principal),
    node: draft.node ?? null,
  };
}

/** Under which keys a draft is found if it was recorded before. A decision has one outcome, whoever writes it. */
function keysOf(draft: AuditDraft): string[] {
  const id = uuidOf(draft.id);
  return draft.type === 'outcome' ? [id, outcomeKey(uuidOf(draft.members.decision))] : [id];
}

export function outcomeKey(decision: string): string {
  return `outcome ${decision}`;
}
