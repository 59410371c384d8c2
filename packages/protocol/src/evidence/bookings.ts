import type { AuditEvent, EventOf } from '@talosprotocol/contracts';
import { parseChain } from '../capability/chain.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { canonicalBytes } from '../encoding/jcs.js';
import { isTrustError } from '../error.js';
import { createRecent } from './recent.js';

/** What a reader of a whole log knows of whom its events must be booked on, as plain JSON. A subject stands in it as a hash,
 *  so that how much is kept is bounded, however long names are. */
export interface BookingsState {
  /** False if there may be chains of which nothing is known. */
  readonly isWhole: boolean;
  /** Whom chains are for, by `cth`, the last used last. */
  readonly chains: readonly (readonly [cth: string, subject: string])[];
  /** Whom allowed decisions are booked on, by `id`, the last one last. */
  readonly calls: readonly (readonly [decision: string, subject: string])[];
}

/** Holds whom events are booked on against the chains and decisions before them (AUD-1, AUD-22.5), for whoever reads all of
 *  them in order. Else a call could be hidden from whoever asks for all of an agent's: booked on nobody, or on another. */
export interface Bookings {
  /** What is wrong with whom an event is booked on, in words; undefined if nothing is, as far as is known. */
  faultOf(event: AuditEvent): string | undefined;
  take(event: AuditEvent): void;
  /** Something was passed over that may have been a chain. */
  miss(): void;
  state(): BookingsState;
}

export interface BookingsOptions {
  readonly crypto: CryptoProvider;
  /** Chains that are remembered: those that were used last. */
  readonly mostChains: number;
  /** Allowed decisions that are remembered, the last ones. */
  readonly mostCalls: number;
}

/** What is known before the event at an index, if nothing of what was before it is. */
export function bookingsFrom(index: number): BookingsState {
  return { isWhole: index === 0, chains: [], calls: [] };
}

export function createBookings(options: BookingsOptions, known: BookingsState): Bookings {
  const { crypto, mostChains, mostCalls } = options;
  const chains = createRecent(known.chains, mostChains);
  const calls = createRecent(known.calls, mostCalls);
  let { isWhole } = known;
  const hashOf = (principal: Subject | null): string =>
    crypto.sha256Hex(canonicalBytes(principal && [principal.sub, principal.prn ?? null]));
  const holderOf = (event: EventOf<'chain'>): string | undefined => {
    const holder = readHolder(event, crypto);
    return holder && hashOf(holder);
  };
  const ownerOf = (event: AuditEvent): string | undefined => {
    if (event.type === 'outcome') return calls.get(event.decision);
    const cth = chainOf(event);
    return cth === undefined ? hashOf(null) : chains.get(cth);
  };
  const wrongOf = (event: AuditEvent): string | undefined => {
    const isOfChain = chainOf(event) !== undefined;
    // Else a call would be of nobody that shows no chain, and leave no gap in the numbers of whoever made it.
    if (!isOfChain && event.type === 'decision' && event.effect === 'allow')
      return 'allows a call that is under no chain';
    if (isOfChain && event.principal === null) return 'under a chain is booked on nobody';
    const owner = ownerOf(event);
    if (owner !== undefined)
      return owner === hashOf(event.principal) ? undefined : 'is booked on another subject than it shows';
    // What was forgotten may have been there.
    return isOfChain && isWhole && !chains.isFull() ? 'under a chain that was never logged' : undefined;
  };
  return {
    faultOf: (event) => {
      // Whom these are of, the log alone knows.
      if (event.type === 'denials') return undefined;
      if (event.type === 'chain' && holderOf(event) === undefined)
        return 'the chain is not what its hash names';
      const wrong = wrongOf(event);
      return wrong && `a ${event.type} event ${wrong}`;
    },
    take: (event) => {
      if (event.type === 'chain') {
        const holder = holderOf(event);
        if (holder === undefined) isWhole = false;
        else chains.put(event.cth, holder);
      }
      const cth = chainOf(event);
      const holder = cth === undefined ? undefined : chains.get(cth);
      if (cth !== undefined && holder !== undefined) chains.put(cth, holder);
      if (event.type === 'decision' && event.effect === 'allow') calls.put(event.id, hashOf(event.principal));
    },
    miss: () => {
      isWhole = false;
    },
    state: () => ({ isWhole, chains: chains.all(), calls: calls.all() }),
  };
}

interface Subject {
  readonly sub: string;
  readonly prn?: string | undefined;
}

/** The chain under which an event was made, whose holder it is booked on. */
function chainOf(event: AuditEvent): string | undefined {
  if (event.type === 'decision') return event.credential.cth;
  return event.type === 'session.opened' ? event.cth : undefined;
}

/** Whom a chain is for; undefined if it is none, or not that of its `cth`. Its signatures need a trust file, and are left to
 *  who has one: who changes a chain changes its hash. */
function readHolder({ cth, chain }: EventOf<'chain'>, crypto: CryptoProvider): Subject | undefined {
  try {
    const { cth: own, leaf, root } = parseChain(chain, crypto);
    return own === cth ? { sub: leaf.claims.sub, prn: root.claims.prn } : undefined;
  } catch (error) {
    if (isTrustError(error)) return undefined;
    throw error;
  }
}
