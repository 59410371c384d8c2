import type { Authenticated } from '../admission/ports.js';
import type { RpcId } from './rpc.js';

/** Calls that run, so that `notifications/cancelled` finds them. Ids start anew with each connection of a client:
 *  one that names two running calls of its caller cancels neither. */
export interface InFlight {
  add(caller: Authenticated, id: RpcId): { readonly signal: AbortSignal; readonly done: () => void };
  cancel(caller: Authenticated, id: RpcId): void;
}

export function createInFlight(): InFlight {
  const running = new Map<string, Set<AbortController>>();
  return {
    add(caller, id) {
      const key = keyOf(caller, id);
      const controller = new AbortController();
      const same = running.get(key) ?? new Set();
      running.set(key, same.add(controller));
      const done = (): void => {
        same.delete(controller);
        if (same.size === 0 && running.get(key) === same) running.delete(key);
      };
      return { signal: controller.signal, done };
    },
    cancel(caller, id) {
      const same = running.get(keyOf(caller, id));
      if (same?.size === 1) for (const controller of same) controller.abort();
    },
  };
}

/** A caller is one chain, and within it one session. */
function keyOf({ capability, credential }: Authenticated, id: RpcId): string {
  return JSON.stringify([capability.cth, credential.sid ?? null, id]);
}
