import type { TrustFile } from '@talosprotocol/contracts';
import { createUuidv7, encodeHex, TrustError } from '@talosprotocol/protocol';
import { type Anchoring, createAnchoring } from './anchor/anchoring.js';
import { assertCanary } from './canary.js';
import { createDenialDesk, type DenialDesk } from './denial-desk.js';
import { createDenialDrafts } from './denial-draft.js';
import { createDenialStore } from './denial-store.js';
import type { DenialSource } from './denials.js';
import type { AuditDeps } from './deps.js';
import { createDiskWatch, type DiskWatch } from './disk-watch.js';
import { type AuditDraft, isAllowedWrite, type RecordedEvent, uuidOf } from './draft.js';
import { createEventStreams, type EventStreams } from './explorer/streams.js';
import { createExportStore } from './export/export-store.js';
import { createExporter, type Exporter, type ExporterDeps } from './export/exporter.js';
import { type LogMeter, measureLog } from './log-metrics.js';
import { recordLost } from './lost-outcomes.js';
import { createWorkshop, type OpenLog, openLog, type Told, type Workshop } from './open-log.js';
import { createPolicyHistory, type PolicyHistory } from './policy-history.js';
import { type AuditReader, createReader } from './reader.js';
import { createRewriteReport } from './rewritten.js';
import { createRoller } from './rollup/roller.js';
import { createStatistics, type Statistics } from './rollup/stats.js';
import { createSourceHash } from './source.js';
import { createUpkeep, type Upkeep } from './upkeep.js';
import { measureWitnesses } from './witness/witness-metrics.js';

/** The audit room. Other rooms see `assertAccepting`, `record`, `recordDenial` and `findRequest`. */
export interface Audit extends AuditReader, Statistics, Exporter, Omit<Upkeep, 'start' | 'stop'> {
  /** Opens the log, writes what a start writes, and proves that a receipt can be made and verified.
   *  @throws {TrustError} LOG_CORRUPT | CONFLICT | SETTINGS_INVALID | UNAVAILABLE */
  start(): Promise<void>;
  /** Writes what waits, signs it, gives up the log. Nothing is accepted from then on. */
  stop(): Promise<void>;
  /** Tells that the database ended: what waits is refused at once, and `stop` waits for nothing. */
  giveUp(): void;
  /** Throws unless events are taken, durable and signed, with the time at which they are. For the health check. */
  assertReady(): void;

  /** @throws {TrustError} UNAVAILABLE when full or down, for both; DISK_FULL for writes below the reserve */
  assertAccepting(op: 'read' | 'write'): void;
  /** Resolves when the event is durable; a draft handed in first stands first. An event handed in again under its
   *  id, and a second outcome of a decision, give where the first stands. A chain is logged once, also over many
   *  starts: one that was logged before gives undefined, and an event that names a `cth` which is not in the log is
   *  refused. @throws {TrustError} UNAVAILABLE | DISK_FULL */
  record(draft: Exclude<AuditDraft, { type: 'chain' }>): Promise<RecordedEvent>;
  record(draft: AuditDraft): Promise<RecordedEvent | undefined>;
  /** Undefined beyond the source's rate: then the denial is part of a summary, and has no receipt. */
  recordDenial(draft: AuditDraft<'decision'>, source: DenialSource): Promise<RecordedEvent | undefined>;

  /** To be called before a policy comes into force: what is decided under it could not be proven otherwise. The one
   *  in force at the start is recorded by `start`. @throws {TrustError} as `PolicyHistory.record` */
  recordPolicy: PolicyHistory['record'];

  /** What is anchored on chains, and how far that is. */
  readonly anchoring: Pick<Anchoring, 'status' | 'evidence' | 'proofs' | 'page' | 'confirmedSize'>;

  /** The log's verifier key (C2SP signed-note). */
  readonly vkey: string;
  /** Events as they are recorded. To be closed before connections are waited for. */
  readonly streams: EventStreams;
}

/** Longest wait for the receipt of the first event. */
const CANARY_MS = 10_000;
const STOP_MS = 10_000;

