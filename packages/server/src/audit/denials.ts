import type { EventOf, ProblemCode } from '@talosprotocol/contracts';
import { formatTime } from '@talosprotocol/protocol';
import type { DraftPrincipal } from './draft.js';

/** Whom a denial is counted against: the proven subject, else the client's address. */
export type DenialSource = { readonly subject: string } | { readonly address: string };

/** Denials of one source, code and minute that were not recorded one by one. */
export interface DenialSummary {
  /** 1, 2, ...: another one for what is counted after a summary was taken out, also of the same minute: the clock may go
   *  back over it. */
  readonly part: number;
  readonly principal: DraftPrincipal | null;
  readonly members: Pick<EventOf<'denials'>, 'source' | 'code' | 'minute' | 'count'>;
}

export interface DenialLimits {
  /** Recorded one by one, for each source and minute. */
  readonly perSource: number;
  /** The same for all addresses together, and for all subjects together; at least that of one source. */
  readonly perKind: number;
  /** Sources that are told apart; what comes from others is counted as one. */
  readonly sources: number;
}

/** Decides which denials are recorded one by one, and counts the rest. Holds a bounded number of sources whatever
 *  comes in. */
export interface DenialGate {
  /** True if this one may be recorded. */
  admits(source: DenialSource): boolean;
  /** Counts one that is not recorded. */
  count(source: DenialSource, code: ProblemCode, principal: DraftPrincipal | null): void;
  /** Takes out the summaries of the minutes that are over, or that the clock left otherwise, or of all of them. */
  summaries(all?: boolean): DenialSummary[];
  /** Those of the minutes that are not, as far as they were counted since this was asked last. */
  underWay(): DenialSummary[];
}

interface Counted {
  readonly part: number;
  readonly principal: DraftPrincipal | null;
  readonly source: string;
  readonly minute: number;
  readonly codes: Map<ProblemCode, number>;
  /** True if something was counted that `underWay` did not tell. */
  isNew: boolean;
}

const MINUTE_MS = 60_000;

/** `sourceOf` hides an address or subject (AUD-5). */
export function createDenialGate(
  limits: DenialLimits,
  now: () => number,
  sourceOf: (text: string) => string,
): DenialGate {
  const tallies = createTallies(limits, now);
  const counted = new Map<string, Counted>();
  let parts = 0;
  const place = (text: string, principal: DraftPrincipal | null): Counted => {
    const minute = Math.floor(now() / MINUTE_MS);
    const known = counted.has(`${minute} ${text}`) || counted.size < limits.sources;
    // Beyond the bound all sources are one, which has no address.
    const name = known ? text : '';
    const key = `${minute} ${name}`;
    const present = counted.get(key);
    if (present !== undefined) return present;
    parts += 1;
    const made = {
      part: parts,
      principal: known ? principal : null,
      source: sourceOf(name),
      minute,
      codes: new Map(),
      isNew: true,
    };
    counted.set(key, made);
    return made;
  };
  return {
    admits: (source) => tallies.take(source),
    count: (source, code, principal) => {
      const entry = place(textOf(source), 'subject' in source ? principal : null);
      entry.codes.set(code, (entry.codes.get(code) ?? 0) + 1);
      entry.isNew = true;
    },
    underWay: () => {
      const told = [...counted.values()].filter(({ isNew }) => isNew);
      for (const entry of told) entry.isNew = false;
      return told.flatMap(summariesOf);
    },
    summaries: (all = false) => {
      const minute = Math.floor(now() / MINUTE_MS);
      const over = [...counted].filter(([, entry]) => all || entry.minute !== minute);
      for (const [key] of over) counted.delete(key);
      return over.flatMap(([, entry]) => summariesOf(entry));
    },
  };
}

/** How many were recorded in this minute, by source and in all. */
function createTallies(limits: DenialLimits, now: () => number) {
  let minute = -1;
  let bySource = new Map<string, number>();
  const byKind = { subject: 0, address: 0 };
  const perKind = Math.max(limits.perKind, limits.perSource);
  const renew = (): void => {
    const current = Math.floor(now() / MINUTE_MS);
    if (current === minute) return;
    minute = current;
    bySource = new Map();
    byKind.subject = 0;
    byKind.address = 0;
  };
  const take = (source: DenialSource): boolean => {
    renew();
    const kind = 'subject' in source ? 'subject' : 'address';
    const text = textOf(source);
    const used = bySource.get(text) ?? 0;
    if (used >= limits.perSource || byKind[kind] >= perKind) return false;
    if (used === 0 && bySource.size >= limits.sources) return false;
    bySource.set(text, used + 1);
    byKind[kind] += 1;
    return true;
  };
  return { take };
}

function textOf(source: DenialSource): string {
  return 'subject' in source ? source.subject : source.address;
}

function summariesOf({ part, principal, source, minute, codes }: Counted): DenialSummary[] {
  const time = formatTime(minute * MINUTE_MS);
  return [...codes].map(([code, count]) => ({
    part,
    principal,
    members: { source, code, minute: time, count },
  }));
}
