import type { ProblemCode } from '@talosprotocol/contracts';
import { isTrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import { createAnchorLag } from './anchor-lag.js';
import type { AnchorRow, AnchorStore, ProvenAnchor } from './anchor-store.js';
import type { AnchorAlarm, AnchoredLog, Anchorer, OpenAnchor } from './anchorer.js';

/** What stands in the way of an anchor, since when. */
export interface AnchorFault {
  readonly code: ProblemCode;
  readonly reason: string;
  readonly hint?: string;
  readonly sinceMs: number;
}

/** How far anchoring at one place is. */
export interface AnchorStatus {
  readonly place: string;
  readonly kind: Anchorer['kind'];
  /** Leaves of the newest checkpoint that no anchor covers whose block was looked at, and how old the oldest of them is. */
  readonly lag: { readonly entries: number; readonly seconds: number };
  /** The newest; of those that came with an archive, of which the chain was asked. */
  readonly proven: ProvenAnchor | undefined;
  /** Anchors that are begun. */
  readonly open: number;
  readonly fault: AnchorFault | undefined;
  /** What keeps it from seeing who else anchors the log. */
  readonly blind: AnchorFault | undefined;
  /** Confirmed blocks in which others were not looked for yet. */
  readonly unseen: number;
  /** The last ones; the newest is the last. */
  readonly alarms: readonly (AnchorAlarm & { readonly sinceMs: number })[];
}

export interface AnchorLoopDeps {
  readonly anchored: AnchoredLog;
  readonly store: AnchorStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The time of an event in ms; undefined if its body is gone. */
  readonly timeOf: (index: number) => Promise<number | undefined>;
}

/** Drives one place. Nothing waits for it. */
export interface AnchorLoop {
  start(): void;
  /** Waits for the step that runs. */
  stop(): Promise<void>;
  status(): AnchorStatus;
}

const MAX_ALARMS = 16;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** Between two looks at what others do. */
const WATCH_MS = 60_000;
/** Between two looks at how old the oldest event is that is not anchored. */
const LAG_MS = 1_000;

export function createAnchorLoop(anchorer: Anchorer, deps: AnchorLoopDeps): AnchorLoop {
  const { log } = deps;
  const state: State = {
    proven: undefined,
    confirmed: undefined,
    open: 0,
    fault: undefined,
    blind: undefined,
    unseen: 0,
    failures: 0,
    alarms: [],
    watchedAt: Number.NEGATIVE_INFINITY,
    followedAt: Number.NEGATIVE_INFINITY,
    askedDownTo: undefined,
  };
  const lag = createAnchorLag({ ...deps, confirmed: () => state.confirmed });
  const lookAtLag = (): void =>
    void lag.look().catch((err: unknown) => log.debug('the age of the lag was not found out', { err }));
  let timer: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  const plan = (delayMs: number): void => {
    if (!stopped) timer = setTimeout(run, delayMs).unref();
  };
  const run = (): void => {
    running = turn(anchorer, deps, state).then(plan);
  };
  return {
    start: () => {
      plan(0);
      lookAtLag();
      looking = setInterval(lookAtLag, LAG_MS).unref();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      clearInterval(looking);
      await running;
    },
    status: () => {
      const { place, kind } = anchorer;
      const { proven, open, fault, blind, unseen, alarms } = state;
      return { place, kind, lag: lag.now(), proven, open, fault, blind, unseen, alarms: [...alarms] };
    },
  };
}

interface State {
  proven: ProvenAnchor | undefined;
  /** The newest whose block was looked at: the proof itself may rest on the word of calendars. */
  confirmed: ProvenAnchor | undefined;
  open: number;
  fault: AnchorFault | undefined;
  blind: AnchorFault | undefined;
  unseen: number;
  /** Turns in a row that failed. */
  failures: number;
  readonly alarms: (AnchorAlarm & { readonly sinceMs: number })[];
  watchedAt: number;
  /** Monotonic moment at which open anchors were looked at last. */
  followedAt: number;
  /** Size of the imported anchor that was looked at last; undefined: the newest comes next. */
  askedDownTo: number | undefined;
}

/** One turn; gives how long to wait for the next. */
async function turn(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<number> {
  let dueMs = anchorer.everyMs;
  try {
    const faults = isToFollow(anchorer, deps, state) ? await lookAtOpen(anchorer, deps, state) : [];
    dueMs = await beginIfDue(anchorer, deps, state);
    // Nothing waits for these: a node may not know blocks that are so old.
    await lookAtImported(anchorer, deps, state).catch((err: unknown) =>
      deps.log.debug('an anchor that was imported is looked at later', { err }),
    );
    if (faults.length > 0) throw faults[0];
    if (state.fault !== undefined) deps.log.info('anchoring goes on', { stage: anchorer.place });
    Object.assign(state, { fault: undefined, failures: 0 });
  } catch (error) {
    noteFault(anchorer, deps, state, error);
  }
  await watch(anchorer, deps, state);
  if (state.failures > 0) return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (state.failures - 1));
  // What is open is looked at when its time comes; a new one begins when its own comes, be that sooner.
  const followMs = Math.max(0, state.followedAt + anchorer.pollMs - deps.clock.monotonic());
  return Math.min(followMs, dueMs);
}

/** What failed is tried again when that is due, not when the next look would be. */
function isToFollow({ pollMs }: Anchorer, { clock }: AnchorLoopDeps, state: State): boolean {
  return state.failures > 0 || clock.monotonic() - state.followedAt >= pollMs;
}

async function lookAtOpen(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<unknown[]> {
  await recheck(anchorer, deps, state);
  const faults = await followAll(anchorer, deps, state);
  state.followedAt = deps.clock.monotonic();
  return faults;
}

/** Whether the chain still has the newest anchor; one in a block that it dropped is open again. */
async function recheck(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<void> {
  const proven = await deps.store.newestAt(anchorer.place);
  state.proven = proven;
  state.confirmed = await deps.store.confirmed(anchorer.place);
  if (proven === undefined || (await anchorer.holds(proven.proof))) return;
  await deps.store.reopen(anchorer.place, proven.size);
  state.proven = undefined;
  const reason = `the chain dropped the block that had size ${proven.size}; it is anchored anew`;
  raiseAlarm(state, deps, { code: 'REORG', reason });
  // Those before it may have been in blocks that are gone, too.
  await recheck(anchorer, deps, state);
}

/** Of what came with an archive one is looked at in a turn, the newest first: until then it counts neither for the lag nor for
 *  pruning. One whose block the chain does not have is of no use to anybody. One of which nobody can tell, such as that of a
 *  block to come, keeps no older one waiting: behind the oldest it is its turn again. */
async function lookAtImported(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<void> {
  const { store, log } = deps;
  const { place } = anchorer;
  const anchor = await store.newestImported(place, state.askedDownTo);
  state.askedDownTo = anchor?.size;
  if (anchor === undefined) return;
  const isKnown = await anchorer.knows(anchor.proof);
  if (isKnown === undefined) return;
  if (isKnown) {
    await store.accept(anchor);
    state.proven = await store.newestAt(place);
    state.confirmed = await store.confirmed(place);
    log.info('the chain has an anchor that was imported', { stage: place, size: anchor.size });
    return;
  }
  await store.forget(anchor);
  const reason = `the chain does not have the block of the imported anchor of size ${anchor.size}; it is forgotten`;
  raiseAlarm(state, deps, { code: 'REORG', reason });
}

/** One that fails keeps neither the others nor a new one; gives the faults. */
async function followAll(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<unknown[]> {
  const rows = await deps.store.open(anchorer.place);
  const faults: unknown[] = [];
  state.open = rows.length;
  for (const row of rows)
    await follow(anchorer, deps, state, row).catch((error: unknown) => void faults.push(error));
  return faults;
}

async function follow(anchorer: Anchorer, deps: AnchorLoopDeps, state: State, row: AnchorRow): Promise<void> {
  const { store, log } = deps;
  const { place } = anchorer;
  let current = row;
  const anchor: OpenAnchor = {
    ...row,
    keep: async (kept) => {
      current = await store.keep(place, current, kept);
    },
  };
  const progress = await anchorer.follow(anchor);
  if (progress.kind === 'waiting') return;
  state.open -= 1;
  if (progress.kind === 'given-up') {
    await store.giveUp(place, current);
    log.warn('an anchor is given up', { stage: place, size: row.size, line: progress.reason });
    return;
  }
  await store.prove(place, current, progress.proof);
  state.confirmed = await store.confirmed(place);
  log.info('the log is anchored', { stage: place, size: row.size });
  if (row.size > (state.proven?.size ?? 0))
    state.proven = { ...row, place, proof: progress.proof, imported: false };
}

/** Gives how long it is until another may be due. */
async function beginIfDue(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<number> {
  const { store, clock, anchored } = deps;
  const { everyMs } = anchorer;
  if (state.open >= anchorer.maxOpen) return everyMs;
  const last = await store.lastBegun(anchorer.place);
  const size = anchored.size();
  const now = clock.now();
  // A clock that was set back begins one at once rather than none for long.
  const since = Math.abs(now - (last?.begunMs ?? Number.NEGATIVE_INFINITY));
  if (since < everyMs) return everyMs - since;
  if (size <= (last?.size ?? 0)) return everyMs;
  const row = await store.begin(anchorer.place, { size, root: await anchored.rootAt(size) }, now);
  state.open += 1;
  await follow(anchorer, deps, state, row);
  return everyMs;
}

/** What others do is looked at now and then. That it cannot be seen keeps nobody from anchoring. */
async function watch(anchorer: Anchorer, deps: AnchorLoopDeps, state: State): Promise<void> {
  const now = deps.clock.monotonic();
  if (now - state.watchedAt < WATCH_MS) return;
  state.watchedAt = now;
  try {
    const { alarms, blind, unseen } = await anchorer.look();
    for (const alarm of alarms) raiseAlarm(state, deps, alarm);
    state.unseen = unseen;
    noteBlind(anchorer, deps, state, blind);
  } catch (error) {
    noteBlind(anchorer, deps, state, error);
  }
}

/** Whoever does not see others must know: nobody else says that they are there. */
function noteBlind({ place }: Anchorer, deps: AnchorLoopDeps, state: State, error: unknown): void {
  if (error === undefined) {
    if (state.blind !== undefined) deps.log.info('it is seen again who anchors the log', { stage: place });
    state.blind = undefined;
    return;
  }
  const { reason: why, ...fault } = describeFault(error, deps.clock, 'it fails on our side');
  const reason = `it cannot be seen who else anchors the log: ${why}`;
  if (state.blind?.reason === reason) return;
  deps.log.warn('who else anchors the log cannot be seen now', {
    stage: place,
    code: fault.code,
    err: error,
  });
  state.blind = { ...fault, reason, sinceMs: state.blind?.sinceMs ?? fault.sinceMs };
}

function raiseAlarm(state: State, { log, clock }: AnchorLoopDeps, alarm: AnchorAlarm): void {
  const known = state.alarms.some(({ reason }) => reason === alarm.reason);
  if (known && alarm.code !== 'REORG') return;
  log.error('an anchor of the log needs attention', { code: alarm.code, line: alarm.reason });
  state.alarms.push({ ...alarm, sinceMs: clock.now() });
  if (state.alarms.length <= MAX_ALARMS) return;
  // One of the same kind makes room: what anybody can cause does not push a fork out of sight.
  state.alarms.splice(
    state.alarms.findIndex(({ code }) => code === alarm.code),
    1,
  );
}

/** Said once until something changes: it is tried again and again. */
function noteFault({ place }: Anchorer, { log, clock }: AnchorLoopDeps, state: State, error: unknown): void {
  const fault = describeFault(error, clock, 'anchoring failed on our side');
  state.failures += 1;
  if (state.fault?.reason === fault.reason) return;
  log.warn('the log cannot be anchored now; it is tried again', {
    stage: place,
    code: fault.code,
    err: error,
  });
  state.fault = fault;
}

/** `ours` is said of what is no fault of others: its text may say what nobody is to know. */
function describeFault(error: unknown, clock: Clock, ours: string): AnchorFault {
  const sinceMs = clock.now();
  if (!isTrustError(error)) return { code: 'INTERNAL', reason: ours, sinceMs };
  const { reason = error.message, hint } = error.data;
  return { code: error.code, reason, sinceMs, ...(hint === undefined ? {} : { hint }) };
}
