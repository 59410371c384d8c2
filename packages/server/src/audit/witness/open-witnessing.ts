import { isTrustError, type TreeHasher, type TrustError, verifyConsistency } from '@talosprotocol/protocol';
import { type LogKey, makeCheckpoint, readOwnCheckpoint, type SignedCheckpoint } from '../checkpoint.js';
import { corrupt } from '../corrupt.js';
import type { AuditDeps } from '../deps.js';
import type { Prover } from '../prover.js';
import type { WitnessLimits } from './witness-set.js';
import { keepWitnessed, readWitnessedNote } from './witnessed-store.js';
import { createWitnessing, type Witnessing } from './witnessing.js';

export interface OpenWitnessingOptions {
  readonly deps: AuditDeps;
  readonly key: LogKey;
  readonly hasher: TreeHasher;
  readonly prover: Prover;
  readonly limits: WitnessLimits;
  /** Of the log's holder now. */
  readonly epoch: () => number;
  readonly isHeld: () => boolean;
  readonly onContradiction: (error: TrustError) => void;
  readonly onFault: (witness: string, code: string) => void;
}

const NOBODY = { witnesses: [], quorum: 0 };

/** Asks the witnesses before anything is signed (AUD-32); `last` is the checkpoint that was signed last.
 *  @throws {TrustError} LOG_CORRUPT: witnesses saw more than this log knows, or another history */
export async function openWitnessing(
  options: OpenWitnessingOptions,
  last: SignedCheckpoint | undefined,
): Promise<Witnessing> {
  const { deps, key, hasher, prover, limits, isHeld, onContradiction, onFault } = options;
  const { clock, crypto, log, sql } = deps;
  const witnessing = createWitnessing({
    crypto,
    log,
    limits,
    isHeld,
    onContradiction,
    onFault,
    settings: deps.witnesses ?? (() => NOBODY),
    prove: prover.continuation,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    keep: ({ note }) => keepWitnessed(sql, options.epoch(), note),
  });
  try {
    const witnessed = await readWitnessed(options, last);
    if (witnessed !== undefined) witnessing.resume(witnessed);
    // A log that forgot everything is not known to have signed nothing: of the empty tree every other is a continuation.
    if (witnessing.isOn()) await witnessing.ask(last ?? makeCheckpoint(key, 0, hasher.empty()));
    return witnessing;
  } catch (error) {
    witnessing.stop();
    throw error;
  }
}

/** What an earlier run gathered, proven to be of this log. */
async function readWitnessed(
  { deps, key, hasher, prover }: OpenWitnessingOptions,
  last: SignedCheckpoint | undefined,
): Promise<SignedCheckpoint | undefined> {
  const note = await readWitnessedNote(deps.sql);
  if (note === undefined) return undefined;
  const witnessed = readOwnCheckpoint(key, note, 'the database that witnesses have seen');
  if (last === undefined || witnessed.size > last.size)
    throw corrupt(`the database went back: witnesses have seen ${witnessed.size} events`);
  const proof = await prover.continuation(witnessed.size, last);
  const [oldSize, newSize] = [witnessed.size, last.size];
  try {
    verifyConsistency(hasher, { oldSize, oldRoot: witnessed.root, newSize, newRoot: last.root, proof });
    return witnessed;
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    throw corrupt('what witnesses have seen is of another history than the log', cause);
  }
}
