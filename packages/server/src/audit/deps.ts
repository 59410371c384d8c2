import type { TrustAnchor } from '@talosprotocol/contracts';
import type { Signer } from '@talosprotocol/protocol';
import type { Deps } from '../platform/deps.js';
import type { Disk } from '../platform/disk.js';
import type { AnchorDeps } from './anchor/open-anchorers.js';
import type { DenialLimits } from './denials.js';
import type { StreamLimits } from './explorer/streams.js';
import type { RollerLimits } from './rollup/roller.js';
import type { SequencerLimits } from './sequencer.js';
import type { TileStore } from './tile-store.js';
import { type LogWitnesses, WITNESS_LIMITS, type WitnessLimits } from './witness/witness-set.js';

/** What the audit room needs of its process. */
export interface AuditDeps extends Pick<Deps, 'sql' | 'clock' | 'random' | 'crypto' | 'log' | 'metrics'> {
  /** Where the tiles are; the folder exists and is ours alone. */
  readonly tiles: string;
  /** Opens another place for the tiles instead. */
  readonly openTiles?: () => Promise<TileStore>;
  readonly disk: Disk;
  /** Origin of the log, also the name of its key (AUD-10). */
  readonly origin: string;
  /** The tenant whose log it is; events of others are refused. */
  readonly tenant: string;
  /** DID of the service whose events these are. */
  readonly emitter: string;
  /** The log's key. */
  readonly logKey: Pick<Signer, 'publicKey' | 'sign'>;
  /** Signs bundle statements. */
  readonly exporter: Signer;
  /** 32 secret bytes that hide client addresses (AUD-5); asked each time, for they are replaced (AUD-92). */
  readonly addressKey: () => Uint8Array;
  /** The policy in force: its hash (AUD-9) and anchors. */
  readonly policy: () => { readonly hash: string; readonly anchors: readonly TrustAnchor[] };
  /** Who watches this log; nobody by default. */
  readonly witnesses?: () => LogWitnesses;
  /** How long what the log may forget is kept, by the policy in force; times in milliseconds. */
  readonly retention?: () => { readonly disclosuresMs?: number; readonly eventsMs?: number };
  /** The runs of other nodes (`<node>.<boot>`) that live, or did a moment ago; none if there are no other nodes. */
  readonly runningNodes?: () => Promise<readonly string[]>;
  /** Where the log is anchored; nowhere by default. */
  readonly chainAnchors?: AnchorDeps;
  readonly limits?: Partial<AuditLimits>;
}

/** Bounds; times in milliseconds. */
export interface AuditLimits extends SequencerLimits {
  readonly denials: DenialLimits;
  /** Events that may wait for a checkpoint before no more are taken. */
  readonly backlog: number;
  /** Longest wait of an event for a checkpoint when nobody asks for its receipt. */
  readonly intervalMs: number;
  /** Longest wait for the log to become free at a start. */
  readonly lockMs: number;
  /** Of the talk with witnesses. */
  readonly witness: WitnessLimits;
  /** Events whose rows are in one table, and are dropped with it. */
  readonly partition: number;
  readonly streams: Partial<StreamLimits>;
  readonly rollup: Partial<RollerLimits>;
}

export const AUDIT_LIMITS: AuditLimits = {
  queue: 8_192,
  denialQueue: 1_024,
  batch: 500,
  retryMs: 5_000,
  denials: { perSource: 60, perKind: 1_200, sources: 4_096 },
  backlog: 100_000,
  intervalMs: 100,
  lockMs: 10_000,
  witness: WITNESS_LIMITS,
  partition: 1_048_576,
  streams: {},
  rollup: {},
};
