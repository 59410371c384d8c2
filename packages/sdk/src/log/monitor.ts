import {
  type CryptoProvider,
  createEventWalk,
  equalBytes,
  isTrustError,
  TrustError,
  type TrustedLog,
  walkFrom,
} from '@talosprotocol/protocol';
import { type Finding, nameOf } from './finding.js';
import type { LogClient, LogView, NotedCheckpoint } from './log-client.js';
import { readEntries } from './monitor-entries.js';
import { findWitnesses, followLog, type Look } from './monitor-look.js';
import { createMemory, type MonitorState, memoryState, settleMemory } from './monitor-state.js';
import { compareView } from './monitor-views.js';

/** What a monitor is made of. */
export interface LogMonitorOptions {
  /** The log that is watched. Make its client without witnesses: what they did not sign is to be seen too. */
  readonly client: LogClient;
  /** The same log as others see it: mirrors of it, its own address from elsewhere, witnesses. */
  readonly views?: readonly LogView[];
  /** Whose log it is, and the witnesses that must have cosigned. */
  readonly log: TrustedLog;
  /** Reads every entry and holds it to the rules of events. `emitters`: whose events count, anybody's by default.
   *  `from`: the first that is read where none was read before, default 0. `mostALook`: entries that are read in one look,
   *  default 16,384; the rest is read in the next. */
  readonly entries?: {
    readonly emitters?: ReadonlySet<string>;
    readonly from?: number;
    readonly mostALook?: number;
  };
  readonly crypto: CryptoProvider;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** For how long a log may show nothing new, in milliseconds; without end by default. */
  readonly maxAgeMs?: number;
  /** For how long it may give no answer, or lack cosignatures, before that is a finding; default 0. */
  readonly patienceMs?: number;
  /** For how long it may show an older part of what it showed, all of whose tiles are there: from a cache, or until
   *  witnesses have seen more; default 0. */
  readonly lagMs?: number;
  /** Where it stood when it was stopped. */
  readonly state?: MonitorState;
}

/** Follows a log and says what is wrong with it (AUD-97, AUD-98). */
export interface LogMonitor {
  /** Looks once: at the log, its entries, the other views. What it gives is wrong now, or was proven before; the next look
   *  gives it again while that is so. Rejects only for a fault of its own. */
  check(): Promise<readonly Finding[]>;
  /** Entries of the log as it was seen, and how many of them are still to be read. `shown`: the last look was shown only so
   *  many, an older state. */
  progress(): { readonly size: number; readonly unread: number; readonly shown?: number };
  /** To be kept, and handed in after a restart: else a log could show another history to whoever comes back. */
  state(): MonitorState;
}

const ENTRIES_A_LOOK = 16_384;

/** Makes a monitor.
 *  @throws {TrustError} SETTINGS_INVALID: the state is of another log
 *  @example const monitor = createLogMonitor({ client, log, crypto, now: Date.now, state }) */
export function createLogMonitor(options: LogMonitorOptions): LogMonitor {
  const { client, views = [], log, entries, state } = options;
  const memory = createMemory(state, options.now());
  let known = state === undefined ? undefined : lastOf(state, options);
  let shown: number | undefined;
  const walk = createEventWalk(
    {
      ...options,
      origin: log.origin,
      ...(entries?.emitters === undefined ? {} : { emitters: entries.emitters }),
    },
    state?.walk ?? walkFrom(entries?.from ?? 0),
  );
  const lookAtOthers = async (look: Look, seen: NotedCheckpoint): Promise<readonly Finding[]> => {
    const others = await Promise.all(views.map((view) => compareView(look, view, seen)));
    const read =
      entries === undefined ? [] : await readEntries(look, seen, walk, entries.mostALook ?? ENTRIES_A_LOOK);
    return [...others.flat(), ...read];
  };
  const check = async (): Promise<readonly Finding[]> => {
    const { patienceMs = 0, lagMs = 0 } = options;
    const look = { client, memory, now: options.now(), patienceMs, lagMs };
    settleMemory(memory, look.now);
    const followed = await followLog(look, known);
    const { cosignatures, found } =
      followed.shown === undefined ? NO_WITNESSES : findWitnesses(look, log, followed.shown);
    const times = cosignatures.map(({ time }) => time * 1000);
    if (isNews(known, followed.known)) memory.fresh = look.now;
    else memory.fresh = Math.max(memory.fresh, ...times.filter((time) => time <= look.now));
    known = followed.known;
    shown = followed.shown?.checkpoint.size;
    const others = known === undefined ? [] : await lookAtOthers(look, known);
    const age = followed.shown === undefined ? [] : findFrozen(look, options.maxAgeMs);
    return [...followed.found, ...found, ...age, ...others];
  };
  return {
    check: async () => keepProven(memory.proven, await check()),
    progress: () => {
      const size = known?.checkpoint.size ?? 0;
      const unread = entries === undefined ? 0 : Math.max(0, size - walk.next());
      return shown === undefined || shown >= size ? { size, unread } : { size, unread, shown };
    },
    state: () => ({
      origin: log.origin,
      note: known?.note ?? null,
      ...memoryState(memory),
      walk: walk.state(),
    }),
  };
}

const NO_WITNESSES = { cosignatures: [], found: [] } as const;

function lastOf(
  { origin, note }: MonitorState,
  { client, log }: LogMonitorOptions,
): NotedCheckpoint | undefined {
  const hint = 'name another file for the state, or remove it to begin anew';
  if (origin !== log.origin)
    throw new TrustError('SETTINGS_INVALID', `the state is of the log ${origin}`, { hint });
  try {
    return note === null ? undefined : client.verify(note);
  } catch (cause) {
    if (!isTrustError(cause)) throw cause;
    const reason = 'the checkpoint in the state is signed by none of the keys of the log';
    throw new TrustError('SETTINGS_INVALID', reason, { hint }, cause);
  }
}

function isNews(before: NotedCheckpoint | undefined, after: NotedCheckpoint | undefined): boolean {
  if (before === undefined || after === undefined) return before !== after;
  return !equalBytes(before.checkpoint.root, after.checkpoint.root);
}

function findFrozen({ memory, now, client }: Look, maxAgeMs = Number.POSITIVE_INFINITY): readonly Finding[] {
  const age = now - memory.fresh;
  if (age < maxAgeMs) return [];
  const detail = `the log has shown nothing new for ${Math.floor(age / 1000)} s`;
  return [{ kind: 'frozen', url: client.url, detail }];
}

/** What is proven stays found, also when the log shows what it showed before. */
function keepProven(
  proven: Map<string, Omit<Finding, 'evidence'>>,
  found: readonly Finding[],
): readonly Finding[] {
  const names = new Set(found.map(nameOf));
  const before = [...proven].filter(([name]) => !names.has(name)).map(([, finding]) => finding);
  for (const { evidence: _, ...bare } of found) {
    const isForEver = bare.kind === 'fork' || bare.kind === 'split-view';
    if (isForEver && !proven.has(nameOf(bare))) proven.set(nameOf(bare), bare);
  }
  return [...before, ...found];
}
