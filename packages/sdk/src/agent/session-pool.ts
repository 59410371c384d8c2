import type { AgentSession } from './agent-session.js';

/** What the pool needs. */
export interface SessionPoolDeps {
  readonly open: () => Promise<AgentSession>;
  /** Tells the gateway that a session is over. Must not throw. */
  readonly end: (session: AgentSession) => Promise<void>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The right to send one request. Give it back with `session.release(seq)`. */
interface Lease {
  readonly session: AgentSession;
  readonly seq: number;
}

/** Opens sessions as they are needed. */
export interface SessionPool {
  acquire(): Promise<Lease>;
  /** The gateway no longer knows this session. */
  forget(session: AgentSession): void;
  /** Ends the session, once what is in flight was answered. */
  close(): Promise<void>;
}

/** Makes a pool that keeps one session open, shared by all requests. With half a window of requests in flight the
 *  next waits; where a single slow one holds the numbers back, another session is opened instead. */
export function createSessionPool({ open, end, now }: SessionPoolDeps): SessionPool {
  let current: Promise<AgentSession> | undefined;
  let held: AgentSession | undefined;

  /** Concurrent requests share one opening; a failed one is not kept. */
  function openOnce(): Promise<AgentSession> {
    const opening = open();
    current = opening;
    opening.then(
      (session) => {
        if (current === opening) held = session;
      },
      () => {
        if (current === opening) current = undefined;
      },
    );
    return opening;
  }

  function forget(session: AgentSession): void {
    if (held !== session) return;
    held = undefined;
    current = undefined;
  }

  async function retire(session: AgentSession): Promise<void> {
    forget(session);
    while (session.inFlight() > 0) await session.released();
    await end(session);
  }

  /** Undefined after a wait, or after the session was given up: the next try decides anew. */
  async function tryAcquire(): Promise<Lease | undefined> {
    const session = await (current ?? openOnce());
    const usable = now() < session.endsAt;
    const seq = usable ? session.take() : undefined;
    if (seq !== undefined) return { session, seq };
    if (usable && session.inFlight() >= session.window / 2) await session.released();
    else if (held === session) void retire(session);
    return undefined;
  }

  async function acquire(): Promise<Lease> {
    for (;;) {
      const lease = await tryAcquire();
      if (lease !== undefined) return lease;
    }
  }

  async function close(): Promise<void> {
    const session = await current?.catch(() => undefined);
    if (session !== undefined) await retire(session);
  }

  return { acquire, forget, close };
}
