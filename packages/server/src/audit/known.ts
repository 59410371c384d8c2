import { parseJsonObject } from '@talosprotocol/protocol';
import type { Batch, Known } from './batch.js';
import { outcomeKey } from './batch.js';
import { type AuditDraft, chainOf, type RecordedEvent, uuidOf } from './draft.js';
import type { Lead } from './lead.js';
import { readChains, readDecisions, readRecorded, readSubjects } from './lead-store.js';
import { createRecent, type Recent } from './recent.js';

/** What drafts refer to, remembered between batches; the rest is read from the database. */
export interface Memory {
  /** `careful` also looks whether something of the batch is in the log already. */
  read(lead: Lead, drafts: readonly AuditDraft[], careful: boolean): Promise<Known>;
  /** Learns from a batch that was written. */
  learn(batch: Batch): void;
  forget(): void;
}

/** Subjects, chains, and allowed decisions, that are remembered. */
const REMEMBERED = 16_384;

export function createMemory(): Memory {
  const subjects = createRecent<number>(REMEMBERED);
  const chains = createRecent<true>(REMEMBERED);
  const allowed = createRecent<string>(REMEMBERED);
  return {
    read: async (lead, drafts, careful) => {
      const counts = await countsOf(lead, drafts, subjects);
      const present = await chainsOf(lead, drafts, chains);
      const recorded = careful ? await recordedOf(lead, drafts) : new Map<string, RecordedEvent>();
      const requests = await allowedOf(lead, drafts, allowed);
      const isAllowed = (decision: string, request: string) => requests.get(decision) === request;
      return { subjects: counts, hasChain: (cth) => present.has(cth), isAllowed, recorded };
    },
    learn: (batch) => {
      for (const [sub, pseq] of batch.append.subjects) subjects.set(sub, pseq);
      for (const cth of batch.chains) chains.set(cth, true);
      for (const [decision, request] of batch.allowed) allowed.set(decision, request);
    },
    forget: () => {
      subjects.clear();
      chains.clear();
      allowed.clear();
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
  remembered: Recent<true>,
): Promise<ReadonlySet<string>> {
  const cths = distinct(drafts, (draft) => (draft.type === 'chain' ? draft.members.cth : chainOf(draft)));
  const present = new Set(cths.filter((cth) => remembered.get(cth)));
  const unknown = cths.filter((cth) => !present.has(cth));
  const found = unknown.length === 0 ? [] : await readChains(lead.session, unknown);
  for (const cth of found) {
    present.add(cth);
    remembered.set(cth, true);
  }
  return present;
}

/** The requests of allowed decisions whose outcomes are in the batch. */
async function allowedOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
  remembered: Recent<string>,
): Promise<ReadonlyMap<string, string>> {
  const requests = new Map<string, string>();
  const missing: string[] = [];
  for (const id of distinct(drafts, decisionOf)) {
    const request = remembered.get(id);
    if (request !== undefined) requests.set(id, request);
    else missing.push(id);
  }
  const found = missing.length === 0 ? [] : await readDecisions(lead.session, missing);
  for (const { id, event } of found) {
    const { effect, request } = parseJsonObject(event);
    if (effect === 'allow' && typeof request === 'string') requests.set(id, uuidOf(request));
  }
  return requests;
}

function decisionOf(draft: AuditDraft): string | undefined {
  return draft.type === 'outcome' ? uuidOf(draft.members.decision) : undefined;
}

async function recordedOf(
  lead: Lead,
  drafts: readonly AuditDraft[],
): Promise<ReadonlyMap<string, RecordedEvent>> {
  const ids = drafts.map((draft) => uuidOf(draft.id));
  const decisions = distinct(drafts, decisionOf);
  const recorded = new Map<string, RecordedEvent>();
  for (const { idx, id, decision } of await readRecorded(lead.session, ids, decisions)) {
    const event = { id: `evt_${id}`, index: idx };
    recorded.set(id, event);
    if (decision !== null) recorded.set(outcomeKey(decision), event);
  }
  return recorded;
}

function distinct(drafts: readonly AuditDraft[], pick: (draft: AuditDraft) => string | undefined): string[] {
  return [...new Set(drafts.flatMap((draft) => pick(draft) ?? []))];
}
