import type { NoteSignature } from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';
import type { WitnessClient, WitnessFault } from './witness-client.js';

/** How it went with one checkpoint. */
export type Offer =
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature; readonly time: number }
  | WitnessFault;

/** What is known of a witness. */
export interface WitnessState {
  /** The size it is at, as far as this process knows. */
  readonly size: number | undefined;
  /** When it last cosigned, by its clock: Unix seconds. */
  readonly time: number | undefined;
  /** True once it cosigned something in this run: from then on it cannot say that it saw more or something else. */
  readonly confirmed: boolean;
  /** What went wrong last; undefined once it cosigned again. */
  readonly fault: (WitnessFault & { readonly sinceMs: number; readonly times: number }) | undefined;
}

/** The way to one witness: one request at a time, and a pause after each fault that grows. */
export interface WitnessLink {
  readonly state: WitnessState;
  /** True if it may be asked now. */
  isFree(): boolean;
  /** Leads it on to this checkpoint, from wherever it is. Never throws. */
  offer(checkpoint: SignedCheckpoint, stop: AbortSignal): Promise<Offer>;
}

export interface WitnessLinkDeps {
  readonly client: WitnessClient;
  /** Proves that the checkpoint continues the tree of `oldSize`. */
  readonly prove: (oldSize: number, checkpoint: SignedCheckpoint) => Promise<readonly Uint8Array[]>;
  readonly monotonic: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The first pause after a fault, and the longest. */
  readonly pauseMs: { readonly first: number; readonly longest: number };
}

/** A witness that says where it is, and then says something else, is asked no more than so often. */
const ATTEMPTS = 3;

export function createWitnessLink(deps: WitnessLinkDeps): WitnessLink {
  let state: WitnessState = { size: undefined, time: undefined, confirmed: false, fault: undefined };
  let busy = false;
  let freeAt = Number.NEGATIVE_INFINITY;
  const settle = (offer: Offer, size: number): Offer => {
    if (offer.kind === 'cosigned') {
      state = { size, time: offer.time, confirmed: true, fault: undefined };
      return offer;
    }
    const same = state.fault?.code === offer.code ? state.fault : undefined;
    const times = (state.fault?.times ?? 0) + 1;
    state = { ...state, fault: { ...offer, sinceMs: same?.sinceMs ?? deps.now(), times } };
    freeAt = deps.monotonic() + pauseAfter(times, deps.pauseMs);
    return offer;
  };
  const lead = async (checkpoint: SignedCheckpoint, stop: AbortSignal): Promise<Offer> => {
    // Of one that was not asked yet it is most likely that it is where the log is.
    let from = Math.min(state.size ?? checkpoint.size, checkpoint.size);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const proof = await deps.prove(from, checkpoint);
      const reply = await deps.client.ask(checkpoint, from, proof, stop);
      if (reply.kind !== 'at') return reply;
      if (reply.size > checkpoint.size) return ahead(reply.size, checkpoint.size);
      if (reply.size === from) break;
      from = reply.size;
      state = { ...state, size: from };
    }
    return { kind: 'fault', code: 'garbage', detail: 'it names one size and then another' };
  };
  return {
    get state() {
      return state;
    },
    isFree: () => !busy && deps.monotonic() >= freeAt,
    offer: async (checkpoint, stop) => {
      busy = true;
      try {
        return settle(await lead(checkpoint, stop), checkpoint.size);
      } finally {
        busy = false;
      }
    },
  };
}

function ahead(size: number, ours: number): WitnessFault {
  return { kind: 'fault', code: 'ahead', detail: `it says it saw ${size} events, of ${ours}`, size };
}

function pauseAfter(times: number, { first, longest }: WitnessLinkDeps['pauseMs']): number {
  return Math.min(longest, first * 2 ** Math.min(times - 1, 16));
}
