import type { ParsedLink } from '@talosprotocol/protocol';
import type { ChangeStore } from './change-store.js';

/** Who has ended in this process's knowledge: consulted wherever a chain is verified, synchronously. */
export interface Standing {
  /** Reads all endings; nothing may be served before. */
  load(): Promise<void>;
  /** Reads what other processes ended since. */
  poll(): Promise<void>;
  isInactive(did: string): boolean;
  /** Puts an ending that is durable in force: when it returns, nothing accepts the identity any more. */
  end(did: string): void;
  /** Calls `listener` with every DID that ends from now on. */
  onEnded(listener: (did: string) => void): void;
}

/** Makes the set of ended identities, empty until `load`. */
export function createStanding(store: Pick<ChangeStore, 'endedAfter'>): Standing {
  const ended = new Set<string>();
  const listeners: ((did: string) => void)[] = [];
  let number = 0;
  const end = (did: string): void => {
    if (ended.has(did)) return;
    ended.add(did);
    for (const listener of listeners) listener(did);
  };
  const poll = async (): Promise<void> => {
    for (const row of await store.endedAfter(number)) {
      number = Math.max(number, row.number);
      end(row.did);
    }
  };
  return {
    load: poll,
    poll,
    isInactive: (did) => ended.has(did),
    end,
    onEnded: (listener) => void listeners.push(listener),
  };
}

/** True if an identity that a link names has ended: its holder, and of the root its issuer too. Every other issuer is the
 *  holder of the link before. */
export function namesEnded(
  index: number,
  links: readonly ParsedLink[],
  isInactive: (did: string) => boolean,
): boolean {
  const claims = links[index]?.claims;
  if (claims === undefined) return false;
  return isInactive(claims.sub) || (index === 0 && isInactive(claims.iss));
}
