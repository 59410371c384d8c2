import type { AuditEvent } from '@talosprotocol/contracts';
import { type CryptoProvider, type LogFault, parseTime } from '@talosprotocol/protocol';
import type { Sql } from '../../platform/sql.js';
import { type AuditDraft, chainOf, uuidOf } from '../draft.js';
import { FACET_COLUMNS, type Facet, facetOf } from '../facet.js';
import { createRecent } from '../recent.js';
import { createChainExaminer } from './examine-chains.js';

/** Compares by what the database finds events with the events: else what is whole could be hidden from the explorer, from an
 *  erasure, and from whoever puts evidence together. */
export interface FoundExaminer {
  /** Reads what is said of the events from `from` up to, not including, `to`. */
  read(from: number, to: number): Promise<void>;
  /** Of what was read. Events must be given in order. */
  compare(index: number, event: AuditEvent): void;
  /** Compares what is still to be compared. */
  end(): Promise<void>;
}

export interface FoundExamination {
  readonly sql: Sql;
  readonly crypto: CryptoProvider;
  /** Below it nothing is found any more. */
  readonly pruned: number;
  readonly onFault: (fault: LogFault) => void;
}

type FoundRow = Facet & {
  readonly idx: number;
  readonly time_ms: number;
  readonly cost: number | null;
  readonly request: string | null;
  /** Of an outcome, the UUID of the decision that it is found by. */
  readonly decision: string | null;
};

/** What an outcome has of its decision. */
const OF_DECISION: ReadonlySet<string> = new Set(['chain', 'server', 'tool', 'op', 'effect', 'surface']);
const OF_CHAIN: ReadonlySet<string> = new Set(['chain']);
/** Earlier programs found a call by its cost without what was beyond it. */
const OF_PRICE: readonly string[] = ['currency', 'digits'];
const NONE: ReadonlySet<string> = new Set();

const FOUND = `SELECT x.idx, x.time_ms, x.cost, e.request, o.decision, ${FACET_COLUMNS.map((name) => `f.${name}`).join(', ')}
  FROM audit_index x JOIN audit_facet f ON f.num = x.facet LEFT JOIN audit_event e ON e.idx = x.idx
  LEFT JOIN audit_outcome o ON o.id = e.id AND o.idx = e.idx WHERE x.idx >= $1 AND x.idx < $2`;

/** Chains, and decisions whose outcome is to come, that are remembered: of others it is not compared what refers to them. */
const CHAINS = 1_048_576;
const CALLS = 65_536;

export function createFoundExaminer(examination: FoundExamination): FoundExaminer {
  const { sql, pruned, onFault } = examination;
  const links = createChainExaminer(examination);
  const chains = createRecent<number>(CHAINS);
  const calls = createRecent<Facet>(CALLS);
  let rows: ReadonlyMap<number, FoundRow> = new Map();
  const ofOutcome = (draft: AuditDraft<'outcome'>): Omit<Expected, 'event'> => {
    const decision = calls.get(draft.members.decision);
    const open = decision === undefined ? OF_DECISION : NONE;
    const price = draft.members.excess === undefined ? [] : OF_PRICE;
    return { facet: facetOf(draft, null, decision), open: new Set([...open, ...price]) };
  };
  const ofOther = (draft: AuditDraft, cth: string | undefined): Omit<Expected, 'event'> => {
    const chain = cth === undefined ? null : chains.get(cth);
    const facet = facetOf(draft, chain ?? null);
    // One whose chain is not known says nothing of that of its outcome.
    if (draft.type === 'decision' && chain !== undefined) calls.set(draft.id, facet);
    return { facet, open: chain === undefined ? OF_CHAIN : NONE };
  };
  const expectedOf = (index: number, draft: AuditDraft): Omit<Expected, 'event'> => {
    if (draft.type === 'outcome') return ofOutcome(draft);
    if (draft.type !== 'chain') return ofOther(draft, chainOf(draft));
    chains.set(draft.members.cth, index);
    links.add(index, draft.members);
    return ofOther(draft, draft.members.cth);
  };
  return {
    read: async (from, to) => {
      await links.compare();
      const found = await sql.query<FoundRow>(FOUND, [from, to]);
      rows = new Map(found.map((row) => [row.idx, row]));
    },
    compare: (index, event) => {
      const draft = draftOf(event);
      const expected = expectedOf(index, draft);
      if (index < pruned) return;
      const row = rows.get(index);
      const wrong = row === undefined ? 'the event' : wrongOf(row, draft, { event, ...expected });
      if (wrong !== undefined)
        onFault({ where: 'table audit_index', index, what: `does not find ${wrong} by what it is` });
    },
    end: links.compare,
  };
}

/** An event has the members of its draft, and more. */
function draftOf(event: AuditEvent): AuditDraft {
  const { id, type, tenant, principal } = event;
  return { id, type, tenant, principal, members: event, disclosures: [] } as unknown as AuditDraft;
}

interface Expected {
  readonly event: AuditEvent;
  readonly facet: Facet;
  /** Members that cannot be compared: what they are of is not remembered. */
  readonly open: ReadonlySet<string>;
}

/** What is not found, in words; undefined if all is as it should be. */
function wrongOf(row: FoundRow, draft: AuditDraft, { event, facet, open }: Expected): string | undefined {
  const name = FACET_COLUMNS.find((one) => !open.has(one) && row[one] !== facet[one]);
  if (name !== undefined) return `the event (${name})`;
  if (row.time_ms !== parseTime(event.time)) return 'the event (time)';
  if (draft.type === 'decision' && row.request !== uuidOf(draft.members.request)) return 'its request';
  if (draft.type === 'outcome' && row.decision !== uuidOf(draft.members.decision)) return 'its decision';
  return open.has('digits') || row.cost === costOf(draft) ? undefined : 'its cost';
}

/** In micro-units. */
function costOf({ type, members }: AuditDraft): number | null {
  return type === 'outcome' ? (members.cost?.amount ?? null) : null;
}
