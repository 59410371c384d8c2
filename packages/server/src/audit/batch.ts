import { canonicalize, TrustError } from '@talosprotocol/protocol';
import type { EmitterHead, OwedOutcome, PlacedEvent } from './append.js';
import { type AuditDraft, chainOf, type RecordedEvent, uuidOf } from './draft.js';
import { type Facet, facetOf } from './facet.js';
import type { Finisher } from './finished-event.js';

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
  /** Index of a chain that is in the log. */
  readonly chainAt: (cth: string) => number | undefined;
  /** A decision that is in the log and allowed; by its UUID. */
  readonly allowed: (decision: string) => AllowedDecision | undefined;
  /** Events that are in the log already: by UUID, and outcomes by `outcome <UUID of the decision>`. */
  readonly recorded: ReadonlyMap<string, RecordedEvent>;
}

/** What an outcome is held against, and found by. */
export interface AllowedDecision {
  /** UUID */
  readonly request: string;
  readonly facet: Facet;
}

/** The end of each draft, in order: where it stands, or why it is refused. A chain that was logged before stands
 *  nowhere new. */
type Settled = { readonly event: RecordedEvent | undefined } | { readonly fault: unknown };

/** Drafts turned into what is written. */
export interface Batch {
  readonly epoch: number;
  /** Of the log before it. */
  readonly size: number;
  readonly events: readonly PlacedEvent[];
  readonly emitter: EmitterHead;
  /** New counts by subject. */
  readonly subjects: ReadonlyMap<string, number>;
  readonly owed: readonly OwedOutcome[];
  readonly paid: readonly string[];
  readonly settled: readonly Settled[];
  /** Indexes of the chains it logs, by `cth`. */
  readonly chains: ReadonlyMap<string, number>;
  /** The decisions it allows, by UUID. */
  readonly allowed: ReadonlyMap<string, AllowedDecision>;
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
  const { epoch, size } = tip;
  return { epoch, size, events, emitter, subjects, owed, paid, settled, chains, allowed };
}

interface Building {
  readonly size: number;
  readonly known: Known;
  readonly events: PlacedEvent[];
  emitter: EmitterHead;
  readonly subjects: Map<string, number>;
  readonly chains: Map<string, number>;
  readonly allowed: Map<string, AllowedDecision>;
  readonly own: Map<string, RecordedEvent>;
  readonly owed: Map<string, OwedOutcome>;
  readonly paid: string[];
}

function startBatch(tip: Tip, known: Known): Building {
  return {
    size: tip.size,
    known,
    events: [],
    emitter: tip.emitter,
    subjects: new Map(),
    chains: new Map(),
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
  const chainAt = (cth: string): number | undefined => building.chains.get(cth) ?? known.chainAt(cth);
  if (draft.type === 'chain' && chainAt(draft.members.cth) !== undefined) return undefined;
  const refers = chainOf(draft);
  const chain = refers === undefined ? null : chainAt(refers);
  if (chain === undefined) {
    throw new TypeError(`a ${draft.type} event refers to a chain that was not recorded`);
  }
  const decision = draft.type === 'outcome' ? findDecision(building, draft) : undefined;
  const event = { id: draft.id, index: building.size + building.events.length };
  const facet = facetOf(draft, draft.type === 'chain' ? event.index : chain, decision?.facet);
  addEvent(building, draft, facet, tools);
  for (const key of keys) own.set(key, event);
  return event;
}

/** An outcome names an allowed decision on the same request (AUD-22). */
function findDecision({ known, allowed }: Building, { members }: AuditDraft<'outcome'>): AllowedDecision {
  const id = uuidOf(members.decision);
  const decision = allowed.get(id) ?? known.allowed(id);
  if (decision?.request === uuidOf(members.request)) return decision;
  throw new TypeError('an outcome of a decision that was not recorded as allowed');
}

function addEvent(
  building: Building,
  draft: AuditDraft,
  facet: Facet,
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
  building.events.push({ ...event, timeMs, facet });
  building.emitter = { eseq, prev: event.hash, timeMs };
  if (sub !== undefined) subjects.set(sub, pseq);
  if (draft.type === 'chain')
    building.chains.set(draft.members.cth, building.size + building.events.length - 1);
  if (event.effect === 'allow') building.allowed.set(event.id, { request: event.request ?? '', facet });
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

function owedBy(draft: AuditDraft, event: Pick<PlacedEvent, 'id' | 'request'>): OwedOutcome {
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
