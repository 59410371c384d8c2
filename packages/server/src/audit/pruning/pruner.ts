import type { Principal, PruneRequest, Pruning } from '@talosprotocol/contracts';
import {
  type CryptoProvider,
  commit,
  createUuidv7,
  disclose,
  encodeHex,
  formatTime,
  parseTime,
  TILE_WIDTH,
  TrustError,
} from '@talosprotocol/protocol';
import { createEntrance } from '../../platform/entrance.js';
import type { Log } from '../../platform/log.js';
import type { Sql } from '../../platform/sql.js';
import type { Clock, Random } from '../../platform/system.js';
import type { Task } from '../../platform/tasks.js';
import type { SignedCheckpoint } from '../checkpoint.js';
import { corrupt } from '../corrupt.js';
import type { AuditDraft, RecordedEvent } from '../draft.js';
import type { Prover } from '../prover.js';
import type { AuditStore } from '../store.js';
import type { TileStore } from '../tile-store.js';
import { readSpan } from '../time-span.js';
import { createPruningStore, type PruningJob } from './pruning-store.js';
import { createSteadyClock, DOUBT, type SteadyClock } from './steady-clock.js';

/** Who asked for it, as the log keeps it. */
export type PrunedBy = Pick<Principal, 'kind' | 'id' | 'how'>;

/** Removes the bodies of old events; hashes and proofs stay (AUD-110 to AUD-116). */
export interface Pruner {
  /** Of all events of before a moment, as far as whole bundles go. Resolves when the bodies are gone.
   *  @throws {TrustError} MALFORMED: of what is to come; CONFLICT: younger than the policy keeps; UNAVAILABLE; LOG_CORRUPT: what
   *  would go is not what was signed */
  prune(request: PruneRequest, by: PrunedBy): Promise<Pruning>;
  /** Ends what was left, and begins to prune what is old; gives what is to be done again and again. `lastMs` is the time of the last event before this start. */
  start(lastMs: number): readonly Task[];
  stop(): Promise<void>;
}

export interface PrunerDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
  readonly log: Log;
  readonly tenant: string;
  readonly store: Pick<AuditStore, 'rows'>;
  readonly prover: () => Pick<Prover, 'prove'>;
  readonly tiles: () => Pick<TileStore, 'dropEntries'>;
  /** Resolves when all events are in the sums of the log: what is pruned is counted no more (AUD-123). */
  readonly count: () => Promise<void>;
  /** A checkpoint that whoever watches this log has seen, and the index below which bodies may go. */
  readonly vouched: () => Promise<Vouched | undefined>;
  /** Resolves when so many events are signed. @throws {TrustError} UNAVAILABLE */
  readonly reach: (size: number) => Promise<unknown>;
  /** @throws {TrustError} UNAVAILABLE: no event is taken now, so nothing is pruned */
  readonly assertAccepting: () => void;
  readonly record: (draft: AuditDraft) => Promise<RecordedEvent | undefined>;
  /** How long bodies are kept, in milliseconds; for ever if it does not say. */
  readonly retention?: () => { readonly eventsMs?: number };
}

interface Vouched {
  readonly checkpoint: SignedCheckpoint;
  readonly below: number;
}

/** Nothing younger goes, whoever asks. */
const LEAST_MS = 86_400_000;
/** Requests that wait for the one before. */
const WAITING = 16;
const OFTEN_MS = 60_000;
const HOURLY_MS = 3_600_000;
/** Bundles that are removed before it is noted how far that is. */
const BUNDLES = 64;