/** Builds the room; nothing happens before `start`. Needs the tables of `AUDIT_MIGRATIONS`. */
export function createAudit(deps: AuditDeps): Audit {
  const shop = createWorkshop(deps, createSourceHash(deps.addressKey, deps.crypto));
  const disk = createDiskWatch(deps.disk, deps.log);
  const state: State = { log: undefined, proven: false, stopped: false };
  const opened = (): OpenLog => {
    if (state.log === undefined) throw unavailable('the log is not open');
    return state.log;
  };
  const meter = measureLog(deps.metrics, () => state.log, disk);
  const told = measureOpening(deps, state);
  const newId = (): string => `evt_${createUuidv7(deps.clock.now(), deps.random(16))}`;
  const own = { tenant: deps.tenant, principal: null, disclosures: [] } as const;
  const record: Recorder = (draft) =>
    opened().sequencer.add(draft, draft.type === 'outcome' ? 'owed' : 'main');
  const desk = openDesk(deps, shop, { disk, opened });
  const policies = createPolicyHistory(deps.sql);
  const running = deps.runningNodes ?? (async () => []);
  const lostDeps = { store: shop.store, record, newId, tenant: deps.tenant, running };
  const reader = createReader(deps, shop, policies, opened);
  const tree = { hasher: shop.hasher, checkpoint: reader.checkpoint, tiles: () => opened().tiles };
  const anchoring = createAnchoring({ ...deps, ...tree, anchors: deps.chainAnchors });
  const sink = createSink({ state, opened, disk, desk, record, shop, meter });
  const assertAccepting = (): void => sink.assertAccepting('read');
  const streams = openStreams(deps, shop, reader, opened);
  const roller = createRoller({ ...deps, limits: shop.limits.rollup });
  const upkeep = createUpkeep(deps, { ...shop, opened, record, assertAccepting, anchoring, roller });
  return {
    ...withContracts(reader, anchoring),
    ...openExporter(deps, shop, { record, reader, opened, anchoring }),
    eraseEvent: upkeep.eraseEvent,
    eraseOf: upkeep.eraseOf,
    prune: upkeep.prune,
    ...createStatistics({ ...deps, roller }),
    streams,
    vkey: shop.key.vkey,
    recordPolicy: policies.record,
    anchoring,
    start: async () => {
      await disk.start();
      const log = await openLog(deps, shop, told);
      state.log = log;
      await policies.record(deps.policy());
      const members = { ...log.found, policy: deps.policy().hash };
      const id = newId();
      await record({ ...own, id, type: 'log.opened', members });
      await recordLost(lostDeps, true);
      const receipt = await reader.receipt(`rcp_${uuidOf(id)}`, CANARY_MS);
      assertCanary(receipt, id, await reader.trust(), deps.crypto);
      await desk.start();
      state.proven = true;
      await anchoring.start();
      await upkeep.start(log.found.size);
      roller.start();
      if (deps.runningNodes !== undefined) state.sweeping = sweepLost(lostDeps, deps.log);
    },
    giveUp: () => giveUp(state),
    stop: async () => {
      streams.close();
      const ended = Promise.all([roller.stop(), upkeep.stop(), anchoring.stop()]);
      // A step that asks a database which is gone would be waited for in vain.
      if (state.stopped) ended.catch((err: unknown) => deps.log.debug('a task of the log failed', { err }));
      else await ended;
      await stop(state, desk, disk);
    },
    ...sink,
  };
}

/** What it tells an auditor to trust names the contracts of the log's anchors, if there are any (AUD-37). */
function withContracts(reader: AuditReader, anchoring: Pick<Anchoring, 'contracts'>): AuditReader {
  const trust = async (): Promise<TrustFile> => {
    const [file, contracts] = [await reader.trust(), anchoring.contracts()];
    return contracts.length === 0 ? file : { ...file, contracts: [...contracts] };
  };
  return { ...reader, trust };
}

function measureOpening({ metrics, log }: AuditDeps, state: State): Told {
  return {
    onFault: measureWitnesses(metrics, () => state.log?.witnessing),
    onRewrite: createRewriteReport(metrics, log),
  };
}

function openDesk(
  deps: AuditDeps,
  { limits, sourceOf }: Workshop,
  { disk, opened }: { readonly disk: DiskWatch; readonly opened: () => OpenLog },
): DenialDesk {
  const { tenant, clock, log, crypto } = deps;
  return createDenialDesk({
    limits: limits.denials,
    now: () => clock.now(),
    sourceOf,
    isOpen: () => disk.isRoomy() && !opened().sequencer.isFull('denial'),
    add: (draft) => opened().sequencer.add(draft, 'denial'),
    summarize: createDenialDrafts(tenant, encodeHex(deps.random(16)), crypto),
    store: createDenialStore(deps.sql),
    log,
  });
}

function openStreams(
  { clock, log }: AuditDeps,
  { growth, limits }: Workshop,
  explorer: AuditReader,
  opened: () => OpenLog,
): EventStreams {
  const size = (): number => opened().sequencer.size;
  return createEventStreams({ explorer, growth, size, clock, log, limits: limits.streams });
}

