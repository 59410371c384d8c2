import { TrustError } from '@talosprotocol/protocol';
import type { Log } from '../../platform/log.js';
import type { Clock } from '../../platform/system.js';
import type { KernelStore } from '../store.js';

/** The revocations in force in this process, and who is told of new ones. */
export interface Revocations {
  /** Reads all of them; nothing may be served before. */
  load(): Promise<void>;
  /** Reads what other processes added since. */
  poll(): Promise<void>;
  isRevoked(lid: string): boolean;
  /** False while nobody knows whether this process has heard of every revocation: reading from the database failed
   *  for too long. */
  isFresh(op: 'read' | 'write'): boolean;
  /** Puts a revocation that is durable in force. Synchronous: when it returns, nothing accepts the link any more. */
  enforce(lid: string): void;
  /** Calls `listener` with every link that comes into force from now on, before any watcher is called. */
  onEnforced(listener: (lid: string) => void): void;
  /** Ends whatever hangs on a name that is no link, such as a session. */
  signal(name: string): void;
  /** Calls `listener` once when one of the names is enforced or signalled. Watch first, then ask `isRevoked`, in one
   *  synchronous step: a revocation in between finds one of the two. The result unsubscribes. */
  watch(names: readonly string[], listener: () => void): () => void;
}

export interface RevocationsDeps {
  readonly store: Pick<KernelStore, 'revocationsAfter'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest silence in which calls are still decided, in milliseconds (PROTOCOL 4). */
const SILENCE = { write: 5_000, read: 60_000 } as const;

/** Makes the set of revocations, empty and stale until `load`. */
export function createRevocations(deps: RevocationsDeps): Revocations {
  const { store, clock, log } = deps;
  const revoked = new Set<string>();
  const watchers = createWatchers(log);
  let number = 0;
  let heard = Number.NEGATIVE_INFINITY;

  const listeners: ((lid: string) => void)[] = [];

  const enforce = (lid: string): void => {
    revoked.add(lid);
    for (const listener of listeners) listener(lid);
    watchers.call(lid);
  };
  const poll = async (): Promise<void> => {
    // What is read is at least as new as the moment of asking, not of the answer.
    const asked = clock.monotonic();
    for (const row of await store.revocationsAfter(number)) {
      number = Math.max(number, row.number);
      if (!revoked.has(row.lid)) enforce(row.lid);
    }
    heard = Math.max(heard, asked);
  };
  return {
    load: poll,
    poll,
    isRevoked: (lid) => revoked.has(lid),
    isFresh: (op) => clock.monotonic() - heard <= SILENCE[op],
    enforce,
    onEnforced: (listener) => void listeners.push(listener),
    signal: watchers.call,
    watch: watchers.add,
  };
}

interface Watchers {
  add(names: readonly string[], listener: () => void): () => void;
  call(name: string): void;
}

function createWatchers(log: Log): Watchers {
  const byName = new Map<string, Set<() => void>>();
  const remove = (name: string, listener: () => void): void => {
    const set = byName.get(name);
    if (set?.delete(listener) && set.size === 0) byName.delete(name);
  };
  const add = (names: readonly string[], listener: () => void): (() => void) => {
    // Wrapped: the same function may be added twice, and each addition is removed by itself.
    const once = (): void => {
      unsubscribe();
      listener();
    };
    const unsubscribe = (): void => {
      for (const name of names) remove(name, once);
    };
    for (const name of names) byName.set(name, (byName.get(name) ?? new Set()).add(once));
    return unsubscribe;
  };
  const call = (name: string): void => {
    for (const once of [...(byName.get(name) ?? [])]) {
      try {
        once();
      } catch (error) {
        // One listener's fault must not keep a revocation from the others.
        log.error('a listener for a revocation failed', { err: error });
      }
    }
  };
  return { add, call };
}

/** What a caller is told when revocations cannot be read. */
export function staleFeed(): TrustError {
  return new TrustError('UNAVAILABLE', 'revocations have not been heard of for too long', {
    hint: 'Try again; the operator finds the reason in the log.',
  });
}
