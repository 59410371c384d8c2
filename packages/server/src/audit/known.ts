import { type CryptoProvider, encodeUtf8 } from '@talosprotocol/protocol';
import type { Append, NewFacet } from './append.js';
import type { Batch, Known } from './batch.js';
import { outcomeKey } from './batch.js';
import type { AllowedDecision, LoggedChain } from './claims.js';
import { type AuditDraft, chainOf, uuidOf } from './draft.js';
import { facetText } from './facet.js';
import type { Lead } from './lead.js';
import { readAllowed, readChains, readFacets, readRecorded, readSubjects } from './lead-store.js';
import { createRecent, type Recent } from './recent.js';
import { contentOfEvent, type KnownEvent } from './same-event.js';

/** What drafts refer to, remembered between batches; the rest is read from the database. */
export interface Memory {
  /** `careful` also looks whether something of the batch is in the log already. */
  read(lead: Lead, drafts: readonly AuditDraft[], careful: boolean): Promise<Known>;
  /** Finds where the facets of a batch stand; those that no event had before stand at the first that has them. */
  place(lead: Lead, batch: Pick<Batch, 'size' | 'events'>): Promise<Pick<Append, 'facets' | 'newFacets'>>;
  /** Learns from a batch that was written. */
  learn(batch: Batch, facets: readonly NewFacet[]): void;
  forget(): void;
}

/** Subjects, chains, allowed decisions, and facets, that are remembered. */
const REMEMBERED = 16_384;

export function createMemory(crypto: CryptoProvider): Memory {
  const subjects = createRecent<number>(REMEMBERED);
  const chains = createRecent<LoggedChain>(REMEMBERED);
  const allowed = createRecent<AllowedDecision>(REMEMBERED);
  const facets = createRecent<number>(REMEMBERED);
  return {
    read: async (lead, drafts, careful) => {
      const counts = await countsOf(lead, drafts, subjects);
      const present = await chainsOf(lead, drafts, chains);
      const recorded = careful ? await recordedOf(lead, drafts) : new Map<string, KnownEvent>();
      const decisions = await allowedOf(lead, drafts, allowed);
      return {
        subjects: counts,
        chain: (cth) => present.get(cth),
        allowed: (decision) => decisions.get(decision),
        recorded,
      };
    },
    place: (lead, batch) => placeFacets(lead, batch, facets, crypto),
    learn: (batch, newFacets) => {
      for (const [sub, pseq] of batch.subjects) subjects.set(sub, pseq);
      for (const [cth, chain] of batch.chains) chains.set(cth, chain);
      for (const [id, decision] of batch.allowed) allowed.set(id, decision);
      for (const { at, facet } of newFacets) facets.set(facetText(facet), at);
    },
    forget: () => {
      subjects.clear();
      chains.clear();
      allowed.clear();
      facets.clear();
    },
  };
}

async function countsOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
  remembered: Recent<number>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const missing: string[] = [];
  for (const sub of distinct(drafts, (draft) => draft.principal?.sub)) {
    const count = remembered.get(sub);
    if (count === undefined) missing.push(sub);
    else counts.set(sub, count);
  }
  const read = missing.length === 0 ? [] : await readSubjects(lead.session, missing);
  for (const [sub, pseq] of read) counts.set(sub, pseq);
  return counts;
}

async function chainsOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
  remembered: Recent<LoggedChain>,
): Promise<ReadonlyMap<string, LoggedChain>> {
  const cths = distinct(drafts, (draft) => (draft.type === 'chain' ? draft.members.cth : chainOf(draft)));
  return lookUp(cths, remembered, (missing) => readChains(lead.session, missing));
}

/** The allowed decisions whose outcomes are in the batch. */
async function allowedOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
  remembered: Recent<AllowedDecision>,
): Promise<ReadonlyMap<string, AllowedDecision>> {
  return lookUp(distinct(drafts, decisionOf), remembered, (missing) => readAllowed(lead.session, missing));
}

/** What is remembered, and of the rest what is found; that is remembered too. */
async function lookUp<V>(
  keys: readonly string[],
  remembered: Recent<V>,
  read: (missing: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): Promise<Map<string, V>> {
  const known = new Map<string, V>();
  const missing: string[] = [];
  for (const key of keys) {
    const value = remembered.get(key);
    if (value === undefined) missing.push(key);
    else known.set(key, value);
  }
  for (const [key, value] of missing.length === 0 ? [] : await read(missing)) {
    known.set(key, value);
    remembered.set(key, value);
  }
  return known;
}

async function placeFacets(
  lead: Lead,
  { size, events }: Pick<Batch, 'size' | 'events'>,
  remembered: Recent<number>,
  crypto: CryptoProvider,
): Promise<Pick<Append, 'facets' | 'newFacets'>> {
  const texts = events.map(({ facet }) => facetText(facet));
  const keyOf = new Map<string, string>();
  const read = async (missing: readonly string[]) => {
    for (const text of missing) keyOf.set(text, crypto.sha256Hex(encodeUtf8(text)));
    const found = await readFacets(lead.session, [...keyOf.values()]);
    return new Map([...keyOf].flatMap(([text, key]) => pairOf(text, found.get(key))));
  };
  const placed = await lookUp([...new Set(texts)], remembered, read);
  const newFacets: NewFacet[] = [];
  const facets = events.map(({ facet }, i) => {
    const text = texts[i] ?? '';
    const at = placed.get(text) ?? size + i;
    if (!placed.has(text)) newFacets.push({ at, key: keyOf.get(text) ?? '', facet });
    placed.set(text, at);
    return at;
  });
  return { facets, newFacets };
}

function pairOf(text: string, at: number | undefined): [string, number][] {
  return at === undefined ? [] : [[text, at]];
}

function decisionOf(draft: AuditDraft): string | undefined {
  return draft.type === 'outcome' ? uuidOf(draft.members.decision) : undefined;
}

async function recordedOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
): Promise<ReadonlyMap<string, KnownEvent>> {
  const ids = drafts.map((draft) => uuidOf(draft.id));
  const decisions = distinct(drafts, decisionOf);
  const recorded = new Map<string, KnownEvent>();
  for (const { idx, id, decision, event } of await readRecorded(lead.session, ids, decisions)) {
    const content = () => (event === null ? undefined : contentOfEvent(event));
    const known = { event: { id: `evt_${id}`, index: idx }, content };
    recorded.set(id, known);
    if (decision !== null) recorded.set(outcomeKey(decision), known);
  }
  return recorded;
}

function distinct(drafts: readonly AuditDraft[], pick: (draft: AuditDraft) => string | undefined): string[] {
  return [...new Set(drafts.flatMap((draft) => pick(draft) ?? []))];
}