export function createPruner(deps: PrunerDeps): Pruner {
  const { clock, log } = deps;
  const store = createPruningStore(deps.sql);
  // One after the other: a pruning begins where the last one ended.
  const { enter: inTurn, idle } = createEntrance({ inside: 1, waiting: WAITING });
  let stopped = false;
  /** Each step is done again if it may not have been: the event stands once under its id, what is gone is gone. */
  const finish = async (job: PruningJob): Promise<void> => {
    const recorded = await deps.record(job.draft);
    await deps.reach((recorded?.index ?? 0) + 1);
    await store.mark(job);
    for (let at = job.done / TILE_WIDTH; at < job.hi / TILE_WIDTH; at += BUNDLES) {
      if (stopped) throw new TrustError('UNAVAILABLE', 'the rest is pruned at the next start');
      await deps.tiles().dropEntries(at, Math.min(at + BUNDLES, job.hi / TILE_WIDTH));
      await store.note(Math.min((at + BUNDLES) * TILE_WIDTH, job.hi));
    }
    await store.removeRows(job.hi);
    await store.end();
    // Nobody waits for it: what it makes room of is read by nobody.
    void store.vacuum().catch((err: unknown) => log.warn('pruned rows were not cleared away', { err }));
  };
  const finishLeft = async (): Promise<void> => {
    const job = await store.left();
    if (job !== undefined) await finish(job);
  };
  const run = async (cause: Cause, isDry: boolean): Promise<Pruning> => {
    deps.assertAccepting();
    await finishLeft();
    await deps.count();
    const { from, to, checkpoint } = await findRange(deps, cause.before);
    const kept = to > from ? await store.countKept(to) : 0;
    if (isDry || checkpoint === undefined || to <= from) return { from, to, kept, event: null };
    await assertSigned(deps, from, to, checkpoint, () => stopped);
    const draft = draftOf(deps, cause, { from, to, checkpoint });
    await finish(await store.begin({ lo: from, hi: to, draft }));
    return { from, to, kept, event: draft.id };
  };
  const keptMs = (): number | undefined => deps.retention?.().eventsMs;
  const pruneOld = async (steady: SteadyClock): Promise<void> => {
    const kept = keptMs();
    const isSteady = steady.isSteady();
    if (kept === undefined) return;
    if (!isSteady) throw new TrustError('UNAVAILABLE', DOUBT);
    await inTurn(() => run({ of: 'age', before: Math.floor(clock.now() - kept) }, false));
  };
  return {
    prune: async ({ before, dry_run: isDry = false }, by) => {
      const cause = { of: 'request', before: parseTime(before), by } as const;
      assertOld(cause.before, clock.now(), keptMs());
      return inTurn(() => run(cause, isDry));
    },
    start: (lastMs) => {
      const steady = createSteadyClock(clock, lastMs);
      const warn = (err: unknown): void => log.warn('what is old was not pruned', { err });
      void inTurn(finishLeft)
        .then(() => pruneOld(steady))
        .catch(warn);
      return [
        { name: 'pruning left over', everyMs: OFTEN_MS, run: () => inTurn(finishLeft) },
        { name: 'old bodies', everyMs: HOURLY_MS, run: () => pruneOld(steady) },
      ];
    },
    stop: async () => {
      stopped = true;
      await idle();
    },
  };
}

/** Why something is pruned: of before this moment (Unix milliseconds). */
type Cause =
  | { readonly of: 'age'; readonly before: number }
  | { readonly of: 'request'; readonly before: number; readonly by: PrunedBy };

/** What the policy says bodies are kept for, nobody prunes on request. @throws {TrustError} MALFORMED | CONFLICT */
function assertOld(before: number, now: number, keptMs: number = LEAST_MS): void {
  if (before > now) throw new TrustError('MALFORMED', 'before is a time that has not come');
  if (before <= now - Math.max(keptMs, LEAST_MS)) return;
  const days = Math.ceil(Math.max(keptMs, LEAST_MS) / LEAST_MS);
  throw new TrustError('CONFLICT', `events are kept for ${days === 1 ? 'a day' : `${days} days`} at least`, {
    hint: `name a time before ${formatTime(Math.floor(now - days * LEAST_MS))}, or change audit.retention.events in talos.yaml`,
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly checkpoint: SignedCheckpoint | undefined;
}

/** Whole bundles, of events of before a moment, below a checkpoint that others have seen. */
async function findRange({ sql, vouched }: PrunerDeps, before: number): Promise<Range> {
  const { checkpoint, below = 0 } = (await vouched()) ?? {};
  const { from, to } = await readSpan(sql, { until: before });
  const end = Math.min(to, below);
  return { from, to: Math.max(from, end - (end % TILE_WIDTH)), checkpoint };
}

/** What goes can be shown by nobody any more: so it is not put on record that it went before all of it was proven to be what
 *  the checkpoint signs. @throws {TrustError} LOG_CORRUPT */
async function assertSigned(
  { store, prover }: PrunerDeps,
  from: number,
  to: number,
  checkpoint: SignedCheckpoint,
  isStopped: () => boolean,
): Promise<void> {
  for (let at = from; at < to; at += TILE_WIDTH) {
    if (isStopped()) throw new TrustError('UNAVAILABLE', 'the service is stopping');
    const rows = await store.rows(at, at + TILE_WIDTH, TILE_WIDTH);
    if (rows.length !== TILE_WIDTH) throw corrupt(`the database has lost events from ${at} on`);
    await prover().prove(rows, checkpoint);
  }
}

function draftOf(
  { clock, random, crypto, tenant }: PrunerDeps,
  cause: Cause,
  { from, to, checkpoint }: Range & { readonly checkpoint: SignedCheckpoint },
): AuditDraft<'log.pruned'> {
  const { size, root } = checkpoint;
  const { of, before } = cause;
  const members = { of, from, to, before: formatTime(before), size, root: encodeHex(root) };
  const id = `evt_${createUuidv7(clock.now(), random(16))}`;
  const own = { id, type: 'log.pruned', tenant, principal: null } as const;
  if (of === 'age') return { ...own, members, disclosures: [] };
  const { kind, id: name, how } = cause.by;
  const [who, salt] = [{ kind, id: name, how }, random(32)];
  return {
    ...own,
    members: { ...members, actor: commit('/actor', who, salt, crypto) },
    disclosures: [disclose('/actor', who, salt)],
  };
}
