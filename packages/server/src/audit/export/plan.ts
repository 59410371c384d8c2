import type { BundleSelection, EventOf } from '@talosprotocol/contracts';
import { type CryptoProvider, parseChain, parseJson, TrustError } from '@talosprotocol/protocol';
import { corrupt } from '../corrupt.js';
import { prunedError } from '../pruning/pruned-error.js';
import type { BundleAsk } from './ask.js';
import { allOf, MAX_ENTRIES, tooLarge } from './entries.js';
import type { EndingRow, ExportStore } from './export-store.js';
import { type Chosen, collectRefs } from './refs.js';
import { findSpan, type Span } from './span.js';

/** What a bundle will show, before anything of it is written. */
export interface ExportPlan extends Pick<Span, 'from' | 'to'> {
  readonly selection: BundleSelection;
  /** What is asked for, in order: it discloses. */
  readonly asked: readonly number[];
  /** What else is shown. */
  readonly others: ReadonlySet<number>;
  /** What the log must state, since no event shows it; undefined if events do (AUD-55). */
  readonly count: Pick<EventOf<'log.counted'>, 'size' | 'agents' | 'endings'> | undefined;
  /** Bytes of the events asked for, and of what opens them. */
  readonly bytes: number;
}

export interface PlanDeps {
  readonly store: ExportStore;
  readonly crypto: CryptoProvider;
  /** Events that are durable by now. */
  readonly size: () => number;
}

/** Agents whose events are shown without a gap; chains and targets whose ends are counted. Beyond that a bundle claims
 *  nothing, and the report says so. */
const MAX_COMPLETE = 64;
const MAX_CHAINS = 1_024;
const MAX_ENDINGS = 4_096;
/** Plans a bundle of what is asked for in the log's first `size` events (AUD-50 to AUD-58).
 *  @throws {TrustError} MALFORMED | NOT_FOUND | TOO_LARGE */
export async function planExport(deps: PlanDeps, ask: BundleAsk, size: number): Promise<ExportPlan> {
  const pruned = await deps.store.pruned();
  const span = await findSpan(deps.store, ask, { size, pruned });
  const chosen = await choose(deps, ask, span, pruned);
  const refs = await collectRefs(deps.store, { ...span, pruned }, chosen, size);
  // An outcome may have come since.
  const others = new Set([...chosen.others, ...span.bounds, ...refs.places].filter((idx) => idx < size));
  // To find all this may have taken minutes: what the log states, it states of now (AUD-56).
  const now = deps.size();
  const agents = await boundAgents(deps, chosen.complete, span, now, others);
  const endings = await findEndings(deps, refs.allowed, span, chosen.isNarrow, now);
  for (const { idx } of endings?.rows ?? []) others.add(idx);
  const count = { size: now, agents, endings: endings?.counts ?? [] };
  return {
    from: span.from,
    to: span.to,
    selection: {
      filter: span.filter,
      redaction: ask.redaction,
      complete: [...chosen.complete],
      endings: endings !== undefined,
    },
    asked: chosen.asked,
    others,
    count: agents.length + count.endings.length === 0 ? undefined : count,
    bytes: refs.bytes,
  };
}

async function choose(
  deps: PlanDeps,
  ask: BundleAsk,
  { from, to, filter }: Span,
  pruned: number,
): Promise<Chosen> {
  const { store } = deps;
  const { agents, capabilities, tools, effect } = filter;
  if ([agents, capabilities, tools, effect].every((member) => member === undefined)) {
    if (ask.redaction === 'hashes')
      throw malformed('without a filter there is nothing to leave behind hashes');
    if (to - from > MAX_ENTRIES) throw tooLarge();
    return { isNarrow: false, asked: range(from, to), others: [], complete: [] };
  }
  const chains = capabilities === undefined ? undefined : await store.chainsOf(capabilities, MAX_CHAINS + 1);
  if (chains !== undefined && chains.length > MAX_CHAINS) throw tooLarge();
  const asked = await allOf(store, await store.facetsOf(filter, chains), from, to);
  const isOnlyAgents = [capabilities, tools, effect].every((member) => member === undefined);
  const whom = agents ?? (chains === undefined ? [] : await holdersOf(deps, chains));
  const isClaimed = whom.length <= MAX_COMPLETE && (ask.redaction !== 'hashes' || isOnlyAgents);
  const complete = isClaimed ? await showable(store, whom, from, pruned) : [];
  const all = isOnlyAgents ? asked : await allOf(store, await store.facetsOfAgents(complete), from, to);
  if (asked.length + complete.length === 0) throw nothing(from, pruned);
  const isAsked = new Set(asked);
  return { isNarrow: true, asked, others: all.filter((idx) => !isAsked.has(idx)), complete };
}

