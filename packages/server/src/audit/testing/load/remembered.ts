import type { EventFilter } from '@talosprotocol/contracts';
import type { AuditDraft } from '../../draft.js';
import { hashOf } from '../traffic.js';

/** What an event can be found by, read from its draft alone: the room's own index is what is held against it. */
export interface Kind {
  readonly type: string;
  readonly agent: string | undefined;
  readonly cth: string | undefined;
  /** What a revocation ends. */
  readonly lid: string | undefined;
  readonly server: string | undefined;
  readonly tool: string | undefined;
  readonly op: string | undefined;
  readonly surface: string | undefined;
  readonly effect: string | undefined;
  readonly code: string | undefined;
  readonly status: string | undefined;
  readonly currency: string | undefined;
}

/** Everything that was put into a log, beside the log. */
export interface Remembered {
  /** In the order of the log. */
  add(draft: AuditDraft, time: number): void;
  readonly size: number;
  kind(index: number): Kind;
  /** Micro-units; 0 for nothing. */
  cost(index: number): number;
  time(index: number): number;
  /** Indexes of events that fit from `from` on, or from below it downwards; `limit` of them at most. */
  find(filter: EventFilter, from: number, order: 'newest' | 'oldest', limit: number): number[];
}

export function createRemembered(capacity: number): Remembered {
  const kinds: Kind[] = [];
  const numbers = new Map<string, number>();
  const kindOf = new Uint32Array(capacity);
  const costs = new Float64Array(capacity);
  const times = new Float64Array(capacity);
  /** By the id of a decision whose outcome may come. */
  const decided = new Map<string, Kind>();
  const links = new Map<string, ReadonlySet<string>>();
  let size = 0;
  const numberOf = (kind: Kind): number => {
    const text = JSON.stringify(Object.values(kind));
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, kinds.length);
    return kinds.push(kind) - 1;
  };
  return {
    add: (draft, time) => {
      if (draft.type === 'chain')
        links.set(draft.members.cth, new Set(draft.members.chain.split('~').map(hashOf)));
      const kind = kindOfDraft(draft, decided);
      kindOf[size] = numberOf(kind);
      costs[size] = draft.type === 'outcome' ? (draft.members.cost?.amount ?? 0) : 0;
      times[size] = time;
      size += 1;
    },
    get size() {
      return size;
    },
    kind: (index) => kinds[kindOf[index] ?? 0] as Kind,
    cost: (index) => costs[index] ?? 0,
    time: (index) => times[index] ?? 0,
    find: (filter, from, order, limit) => {
      const fitting = Uint8Array.from(kinds, (kind) => (fits(filter, kind, links) ? 1 : 0));
      const since = filter.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(filter.since);
      const until = filter.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(filter.until);
      const { min_cost: least = 0 } = filter;
      const isFound = (at: number): boolean => {
        if (fitting[kindOf[at] as number] === 0 || (costs[at] as number) < least) return false;
        const time = times[at] as number;
        return time >= since && time < until;
      };
      const found: number[] = [];
      const step = order === 'newest' ? -1 : 1;
      const begin = order === 'newest' ? from - 1 : from;
      for (let at = begin; at >= 0 && at < size && found.length < limit; at += step)
        if (isFound(at)) found.push(at);
      return found;
    },
  };
}

function kindOfDraft(draft: AuditDraft, decided: Map<string, Kind>): Kind {
  const { type, members } = draft;
  const agent = draft.principal?.sub;
  if (type === 'outcome') {
    const decision = decided.get(members.decision);
    if (decision === undefined) throw new Error('an outcome without its decision');
    decided.delete(members.decision);
    const { status, cost } = members;
    return { ...decision, type, agent, code: undefined, status, currency: cost?.currency };
  }
  const none = { ...NONE, type, agent };
  if (type === 'chain') return { ...none, cth: members.cth };
  if (type === 'revocation') return { ...none, lid: members.lid };
  if (type === 'denials') return { ...none, code: members.code };
  if (type !== 'decision') return none;
  const { action, surface, effect, credential, code } = members;
  const { server, tool, op } = action;
  const kind = { ...none, cth: credential.cth, server, tool, op, surface, effect, code: code ?? undefined };
  if (effect === 'allow') decided.set(draft.id, kind);
  return kind;
}

const NONE: Omit<Kind, 'type' | 'agent'> = {
  cth: undefined,
  lid: undefined,
  server: undefined,
  tool: undefined,
  op: undefined,
  surface: undefined,
  effect: undefined,
  code: undefined,
  status: undefined,
  currency: undefined,
};

const EQUAL = [
  'type',
  'agent',
  'server',
  'tool',
  'op',
  'surface',
  'effect',
  'code',
  'status',
  'currency',
] as const;

/** What a filter means (AUD-65), but for times and amounts. */
function fits(filter: EventFilter, kind: Kind, links: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (!EQUAL.every((name) => filter[name] === undefined || filter[name] === kind[name])) return false;
  const { capability } = filter;
  if (capability === undefined) return true;
  if (kind.lid === capability || kind.cth === capability) return true;
  return kind.cth !== undefined && links.get(kind.cth)?.has(capability) === true;
}
