import { canonicalize, TrustError } from '@talosprotocol/protocol';
import type { EmitterHead, OwedOutcome, PlacedEvent } from './append.js';
import { type AllowedDecision, type Bookings, findReferred, type LoggedChain } from './claims.js';
import { CLOCK_HINT, whatIsBehind } from './clock-watch.js';
import { type AuditDraft, type RecordedEvent, uuidOf } from './draft.js';
import { type Facet, facetOf } from './facet.js';
import type { Finisher } from './finished-event.js';
import { assertSame, contentOf, type KnownEvent } from './same-event.js';

/** Where the log ends while a batch is built. */
export interface Tip {
  readonly epoch: number;
  readonly size: number;
  readonly emitter: EmitterHead;
}

/** What must be known before a batch is built. */
export interface Known extends Bookings {
  /** Last counts of every subject of the batch. */
  readonly subjects: ReadonlyMap<string, number>;
  /** Events that are in the log already: by UUID, and outcomes by `outcome <UUID of the decision>`. */
  readonly recorded: ReadonlyMap<string, KnownEvent>;
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
  /** The chains it logs, by `cth`. */
  readonly chains: ReadonlyMap<string, LoggedChain>;
  /** The decisions it allows, by UUID. */
  readonly allowed: ReadonlyMap<string, AllowedDecision>;
}

/** What turns a draft into an event. */
export interface BatchTools {
  readonly finish: Finisher;
  /** Unix milliseconds at which a draft is recorded. */
  readonly timeOf: (draft: AuditDraft) => number;
}

/** Turns drafts into events, in order. A draft that is not valid is refused alone and uses up no number. */
export function buildBatch(drafts: readonly AuditDraft[], tip: Tip, known: Known, tools: BatchTools): Batch {
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
  readonly chains: Map<string, LoggedChain>;
  readonly allowed: Map<string, AllowedDecision>;
  /** What is known before the batch, and what it adds. */
  readonly bookings: Bookings;
  readonly own: Map<string, KnownEvent>;
  readonly owed: Map<string, OwedOutcome>;
  readonly paid: string[];
}

function startBatch(tip: Tip, known: Known): Building {
  const chains = new Map<string, LoggedChain>();
  const allowed = new Map<string, AllowedDecision>();
  return {
    size: tip.size,
    known,
    events: [],
    emitter: tip.emitter,
    subjects: new Map(),
    chains,
    allowed,
    bookings: {
      chain: (cth) => chains.get(cth) ?? known.chain(cth),
      allowed: (decision) => allowed.get(decision) ?? known.allowed(decision),
    },
    own: new Map(),
    owed: new Map(),
    paid: [],
  };
}

function addDraft(building: Building, draft: AuditDraft, tools: BatchTools): RecordedEvent | undefined {
  const { known, own, bookings } = building;
  const keys = keysOf(draft);
  for (const key of keys) {
    const before = own.get(key) ?? known.recorded.get(key);
    if (before === undefined) continue;
    assertSame(before, draft);
    return before.event;
  }
  if (draft.type === 'chain' && bookings.chain(draft.members.cth) !== undefined) return undefined;
  const { chain, decision } = findReferred(draft, bookings);
  const event = { id: draft.id, index: building.size + building.events.length };
  const at = draft.type === 'chain' ? event.index : (chain?.at ?? null);
  addEvent(building, draft, facetOf(draft, at, decision?.facet), tools);
  for (const key of keys) own.set(key, { event, content: () => contentOf(draft) });
  return event;
}

function addEvent(building: Building, draft: AuditDraft, facet: Facet, { finish, timeOf }: BatchTools): void {
  const { emitter, subjects, known } = building;
  const sub = draft.principal?.sub;
  const pseq = sub === undefined ? 1 : (subjects.get(sub) ?? known.subjects.get(sub) ?? 0) + 1;
  // A clock that was set back must not make the log run backwards (AUD-21).
  const clockMs = timeOf(draft);
  const timeMs = Math.max(clockMs, emitter.timeMs);
  assertTimely(draft, timeMs, clockMs);
  const eseq = emitter.eseq + 1;
  const event = finish(draft, { timeMs, eseq, prev: emitter.prev, pseq });
  building.events.push({ timeMs, facet, ...event });
  building.emitter = { eseq, prev: event.hash, timeMs };
  if (sub !== undefined) subjects.set(sub, pseq);
  if (draft.type === 'chain' && event.links !== undefined) {
    const at = building.size + building.events.length - 1;
    building.chains.set(draft.members.cth, { at, holder: event.links.holder });
  }
  if (event.effect === 'allow') {
    const { principal } = draft;
    const held = draft.type === 'decision' ? draft.members.held : undefined;
    building.allowed.set(event.id, { request: event.request ?? '', principal, facet, held });
  }
  if (event.owed) building.owed.set(event.id, owedBy(draft, event));
  // Of a decision in the same batch there is no row to delete yet.
  if (event.decision !== null && !building.owed.delete(event.decision)) building.paid.push(event.decision);
}

/** Whoever handed the draft in looked at its times before; since then the log may have stalled, or the clock been set.
 *  One event out of its time makes every bundle with it unprovable, so it is not taken. */
function assertTimely(
  { notBefore = 0, notAfter = Number.POSITIVE_INFINITY }: AuditDraft,
  timeMs: number,
  clockMs: number,
): void {
  if (notBefore <= timeMs && timeMs < notAfter) return;
  const when = timeMs < notBefore ? 'early' : 'late';
  const reason = `it is too ${when} to record this so that it can be verified`;
  if (when === 'early' || clockMs >= notAfter) throw new TrustError('UNAVAILABLE', reason);
  // By the clock it is in time (AUD-124).
  throw new TrustError('UNAVAILABLE', `${reason}: ${whatIsBehind(timeMs - clockMs)}`, { hint: CLOCK_HINT });
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