/** How long an export waits for the checkpoint that covers it. */
const BUNDLE_MS = 10_000;

function openExporter(
  deps: AuditDeps,
  { hasher }: Workshop,
  log: Pick<ExporterDeps, 'record'> & {
    readonly opened: () => OpenLog;
    readonly reader: Pick<AuditReader, 'reach'>;
    readonly anchoring: Pick<Anchoring, 'proofs'>;
  },
): Exporter {
  const { record, opened } = log;
  return createExporter({
    ...{ ...deps, record, hasher },
    store: createExportStore(deps.sql),
    size: () => opened().sequencer.size,
    reach: (size) => log.reader.reach(size, BUNDLE_MS),
    anchors: log.anchoring.proofs,
    prover: () => opened().prover,
  });
}

interface State {
  log: OpenLog | undefined;
  /** A receipt was made and verified. */
  proven: boolean;
  stopped: boolean;
  sweeping?: NodeJS.Timeout;
}

const SWEEP_MS = 10_000;

/** Now and then: what nodes owe that are gone. */
function sweepLost(deps: Parameters<typeof recordLost>[0], log: AuditDeps['log']): NodeJS.Timeout {
  const sweep = (): void => {
    recordLost(deps, false).catch((err: unknown) => log.warn('lost outcomes were not recorded', { err }));
  };
  return setInterval(sweep, SWEEP_MS).unref();
}

interface SinkParts {
  readonly state: State;
  readonly opened: () => OpenLog;
  readonly disk: DiskWatch;
  readonly desk: DenialDesk;
  readonly record: Recorder;
  readonly shop: Workshop;
  readonly meter: LogMeter;
}

type Recorder = (draft: AuditDraft) => Promise<RecordedEvent | undefined>;

type Sink = Pick<Audit, 'assertReady' | 'assertAccepting' | 'record' | 'recordDenial'>;

/** What other rooms hand events to. */
function createSink({ state, opened, disk, desk, record, shop, meter }: SinkParts): Sink {
  const assertOpen = (): void => {
    if (state.stopped || !state.proven) throw unavailable('the log is not open');
  };
  const assertTaking = (): void => {
    assertOpen();
    const { sequencer, integrator } = opened();
    if (!sequencer.isUp()) throw unavailable('the log cannot be written');
    if (sequencer.isFull()) throw unavailable('too many events wait for the log');
    assertIntact(integrator);
    const behind = sequencer.size - (integrator.checkpoint?.size ?? 0);
    if (behind > shop.limits.backlog) throw unavailable('too many events wait for a checkpoint');
  };
  // Only a chain can end without an event of its own: the first overload holds.
  const take: Recorder = async (draft) => {
    assertOpen();
    if (isAllowedWrite(draft)) disk.assertWritable();
    return record(draft);
  };
  const takeDenial: Audit['recordDenial'] = async (draft, source) => {
    assertOpen();
    const event = await desk.record(draft, source);
    if (event === undefined) meter.summarised();
    return event;
  };
  return {
    assertReady: () => {
      assertTaking();
      opened().integrator.assertSound();
      opened().time.assertSound();
    },
    assertAccepting: (op) => {
      if (op === 'write') disk.assertWritable();
      assertTaking();
    },
    record: ((draft: AuditDraft) => meter.counted(take(draft))) as Audit['record'],
    recordDenial: (draft, source) => meter.counted(takeDenial(draft, source)),
  };
}

/** What would be written after a contradiction could never be proven. */
function assertIntact(integrator: OpenLog['integrator']): void {
  try {
    integrator.assertIntact();
  } catch (cause) {
    throw new TrustError('UNAVAILABLE', 'the log contradicts itself and is not continued', {}, cause);
  }
}

function giveUp(state: State): void {
  state.stopped = true;
  state.log?.sequencer.giveUp();
  state.log?.integrator.giveUp();
  state.log?.witnessing.stop();
}

async function stop(state: State, desk: DenialDesk, disk: DiskWatch): Promise<void> {
  disk.stop();
  clearInterval(state.sweeping);
  state.stopped = true;
  const { log } = state;
  if (log === undefined) return;
  await desk.stop();
  await log.sequencer.flush();
  await log.integrator.stop(STOP_MS);
  log.witnessing.stop();
  log.time.stop();
  await log.sequencer.stop();
}

function unavailable(reason: string): TrustError {
  return new TrustError('UNAVAILABLE', reason);
}
