import type { EventOf } from '@talosprotocol/contracts';
import {
  createNoteSigner,
  createNoteVerifier,
  createTreeHasher,
  formatVerifierKey,
  type TreeHasher,
  type TrustError,
} from '@talosprotocol/protocol';
import type { LogKey, SignedCheckpoint } from './checkpoint.js';
import { type ClockWatch, createClockWatch } from './clock-watch.js';
import { AUDIT_LIMITS, type AuditDeps, type AuditLimits } from './deps.js';
import { createGrowth, type Growth } from './explorer/growth.js';
import { createFinisher } from './finished-event.js';
import { createIntegrator, type Integrator } from './integrator.js';
import { type Lead, takeLead } from './lead.js';
import { saveCheckpoint } from './lead-store.js';
import { createPartitions } from './partitions.js';
import { createProver, type Prover } from './prover.js';
import { createPublisher } from './publisher.js';
import { type RecoveredLog, type RecoveryDeps, recoverLog } from './recovery.js';
import type { OnRewrite } from './rewritten.js';
import { createSequencer, type Sequencer } from './sequencer.js';
import { type AuditStore, createAuditStore } from './store.js';
import { openTileStore, type TileStore } from './tile-store.js';
import { type OpenWitnessingOptions, openWitnessing } from './witness/open-witnessing.js';
import type { Witnessing } from './witness/witnessing.js';

/** The parts that stay the same while the log is open or closed. */
export interface Workshop {
  readonly store: AuditStore;
  readonly hasher: TreeHasher;
  readonly key: LogKey;
  readonly limits: AuditLimits;
  readonly sourceOf: (text: string) => string;
  readonly growth: Growth;
}

/** A log that is open: held, recovered, growing. */
export interface OpenLog {
  readonly witnessing: Witnessing;
  readonly tiles: TileStore;
  readonly prover: Prover;
  readonly sequencer: Sequencer;
  readonly integrator: Integrator;
  readonly time: ClockWatch;
  /** What the start found. */
  readonly found: Pick<EventOf<'log.opened'>, 'boot' | 'size'>;
}

export function createWorkshop(deps: AuditDeps, sourceOf: (text: string) => string): Workshop {
  return {
    store: createAuditStore(deps.sql),
    hasher: createTreeHasher((data) => deps.crypto.sha256(data)),
    key: createLogKey(deps),
    limits: { ...AUDIT_LIMITS, ...deps.limits },
    sourceOf,
    growth: createGrowth(),
  };
}

function createLogKey({ origin, logKey, crypto }: AuditDeps): LogKey {
  const sha256 = (data: Uint8Array): Uint8Array => crypto.sha256(data);
  const vkey = formatVerifierKey(sha256, origin, logKey.publicKey);
  const sign = (message: Uint8Array): Uint8Array => logKey.sign(message);
  return {
    origin,
    vkey,
    signer: createNoteSigner(sha256, { name: origin, publicKey: logKey.publicKey, sign }),
    verifier: createNoteVerifier(crypto, vkey),
  };
}

/** What the opener of a log is told: of its witnesses, and of a checkpoint that was not there as it was left. */
export interface Told {
  readonly onFault: (witness: string, code: string) => void;
  readonly onRewrite: OnRewrite;
}

/** Takes the log and proves it against its last checkpoint, and against what its witnesses saw, before anything is added.
 *  @throws {TrustError} CONFLICT | LOG_CORRUPT | SETTINGS_INVALID | UNAVAILABLE */
export async function openLog(deps: AuditDeps, shop: Workshop, told: Told): Promise<OpenLog> {
  const { store, hasher, key, limits } = shop;
  const { onFault, onRewrite } = told;
  const { clock, crypto, log, emitter, sql, tenant, origin } = deps;
  const tiles = await (deps.openTiles ?? (() => openTileStore(deps.tiles)))();
  const recovery = { store, tiles, hasher, key, onRewrite };
  const identity = { origin, vkey: key.vkey, emitter, tenant };
  const take = (start: boolean, waitMs: number): Promise<Lead> =>
    takeLead({ sql, clock, identity, start, waitMs });

  const first = await take(true, limits.lockMs);
  let epoch = first.head.epoch;
  const prover = createProver({ tiles, hasher, crypto });
  // Not held before both are there: what a witness says until then, `openWitnessing` judges.
  let open: Pick<OpenLog, 'sequencer' | 'integrator'> | undefined;
  const watched = {
    ...{ deps, key, hasher, prover, onFault },
    limits: limits.witness,
    epoch: () => epoch,
    isHeld: () => open?.sequencer.isUp() === true,
    onContradiction: (fault: TrustError) => open?.integrator.contradict(fault),
  };
  const { recovered, witnessing } = await recoverWatched(recovery, first, watched);
  const save = ({ size, note }: SignedCheckpoint) => saveCheckpoint(sql, epoch, size, note);
  const publisher = createPublisher({ tiles, key, onRewrite, clock, save, onPublished: witnessing.offer });
  const { intervalMs } = limits;
  const integrator = createIntegrator(
    { store, tiles, hasher, key, log, clock, publisher, intervalMs },
    recovered,
  );
  const takeAgain = async (): Promise<Lead> => {
    const lead = await take(false, 0);
    await integrator
      .restart(() => recoverLog(recovery, lead.head, integrator.checkpoint))
      .catch(async (error: unknown) => {
        await lead.close();
        throw error;
      });
    epoch = lead.head.epoch;
    // Another process may have led the witnesses on meanwhile.
    if (integrator.checkpoint !== undefined) witnessing.offer(integrator.checkpoint);
    integrator.notify(lead.head.size);
    return lead;
  };
  const finish = createFinisher({ ...deps, sourceOf: shop.sourceOf });
  const onSequenced = (size: number): void => {
    integrator.notify(size);
    shop.growth.tell(size);
  };
  const { makeRoom } = createPartitions(sql, limits.partition, log);
  const sequencer = createSequencer(
    { finish, emitter, clock, crypto, log, limits, takeAgain, onSequenced, makeRoom },
    first,
  );
  open = { sequencer, integrator };
  integrator.notify(first.head.size);
  const found = { boot: first.head.boot, size: first.head.size };
  const time = createClockWatch({ clock, log, newestMs: () => sequencer.newestMs });
  time.start();
  return { tiles, prover, witnessing, ...open, time, found };
}

/** The log as it was left, and the witnesses that agree to it; if they do not, it is given up again. */
async function recoverWatched(
  recovery: RecoveryDeps,
  lead: Lead,
  watched: OpenWitnessingOptions,
): Promise<{ readonly recovered: RecoveredLog; readonly witnessing: Witnessing }> {
  try {
    const recovered = await recoverLog(recovery, lead.head);
    return { recovered, witnessing: await openWitnessing(watched, recovered.checkpoint) };
  } catch (error) {
    await lead.close();
    throw error;
  }
}
