import type { LogWitness } from '@talosprotocol/contracts';
import {
  type CosignatureVerifier,
  type CryptoProvider,
  canonicalize,
  createWitnessPolicy,
  type WitnessPolicy,
} from '@talosprotocol/protocol';
import { createWitnessClient } from './witness-client.js';
import { createWitnessLink, type WitnessLink, type WitnessLinkDeps } from './witness-link.js';

/** Who watches this log, as the policy in force says. */
export interface LogWitnesses {
  readonly witnesses: readonly LogWitness[];
  readonly quorum: number;
}

/** A witness, and the way to it. */
export interface KnownWitness extends LogWitness {
  readonly name: string;
  readonly link: WitnessLink;
}

/** The witnesses of one policy. */
export interface WitnessSet {
  readonly policy: WitnessPolicy;
  readonly members: readonly KnownWitness[];
}

/** Bounds of the talk with witnesses, in milliseconds. */
export interface WitnessLimits {
  /** Shortest time between two checkpoints that are offered. */
  readonly roundMs: number;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
  /** Longest wait for all of them at a start. */
  readonly askMs: number;
  /** Longest wait of a reader for what as many as must have seen. */
  readonly waitMs: number;
  /** The first pause after a fault, and the longest. */
  readonly pauseMs: { readonly first: number; readonly longest: number };
}

export const WITNESS_LIMITS: WitnessLimits = {
  roundMs: 1_000,
  timeoutMs: 5_000,
  askMs: 6_000,
  waitMs: 5_000,
  pauseMs: { first: 1_000, longest: 60_000 },
};

export interface WitnessSetDeps extends Pick<WitnessLinkDeps, 'prove' | 'now' | 'monotonic'> {
  readonly crypto: CryptoProvider;
  readonly settings: () => LogWitnesses;
  readonly limits: WitnessLimits;
}

/** Gives the set of the policy in force: what is known of a witness stays while its key and its address do. */
export function createWitnessSets(deps: WitnessSetDeps): () => WitnessSet {
  let read: { readonly text: string; readonly set: WitnessSet } | undefined;
  return () => {
    const settings = deps.settings();
    const text = canonicalize({ ...settings });
    if (read?.text !== text) read = { text, set: makeSet(deps, settings, read?.set.members ?? []) };
    return read.set;
  };
}

function makeSet(
  deps: WitnessSetDeps,
  { witnesses, quorum }: LogWitnesses,
  known: readonly KnownWitness[],
): WitnessSet {
  const policy = createWitnessPolicy(deps.crypto, { witnesses: witnesses.map(({ vkey }) => vkey), quorum });
  const members = witnesses.map((witness, at) => {
    const same = known.find(({ vkey, url }) => vkey === witness.vkey && url === witness.url);
    return same ?? makeWitness(deps, witness, policy.witnesses[at] as CosignatureVerifier);
  });
  return { policy, members };
}

function makeWitness(deps: WitnessSetDeps, witness: LogWitness, verifier: CosignatureVerifier): KnownWitness {
  const { timeoutMs, pauseMs } = deps.limits;
  const client = createWitnessClient({ url: witness.url, verifier, timeoutMs, now: deps.now });
  return { ...witness, name: verifier.name, link: createWitnessLink({ ...deps, client, pauseMs }) };
}
