import { TrustError } from '@talosprotocol/protocol';
import type { ServerPolicy } from '../../admission/ports.js';
import { type Life, type LifeDeps, startLife } from './life.js';
import { type Limits, limitsOf } from './limits.js';
import { CRASH_LOOP, createRestarts, type Restarts } from './restarts.js';
import { createSlots, type Slots } from './slots.js';

/** The right to make one call, on a server that runs. Must be released. */
export interface Lease {
  readonly life: Life;
  readonly callTimeoutMs: number;
  release(): void;
}

/** Keeps one tool server running while it is needed. */
export interface Supervisor {
  /** Starts the server if it does not run, and waits for a slot.
   *  @throws {TrustError} UNAVAILABLE | UPSTREAM_FAILED; the signal's reason when it aborts */
  lease(signal: AbortSignal): Promise<Lease>;
  stop(): Promise<void>;
}

/** One run and who uses it. */
interface Tenure {
  readonly life: Life;
  leases: number;
  /** Takes no new calls; stops after its last one. */
  retiring: boolean;
  lifetime: NodeJS.Timeout | undefined;
  idle: NodeJS.Timeout | undefined;
}

interface State {
  readonly server: ServerPolicy;
  readonly deps: LifeDeps;
  readonly limits: Limits;
  readonly slots: Slots;
  readonly restarts: Restarts;
  readonly tenures: Set<Tenure>;
  current: Tenure | undefined;
  starting: Promise<Tenure> | undefined;
  stopped: boolean;
  readonly leaving: AbortController;
}

/** Builds the supervisor of one server for one tenant; nothing is started before the first lease. */
export function createSupervisor(server: ServerPolicy, deps: LifeDeps): Supervisor {
  const limits = limitsOf(server.limits);
  const state: State = {
    server,
    deps,
    limits,
    slots: createSlots(limits.maxConcurrent, limits.maxQueued, limits.callTimeoutMs),
    restarts: createRestarts(server.name, () => deps.clock.monotonic()),
    tenures: new Set(),
    current: undefined,
    starting: undefined,
    stopped: false,
    leaving: new AbortController(),
  };
  return {
    lease: (signal) => lease(state, signal),
    async stop() {
      state.stopped = true;
      state.leaving.abort();
      await state.starting?.catch(() => undefined);
      await Promise.all([...state.tenures].map((tenure) => tenure.life.stop()));
    },
  };
}

async function lease(state: State, signal: AbortSignal): Promise<Lease> {
  const turn = state.slots.acquire(signal);
  if (turn !== undefined) await turn;
  try {
    const tenure = await running(state);
    tenure.leases += 1;
    clearTimeout(tenure.idle);
    return leaseOf(tenure, state.limits.callTimeoutMs, () => released(state, tenure));
  } catch (error) {
    state.slots.release();
    throw error;
  }
}

function running(state: State): Tenure | Promise<Tenure> {
  if (state.stopped) throw new TrustError('UNAVAILABLE', 'the gateway is stopping');
  if (state.current !== undefined) return state.current;
  state.starting ??= start(state).finally(() => {
    state.starting = undefined;
  });
  return state.starting;
}

async function start(state: State): Promise<Tenure> {
  const { deps, limits } = state;
  state.restarts.assertMayStart();
  const startedAt = deps.clock.monotonic();
  let tenure: Tenure | undefined;
  const onEnd = (reason: string): void => {
    if (!state.stopped && tenure?.retiring !== true) failed(state, startedAt, reason);
    if (tenure !== undefined) forget(state, tenure);
  };
  const life = await startLife(state.server, limits, deps, onEnd, state.leaving.signal);
  tenure = { life, leases: 0, retiring: false, lifetime: undefined, idle: undefined };
  if (!life.connection.isOpen) throw new TrustError('UNAVAILABLE', 'the tool server ended at once');
  state.tenures.add(tenure);
  deps.meter.ran(state.server.name, 1);
  state.current = tenure;
  const begun = tenure;
  tenure.lifetime = setTimeout(() => retire(state, begun), limits.lifetimeMs).unref();
  const { pid } = life.connection;
  deps.log.info('a tool server runs', pid === undefined ? {} : { pid });
  return tenure;
}

function failed({ restarts, deps, server }: State, startedAt: number, reason: string): void {
  restarts.failed(deps.clock.monotonic() - startedAt);
  deps.meter.failed(server.name);
  const level = restarts.failures >= CRASH_LOOP ? 'error' : 'warn';
  deps.log[level]('a tool server failed', { hint: `it ${reason}`, count: restarts.failures });
}

function forget(state: State, tenure: Tenure): void {
  clearTimeout(tenure.lifetime);
  clearTimeout(tenure.idle);
  if (state.tenures.delete(tenure)) state.deps.meter.ran(state.server.name, -1);
  if (state.current === tenure) state.current = undefined;
}

function retire(state: State, tenure: Tenure): void {
  tenure.retiring = true;
  if (state.current === tenure) state.current = undefined;
  if (tenure.leases === 0) void tenure.life.stop();
}

function released(state: State, tenure: Tenure): void {
  tenure.leases -= 1;
  state.slots.release();
  if (tenure.leases > 0 || !state.tenures.has(tenure)) return;
  if (tenure.retiring) void tenure.life.stop();
  else tenure.idle = setTimeout(() => retire(state, tenure), state.limits.idleMs).unref();
}

function leaseOf(tenure: Tenure, callTimeoutMs: number, release: () => void): Lease {
  let held = true;
  return {
    life: tenure.life,
    callTimeoutMs,
    release() {
      if (!held) return;
      held = false;
      release();
    },
  };
}
