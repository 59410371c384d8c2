import { TrustError } from '@talosprotocol/protocol';
import type { SignedCheckpoint } from '../checkpoint.js';
import type { WitnessedCheckpoint } from './candidate.js';
import { createRounds } from './rounds.js';
import type { WitnessState } from './witness-link.js';
import { createWitnessSets, type KnownWitness, type WitnessSetDeps } from './witness-set.js';
import { createWitnessed, type WitnessedDeps } from './witnessed.js';

export interface WitnessingDeps extends WitnessSetDeps, Pick<WitnessedDeps, 'keep' | 'log'> {
  /** True while this process is the one that signs the log: only then what a witness says is about what we signed. */
  readonly isHeld: () => boolean;
  /** Told when a witness contradicts this log and may be right. */
  readonly onContradiction: (error: TrustError) => void;
  /** Told of each fault. */
  readonly onFault: (witness: string, code: string) => void;
}

/** How it stands with one witness. */
export interface WitnessView extends WitnessState {
  readonly name: string;
  readonly vkey: string;
  readonly url: string;
}

/** Has witnesses see what the log signs. Logging waits for none of it. */
export interface Witnessing {
  /** Before anything new is signed: has the witnesses see what was signed last, and learns where they are. One that does
   *  not answer in time is asked on.
   *  @throws {TrustError} LOG_CORRUPT: one of them saw more, or another history */
  ask(last: SignedCheckpoint): Promise<void>;
  /** Takes up what an earlier run gathered, if it still counts. */
  resume(checkpoint: SignedCheckpoint): void;
  /** A newer checkpoint is published. */
  offer(checkpoint: SignedCheckpoint): void;
  /** The newest that as many as must have seen; undefined without witnesses, and before the first. */
  witnessed(): WitnessedCheckpoint | undefined;
  /** True if there are witnesses. */
  isOn(): boolean;
  /** The first witnessed checkpoint that covers `size` events; undefined if none does within the time. */
  reach(size: number, limitMs: number): Promise<WitnessedCheckpoint | undefined>;
  view(): { readonly quorum: number; readonly witnesses: readonly WitnessView[] };
  stop(): void;
}

/** Nothing happens before `ask` or `offer`. */
export function createWitnessing(deps: WitnessingDeps): Witnessing {
  const set = createWitnessSets(deps);
  const { log, limits } = deps;
  const witnessed = createWitnessed({ ...deps, set });
  const rounds = createRounds({
    ...deps,
    set,
    roundMs: limits.roundMs,
    onAnswer: (candidate, witness, before, offer) => {
      if (offer.kind === 'fault') return judgeFault(deps, witness, before, rounds.newest?.size ?? 0);
      const { size } = candidate.checkpoint;
      if (before.fault !== undefined) log.info('a witness cosigns again', { witness: witness.name, size });
      witnessed.take(candidate);
    },
  });
  return {
    ask: async (last) => {
      await inTime(rounds.offerNow(last), limits.askMs);
      for (const { name, link } of set().members) {
        assertNoContradiction(name, link.state, last.size);
        if (!link.state.confirmed)
          log.warn('a witness has not seen yet what was signed last', { witness: name, size: last.size });
      }
    },
    resume: witnessed.resume,
    offer: rounds.offer,
    witnessed: witnessed.newest,
    isOn: () => set().members.length > 0,
    reach: witnessed.reach,
    view: () => {
      const { policy, members } = set();
      const witnesses = members.map(({ name, vkey, url, link }) => ({ name, vkey, url, ...link.state }));
      return { quorum: policy.quorum, witnesses };
    },
    stop: () => {
      rounds.stop();
      witnessed.end();
    },
  };
}

function judgeFault(
  deps: WitnessingDeps,
  { name, link }: KnownWitness,
  before: WitnessState,
  signed: number,
): void {
  const { fault } = link.state;
  if (fault === undefined) return;
  deps.onFault(name, fault.code);
  // Said once until it changes.
  if (before.fault?.code !== fault.code)
    deps.log.error('a witness does not cosign', { witness: name, code: fault.code, line: fault.detail });
  if (!deps.isHeld()) return;
  try {
    assertNoContradiction(name, link.state, signed);
  } catch (error) {
    deps.onContradiction(error as TrustError);
  }
}

/** What a witness says that has cosigned nothing in this run may be true: the log may have been restored from an old
 *  backup, or somebody else may have signed with its key. One that did knows better, and lies.
 *  @throws {TrustError} LOG_CORRUPT */
function assertNoContradiction(name: string, { confirmed, fault }: WitnessState, signed: number): void {
  if (confirmed || fault === undefined) return;
  const isAhead = fault.code === 'ahead' && (fault.size ?? 0) > signed;
  if (!isAhead && fault.code !== 'forked') return;
  const hint =
    'restore the newest database and data folder; only if you know that the witness lies, take it out of audit.witnesses in talos.yaml';
  throw new TrustError('LOG_CORRUPT', `the witness ${name} contradicts this log: ${fault.detail}`, { hint });
}

async function inTime(work: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
