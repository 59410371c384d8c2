import type { Log } from '../../platform/log.js';
import type { SignedCheckpoint } from '../checkpoint.js';
import { type Candidate, createCandidate } from './candidate.js';
import type { Offer, WitnessState } from './witness-link.js';
import type { KnownWitness, WitnessSet } from './witness-set.js';

export interface RoundsDeps {
  readonly set: () => WitnessSet;
  readonly log: Log;
  readonly monotonic: () => number;
  /** Shortest time between two checkpoints that are offered. */
  readonly roundMs: number;
  /** A witness answered; `before` is what was known of it until then. */
  readonly onAnswer: (
    candidate: Candidate,
    witness: KnownWitness,
    before: WitnessState,
    offer: Offer,
  ) => void;
}

/** Offers checkpoints, each the newest there is, to all witnesses: a quorum is one of the same checkpoint. */
export interface Rounds {
  /** The newest checkpoint; undefined before the first. */
  readonly newest: SignedCheckpoint | undefined;
  /** A newer checkpoint is published. */
  offer(checkpoint: SignedCheckpoint): void;
  /** Offers it now, and resolves when all have answered. */
  offerNow(checkpoint: SignedCheckpoint): Promise<void>;
  /** Ends what runs. */
  stop(): void;
}

/** One checkpoint on its way to the witnesses of one policy. */
interface Round {
  readonly set: WitnessSet;
  readonly candidate: Candidate;
  /** Those that have not answered yet. */
  readonly asked: Set<KnownWitness>;
  /** Monotonic moment of its start. */
  readonly at: number;
}

/** Shortest time between two looks at who is free. */
const LOOK_MS = 100;

export function createRounds(deps: RoundsDeps): Rounds {
  const ended = new AbortController();
  let newest: SignedCheckpoint | undefined;
  let round: Round | undefined;
  let timer: NodeJS.Timeout | undefined;

  const look = (): readonly Promise<void>[] => {
    timer = undefined;
    const set = deps.set();
    if (newest === undefined || set.members.length === 0 || ended.signal.aborted) return [];
    if (round === undefined || round.set !== set || (round.candidate.checkpoint !== newest && isDone(round)))
      round = { set, candidate: createCandidate(newest, set.policy), asked: new Set(), at: deps.monotonic() };
    const { candidate } = round;
    const missing = set.members.filter((witness) => !candidate.has(witness.vkey));
    const started = missing.filter(({ link }) => link.isFree()).map(offerIn(deps, round, ended.signal));
    if (missing.length > 0 || newest !== candidate.checkpoint) within(LOOK_MS);
    return started;
  };
  const within = (leastMs: number): void => {
    if (timer !== undefined || ended.signal.aborted) return;
    const since = round === undefined ? Number.POSITIVE_INFINITY : deps.monotonic() - round.at;
    timer = setTimeout(() => void look(), Math.max(leastMs, deps.roundMs - since)).unref();
  };
  return {
    get newest() {
      return newest;
    },
    offer: (checkpoint) => {
      newest = checkpoint;
      if (deps.set().members.length > 0) within(0);
    },
    offerNow: async (checkpoint) => {
      newest = checkpoint;
      await Promise.all(look());
    },
    stop: () => {
      ended.abort();
      clearTimeout(timer);
    },
  };
}

/** A round is over once it reached the quorum, or nobody is left who could still answer. */
function isDone({ candidate, asked }: Round): boolean {
  return asked.size === 0 || candidate.witnessed() !== undefined;
}

function offerIn(
  deps: RoundsDeps,
  { set, candidate, asked }: Round,
  stop: AbortSignal,
): (witness: KnownWitness) => Promise<void> {
  return async (witness) => {
    const before = witness.link.state;
    asked.add(witness);
    try {
      const offer = await witness.link.offer(candidate.checkpoint, stop);
      if (stop.aborted) return;
      // Under another policy this cosignature may be of nobody any more.
      if (offer.kind === 'cosigned' && set === deps.set()) candidate.add(witness.vkey, offer.signature);
      deps.onAnswer(candidate, witness, before, offer);
    } catch (err) {
      deps.log.error('a checkpoint could not be offered to a witness', { witness: witness.name, err });
    } finally {
      asked.delete(witness);
    }
  };
}