/** Those of whom it can be shown that nothing is missing before the range: their event before it was not pruned, or there is
 *  none. Of the others nothing is claimed (AUD-114). */
async function showable(
  store: ExportStore,
  whom: readonly string[],
  from: number,
  pruned: number,
): Promise<readonly string[]> {
  if (pruned === 0) return whom;
  const shown: string[] = [];
  for (const sub of whom) {
    const facets = await store.facetsOfAgents([sub]);
    const before = await store.lastBefore(facets, from);
    const number = before === undefined ? 0 : await numberAt(store, before);
    const first = await store.nextFrom(facets, from, Number.MAX_SAFE_INTEGER);
    // What is recorded meanwhile makes the number of all larger, and the claim is not made.
    const next = first === undefined ? (await store.numberOf(sub)) + 1 : await numberAt(store, first);
    if (next === number + 1) shown.push(sub);
  }
  return shown;
}

async function numberAt(store: ExportStore, idx: number): Promise<number> {
  const [row] = await store.rowsAt([idx]);
  return (parseJson(row?.event ?? '') as unknown as EventOf<'decision'>).principal?.pseq ?? 0;
}

/** Adds what stands before and after the range of each agent; gives those of whom the log must state the last. */
async function boundAgents(
  { store }: PlanDeps,
  complete: readonly string[],
  { from, to }: Span,
  size: number,
  others: Set<number>,
): Promise<EventOf<'log.counted'>['agents']> {
  const unbound: EventOf<'log.counted'>['agents'] = [];
  for (const sub of complete) {
    const facets = await store.facetsOfAgents([sub]);
    const before = await store.lastBefore(facets, from);
    if (before !== undefined) others.add(before);
    const after = await store.nextFrom(facets, to, size);
    if (after !== undefined) others.add(after);
    else unbound.push({ sub, pseq: await countOf(store, facets, size) });
  }
  return unbound;
}

async function countOf(store: ExportStore, facets: readonly number[], size: number): Promise<number> {
  const last = await store.lastBefore(facets, size);
  return last === undefined ? 0 : numberAt(store, last);
}

interface Endings {
  readonly rows: readonly EndingRow[];
  readonly counts: EventOf<'log.counted'>['endings'];
}

/** Everything that ended a link, or a DID in it, of the chains under which something was allowed (AUD-57); undefined if that
 *  is too much to show. A bundle of all events from the first has them itself. */
async function findEndings(
  deps: PlanDeps,
  chains: ReadonlySet<number>,
  { from }: Span,
  isNarrow: boolean,
  size: number,
): Promise<Endings | undefined> {
  if (from === 0 && !isNarrow) return { rows: [], counts: [] };
  if (chains.size > MAX_CHAINS) return undefined;
  const targets = new Set<string>();
  for (const { links } of await chainsAt(deps, [...chains]))
    for (const { lid, claims } of links) for (const one of [lid, claims.iss, claims.sub]) targets.add(one);
  const rows = await deps.store.endingsOf([...targets], size, MAX_ENDINGS + 1);
  if (rows.length > MAX_ENDINGS) return undefined;
  const counts = new Map([...targets].map((target) => [target, 0]));
  for (const { target } of rows) counts.set(target, (counts.get(target) ?? 0) + 1);
  return { rows, counts: [...counts].map(([target, count]) => ({ target, count })) };
}

async function holdersOf(deps: PlanDeps, chains: readonly number[]): Promise<string[]> {
  return [...new Set((await chainsAt(deps, chains)).map(({ leaf }) => leaf.claims.sub))].sort();
}

async function chainsAt({ store, crypto }: PlanDeps, indexes: readonly number[]) {
  const rows = await store.rowsAt(indexes);
  if (rows.length !== indexes.length) throw corrupt('the database has lost chains');
  return rows.map(({ event }) => {
    const { chain } = parseJson(event) as unknown as EventOf<'chain'>;
    return parseChain(chain, crypto);
  });
}

function nothing(from: number, pruned: number): TrustError {
  if (pruned > 0 && from === pruned)
    return prunedError('the log has nothing of this in what is left', pruned);
  return new TrustError('NOT_FOUND', 'the log has nothing of this in this range');
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function malformed(reason: string): TrustError {
  return new TrustError('MALFORMED', reason);
}
