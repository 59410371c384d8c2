import { allOf, CHUNK } from './entries.js';
import type { EntryRefs, ExportStore } from './export-store.js';
import type { Span } from './span.js';

/** What of a range a bundle shows. */
export interface Chosen {
  readonly isNarrow: boolean;
  readonly asked: readonly number[];
  /** Events of the range that nobody asked for, and without which an agent's would have gaps. */
  readonly others: readonly number[];
  readonly complete: readonly string[];
}

/** How long before a call its session opened, at most, in milliseconds: an hour, and what an event may be late (AUD-22). */
const SESSION_MS = 3_720_000;

/** What the entries of the range refer to and does not stand among them (AUD-54), and how their calls ended. */
export async function collectRefs(
  store: ExportStore,
  { from, to, pruned }: Span & { readonly pruned: number },
  { isNarrow, asked, others }: Chosen,
  size: number,
): Promise<{ places: readonly number[]; allowed: ReadonlySet<number>; bytes: number }> {
  // All there is refers to nothing else.
  if (!isNarrow && from === 0 && to === size)
    return { places: [], allowed: new Set(), bytes: await store.bytesIn(from, to) };
  const named: Named = {
    chains: new Set(),
    allowed: new Set(),
    sids: new Set(),
    places: new Set(),
    bytes: 0,
  };
  const inside = isNarrow ? [...asked, ...others].sort((a, b) => a - b) : undefined;
  for (let at = 0; at < (inside?.length ?? to - from); at += CHUNK) {
    const refs =
      inside === undefined
        ? await store.refsIn(from + at, Math.min(from + at + CHUNK, to))
        : await store.refsAt(inside.slice(at, at + CHUNK));
    for (const one of refs) noteRefs(named, one);
    for (const idx of await placesNamed(store, refs)) named.places.add(idx);
    if (isNarrow) await addEarlier(store, refs, from, named);
  }
  const { chains, sids, places, allowed, bytes } = named;
  const openings = { chains: [...chains], from, to: isNarrow ? to : from, pruned };
  const opened = sids.size === 0 ? [] : await openingsOf(store, openings, sids);
  return { places: [...places, ...chains, ...opened], allowed, bytes };
}

interface Named {
  readonly chains: Set<number>;
  /** Chains under which something was allowed. */
  readonly allowed: Set<number>;
  readonly sids: Set<string>;
  readonly places: Set<number>;
  bytes: number;
}

function noteRefs(named: Named, { type, effect, chain, sid, bytes, disclosed }: EntryRefs): void {
  named.bytes += bytes + disclosed;
  if (chain !== null) named.chains.add(chain);
  if (chain !== null && type === 'decision' && effect === 'allow') named.allowed.add(chain);
  if (sid !== null) named.sids.add(sid);
}

/** Decisions of outcomes and those from which others go on, and outcomes of decisions. */
async function placesNamed(store: ExportStore, refs: readonly EntryRefs[]): Promise<number[]> {
  const decisions = refs.flatMap(({ decision }) => decision ?? []);
  const allowed = refs.flatMap(({ type, effect, id }) =>
    type === 'decision' && effect === 'allow' ? [id] : [],
  );
  return [
    ...(decisions.length === 0 ? [] : await store.placesOf(decisions)),
    ...(allowed.length === 0 ? [] : await store.outcomesOf(allowed)),
  ];
}

/** Those from which calls go on, and from which those go on again (AUD-128). One that nobody asked for, and that stands in the
 *  range, must be shown with what it refers to as well, and with what ended its chain: the last one may be refused. */
async function addEarlier(
  store: ExportStore,
  refs: readonly EntryRefs[],
  from: number,
  named: Named,
): Promise<void> {
  const seen = new Set<number>();
  for (let calls = refs; calls.length > 0; ) {
    const ids = calls.flatMap(({ type, decision }) => (type === 'decision' ? (decision ?? []) : []));
    const found = ids.length === 0 ? [] : await store.placesOf(ids);
    const next = found.filter((idx) => idx >= from && !seen.has(idx));
    for (const idx of found) named.places.add(idx);
    for (const idx of next) seen.add(idx);
    calls = next.length === 0 ? [] : await store.refsAt(next);
    for (const call of calls) noteRefs(named, call);
  }
}

interface Openings {
  readonly chains: readonly number[];
  readonly from: number;
  readonly to: number;
  /** Below it there are only openings that later events refer to. */
  readonly pruned: number;
}

/** Openings of these sessions: under one of the chains, at most an hour before the range. */
async function openingsOf(
  store: ExportStore,
  { chains, from, to, pruned }: Openings,
  sids: ReadonlySet<string>,
): Promise<number[]> {
  const begin = await store.timeAt(from);
  const first = begin === undefined ? 0 : await store.firstAt(begin - SESSION_MS, pruned, from);
  const facets = await store.facetsOfOpenings(chains);
  const openings = await allOf(store, facets, first === pruned ? 0 : first, to);
  const found: number[] = [];
  for (let at = 0; at < openings.length; at += CHUNK) {
    const rows = await store.sidsAt(openings.slice(at, at + CHUNK));
    for (const { idx, sid } of rows) if (sids.has(sid)) found.push(idx);
  }
  return found;
}
