import {
  ANCHOR_PAGE,
  type AnchorEvidence,
  type AnchorPage,
  type AnchorProof,
  type TrustedContract,
} from '@talosprotocol/contracts';
import {
  encodeBase64url,
  parseJsonObject,
  parseTime,
  type TreeHasher,
  TrustError,
} from '@talosprotocol/protocol';
import type { Deps } from '../../platform/deps.js';
import type { SignedCheckpoint } from '../checkpoint.js';
import { createAuditStore } from '../store.js';
import type { TileStore } from '../tile-store.js';
import { type AnchorLoop, type AnchorStatus, createAnchorLoop } from './anchor-loop.js';
import { measureAnchors } from './anchor-metrics.js';
import { type AnchorCursor, createAnchorStore, type ProvenAnchor } from './anchor-store.js';
import type { AnchoredLog, Anchorer } from './anchorer.js';
import { type AnchorDeps, openAnchorers } from './open-anchorers.js';
import { createAnchorTree } from './tree.js';

export interface AnchoringDeps extends Pick<Deps, 'sql' | 'clock' | 'random' | 'log' | 'metrics' | 'crypto'> {
  readonly origin: string;
  readonly hasher: TreeHasher;
  readonly tiles: () => TileStore;
  /** The newest checkpoint. @throws {TrustError} UNAVAILABLE: there is none */
  readonly checkpoint: () => SignedCheckpoint;
  /** Absent: nothing is anchored. What was anchored before is proven still. */
  readonly anchors: AnchorDeps | undefined;
}

/** Brings heads of the log onto chains, beside the log: nothing that is recorded waits for it. */
export interface Anchoring {
  /** Begins; resolves before anything was anchored. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** One entry for each place that is named. */
  status(): readonly AnchorStatus[];
  /** The contracts that are named, with our own address as anchorer: what an auditor is to be told of them (AUD-37). */
  contracts(): readonly TrustedContract[];
  /** The anchor that proves the first `size` events to be the oldest, by default the newest there is, with what joins it to
   *  the newest checkpoint. @throws {TrustError} NOT_FOUND | UNAVAILABLE | LOG_CORRUPT */
  evidence(query: AnchorQuery): Promise<AnchorEvidence>;
  /** Size of the newest anchor whose block was looked at, of any place: 0 while there is none. An OpenTimestamps proof on the
   *  word of calendars alone is none. @throws {TrustError} LOG_CORRUPT: the log has another root there | UNAVAILABLE */
  confirmedSize(): Promise<number>;
  /** Every proof that covers at least `from` events and at most `to`: the smallest of each kind. For bundles. */
  proofs(from: number, to: number): Promise<readonly AnchorProof[]>;
  /** Proven anchors of up to `to` events, behind the cursor (AUD-129). For archives. */
  page(to: number, cursor: AnchorCursor): Promise<AnchorPage>;
}

/** Which anchor is asked for. */
export interface AnchorQuery {
  readonly size: number | undefined;
  readonly kind: AnchorProof['kind'] | undefined;
}

export function createAnchoring(deps: AnchoringDeps): Anchoring {
  const { clock, log, checkpoint, hasher } = deps;
  const store = createAnchorStore(deps.sql, log);
  const tree = createAnchorTree(hasher, deps.tiles);
  const anchored: AnchoredLog = {
    origin: deps.origin,
    size: () => checkpoint().size,
    rootAt: (size) => tree.rootAt(size, checkpoint()),
  };
  const ending = new AbortController();
  let anchorers: readonly Anchorer[] = [];
  let loops: readonly AnchorLoop[] = [];
  measureAnchors(deps.metrics, deps.crypto, () => loops);
  const timeOf = readTimes(deps.sql);
  const find = async ({ size, kind }: AnchorQuery): Promise<ProvenAnchor> => {
    const found =
      size === undefined ? await store.newest(kind) : await store.covering(size, checkpoint().size, kind);
    if (found !== undefined) return found;
    throw new TrustError('NOT_FOUND', 'no anchor of that size is proven yet', {
      hint: 'talos audit anchor status shows how far anchoring is',
    });
  };
  return {
    start: async () => {
      if (deps.anchors === undefined) return;
      const options = { anchored, clock, random: deps.random, log, store, signal: ending.signal };
      anchorers = await openAnchorers(deps.anchors, options);
      loops = anchorers.map((one) => createAnchorLoop(one, { anchored, store, clock, log, timeOf }));
      for (const loop of loops) loop.start();
    },
    stop: async () => {
      ending.abort();
      await Promise.all(loops.map((loop) => loop.stop()));
    },
    status: () => loops.map((loop) => loop.status()),
    contracts: () => anchorers.flatMap(({ contract }) => contract ?? []),
    evidence: async (query) => {
      const signed = checkpoint();
      const { size, root, proof } = await find(query);
      const consistency = (await tree.consistency(size, root, signed)).map(encodeBase64url);
      return { format: 'talos-anchor-v1', checkpoint: signed.note, consistency, anchor: proof };
    },
    confirmedSize: async () => {
      const found = await store.confirmed(undefined);
      if (found === undefined) return 0;
      await tree.consistency(found.size, found.root, checkpoint());
      return found.size;
    },
    proofs: async (from, to) => {
      const found = await Promise.all(KINDS.map((kind) => store.covering(from, to, kind)));
      return found.flatMap((one) => (one === undefined ? [] : [one.proof]));
    },
    page: async (to, cursor) => {
      const { proofs, next } = await store.page(to, cursor, ANCHOR_PAGE);
      return { anchors: [...proofs], next: next ?? null };
    },
  };
}

function readTimes(sql: Deps['sql']): (index: number) => Promise<number | undefined> {
  const { leaves } = createAuditStore(sql);
  return async (index) => {
    const [row] = await leaves(index, index + 1, 1);
    return row === undefined ? undefined : parseTime(String(parseJsonObject(row.event)['time']));
  };
}

const KINDS = ['evm', 'opentimestamps'] as const;
