import type { ParsedLink } from '@talosprotocol/protocol';
import type { Clock } from '../../platform/system.js';
import type { ChangeStore } from './change-store.js';

/** Who has ended in this process's knowledge: consulted wherever a chain is verified, synchronously. */
export interface Standing {
  /** Reads all endings; nothing may be served before. */
  load(): Promise<void>;
  /** Reads what other processes ended since. */
  poll(): Promise<void>;
  isInactive(did: string): boolean;
  /** False once nothing was read for so long that an ending elsewhere may be unknown: 5 s for writes, 60 s for reads. */
  isFresh(op: 'read' | 'write'): boolean;
  /** Puts an ending that is durable in force: when it returns, nothing accepts the identity any more. */
  end(did: string): void;
  /** Calls `listener` with every DID that ends from now on. */
  onEnded(listener: (did: string) => void): void;
  /** Calls `listener` with every DID that has other keys from now on, as some process found, and the number of that change. */
  onRotated(listener: (did: string, number: number) => void): void;
}

/** As for the feed of revocations, in milliseconds. */
const MAX_AGE_MS = { read: 60_000, write: 5_000 };

/** Makes the set of ended identities, empty until `load` and not fresh before. */
export function createStanding(
  store: Pick<ChangeStore, 'turnsAfter'>,
  clock: Pick<Clock, 'monotonic'>,
): Standing {
  const ended = new Set<string>();
  const listeners: ((did: string) => void)[] = [];
  const rotationListeners: ((did: string, number: number) => void)[] = [];
  let number = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  const end = (did: string): void => {
    if (ended.has(did)) return;
    ended.add(did);
    for (const listener of listeners) listener(did);
  };
  const poll = async (): Promise<void> => {
    // From before the question: what ended while the answer was under way is not in it.
    const asked = clock.monotonic();
    for (const row of await store.turnsAfter(number)) {
      number = Math.max(number, row.number);
      if (row.is_end) end(row.did);
      else for (const listener of rotationListeners) listener(row.did, row.number);
    }
    readAt = Math.max(readAt, asked);
  };
  return {
    load: poll,
    poll,
    isInactive: (did) => ended.has(did),
    isFresh: (op) => clock.monotonic() - readAt <= MAX_AGE_MS[op],
    end,
    onEnded: (listener) => void listeners.push(listener),
    onRotated: (listener) => void rotationListeners.push(listener),
  };
}

/** The identity a link names that has ended; undefined if none has. */
export function endedIn(
  index: number,
  links: readonly ParsedLink[],
  isInactive: (did: string) => boolean,
): string | undefined {
  return namesIn(index, links).find(isInactive);
}

/** The identities a link names: its holder, and of the root its issuer too. Every other issuer is the holder of the link before. */
export function namesIn(index: number, links: readonly ParsedLink[]): readonly string[] {
  const claims = links[index]?.claims;
  if (claims === undefined) return [];
  return index === 0 ? [claims.iss, claims.sub] : [claims.sub];
}
