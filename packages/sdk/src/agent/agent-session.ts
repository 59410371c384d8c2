import {
  formatTalosAuthorization,
  type MacFields,
  sessionMac,
  type WindowWidth,
} from '@talosprotocol/protocol';
import type { Runtime } from './runtime.js';

/** What the opening of a session gives. */
export interface OpenedSession {
  readonly sid: string;
  readonly key: Uint8Array;
  /** DID of the gateway. */
  readonly gateway: string;
  readonly window: WindowWidth;
  /** Unix milliseconds by our own clock from which it should not be used. */
  readonly endsAt: number;
}

/** A session as its agent uses it: it numbers the requests and signs them. */
export interface AgentSession extends OpenedSession {
  /** The next number, now in flight; undefined if it would be half a window beyond the oldest one in flight. */
  take(): number | undefined;
  /** The request with this number was answered, or failed. */
  release(seq: number): void;
  /** How many numbers are in flight. */
  inFlight(): number;
  /** Settles at the next release. */
  released(): Promise<void>;
  /** The `Authorization` header of a request. */
  authorize(request: Omit<MacFields, 'sid' | 'gateway'>): string;
}

/** Makes the agent's side of a session. Numbers in flight stay within half of the gateway's window, so that none
 *  falls out of it however the network reorders them (SES-9). */
export function createAgentSession(opened: OpenedSession, { crypto }: Pick<Runtime, 'crypto'>): AgentSession {
  const flying = new Set<number>(); // ascending, as numbers are taken in order
  let waiting: (() => void)[] = [];
  let next = 1;

  function take(): number | undefined {
    const [oldest = next] = flying;
    if (next - oldest >= opened.window / 2) return undefined;
    flying.add(next);
    return next++;
  }

  function release(seq: number): void {
    flying.delete(seq);
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  }

  return {
    ...opened,
    take,
    release,
    inFlight: () => flying.size,
    released: () => new Promise((wake) => void waiting.push(wake)),
    authorize(request) {
      const { sid, gateway, key } = opened;
      const mac = sessionMac(key, { ...request, sid, gateway }, crypto);
      return formatTalosAuthorization({ sid, seq: request.seq, rid: request.rid, mac });
    },
  };
}
