import { TrustError } from '@talosprotocol/protocol';
import { startTasks } from '../platform/tasks.js';
import type { Anchoring } from './anchor/anchoring.js';
import type { SignedCheckpoint } from './checkpoint.js';
import type { AuditDeps } from './deps.js';
import type { AuditDraft, RecordedEvent } from './draft.js';
import { createErasures, type Erasures } from './erasures.js';
import type { OpenLog } from './open-log.js';
import { createPruner, type Pruner } from './pruning/pruner.js';
import type { Roller } from './rollup/roller.js';
import type { AuditStore } from './store.js';

/** What the log forgets, on request and by age: what opens its events, and their bodies. */
export interface Upkeep extends Pick<Erasures, 'eraseEvent' | 'eraseOf'>, Pick<Pruner, 'prune'> {
  /** `size` is that of the log as this start found it. */
  start(size: number): Promise<void>;
  stop(): Promise<void>;
}

export interface UpkeepParts {
  readonly store: AuditStore;
  readonly opened: () => OpenLog;
  readonly record: (draft: AuditDraft) => Promise<RecordedEvent | undefined>;
  /** @throws {TrustError} UNAVAILABLE */
  readonly assertAccepting: () => void;
  readonly anchoring: Pick<Anchoring, 'confirmedSize'>;
  readonly roller: Pick<Roller, 'step'>;
}

export function createUpkeep(deps: AuditDeps, parts: UpkeepParts): Upkeep {
  const erasures = createErasures({ ...deps, ...parts });
  const pruner = openPruner(deps, parts);
  let tasks: ReturnType<typeof startTasks> | undefined;
  return {
    eraseEvent: erasures.eraseEvent,
    eraseOf: erasures.eraseOf,
    prune: pruner.prune,
    start: async (size) => {
      const lastMs = await lastBefore(deps.sql, size);
      tasks = startTasks(deps, 'audit', [...erasures.start(lastMs), ...pruner.start(lastMs)]);
    },
    stop: async () => {
      const ended = tasks?.stop();
      await Promise.all([erasures.stop(), pruner.stop(), ended]);
    },
  };
}

const SIGNED_MS = 10_000;

/** Whoever has witnesses prunes nothing that they have not seen, and whoever anchors nothing that is not anchored. */
function openPruner(deps: AuditDeps, parts: UpkeepParts): Pruner {
  const { opened, anchoring, roller } = parts;
  const seen = (): SignedCheckpoint | undefined => {
    const { witnessing, integrator } = opened();
    return witnessing.isOn() ? witnessing.witnessed() : integrator.checkpoint;
  };
  return createPruner({
    ...deps,
    ...parts,
    count: async () => {
      while (!(await roller.step()));
    },
    prover: () => opened().prover,
    tiles: () => opened().tiles,
    vouched: async () => {
      const checkpoint = seen();
      if (checkpoint === undefined) return undefined;
      const below = deps.chainAnchors === undefined ? checkpoint.size : await anchoring.confirmedSize();
      return { checkpoint, below: Math.min(below, checkpoint.size) };
    },
    reach: async (size) => {
      if (await opened().integrator.reach(size, SIGNED_MS)) return;
      const reason = 'the record of a pruning is not signed yet; it goes on once it is';
      throw new TrustError('UNAVAILABLE', reason);
    },
  });
}

/** The time of the last event before this start, in Unix milliseconds; 0 if there is none. */
async function lastBefore(sql: AuditDeps['sql'], size: number): Promise<number> {
  const [row] = await sql.query<{ time_ms: number }>('SELECT time_ms FROM audit_index WHERE idx = $1', [
    size - 1,
  ]);
  return row?.time_ms ?? 0;
}
